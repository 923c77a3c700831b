"""The long-running roles: their life cycle, sockets and health.

Modules:
    lifecycle: waiting for services and stopping on request. sockets: the health port. run_lock: one `run` at a time.
    kafka_roles: relay, worker and intake. provider_watch: says when a provider is down, and when it is back.
    bounce_import: bounces from a Maildir.
"""
