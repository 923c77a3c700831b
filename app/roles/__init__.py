"""Long-running roles: their life cycle, sockets and health.

Modules: bounce_import, kafka_roles, lifecycle, provider_watch, run_lock, sockets.
"""
