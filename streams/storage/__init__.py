"""The database: SQLite for one process, PostgreSQL for several.

Modules:
    database: `Database`, with snapshots for reading, transactions for writing and priorities.
    tables: the tables of the log and the queues (those of the views are in projections/tables.py).
    schema: the version of the tables, `make_ready`, `migrate`; the steps are in migrations/.
    errors: DatabaseUnavailable and its kinds; whether waiting helps; `Backoff`.
    server_clock: compares a machine's clock with that of the database's server.
    signals: wake other processes by what was committed.
    leadership: one leader a role, one job a lane. advisory_locks: writers take turns; migrations wait.
    sqlite_writer, sqlite_file, postgres_connection, arrays: used by `Database` alone, but for the file's checks.
    statistics: refreshes those of the tables. measures: the metrics of a process.
    severity: log lines that are warnings or failures.

Tables: `schema_version`. Every other table is owned by the package that writes to it.
Facts: none.
"""
