"""Check packs: every finding names file, line and column."""
