"""The long-running roles: their life cycle, sockets and health.

Modules:
    waiting: waiting for a database that is away. lifecycle: starting and stopping a role. sockets: the health
        port. run_lock: one `run` at a time.
    kafka_roles: relay, worker and intake. job_role: long work.
    provider_watch: says when a provider is down, and when it is back.
    bounce_import: bounces from a Maildir.
"""
