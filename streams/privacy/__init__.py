"""Privacy: erasure, retention, the access log, tokens."""
