"""Help authors: scaffold, preview, and differences in words."""
