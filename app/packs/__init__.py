"""Drafts and published packs for their owners: bench, differences, case results."""
