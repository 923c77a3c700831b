"""The append-only log: sealing, appending, reading, chaining and auditing facts."""
