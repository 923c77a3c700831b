"""The database: engines, tables, migrations, locks, errors."""
