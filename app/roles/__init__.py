"""Long-running roles: their life cycle, sockets and health."""
