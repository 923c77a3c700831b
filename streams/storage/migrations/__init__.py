"""Migrations by Alembic, from the first schema on; see streams/storage/schema.py.

A new step: change the tables, then `python -m streams.storage.migrations` prints the operations that are missing;
they go into the next module of `versions/`, and its revision becomes HEAD. A step works on both databases: what
SQLite's ALTER TABLE cannot do goes through `op.batch_alter_table` (with `table_kwargs={"sqlite_with_rowid": False}`
where the table has it, because SQLite does not tell it). There is no way back down: older code goes with an older
backup.

Modules:
    folded_nudges: fills new columns of a view from the nudges.
"""
