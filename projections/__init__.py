"""Read models over the log, each rebuildable."""
