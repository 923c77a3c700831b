"""Everything that moves a fact."""
