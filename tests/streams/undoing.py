"""The statements that undo the steps of the schema, for tests of what a step does to a database from before it."""

from collections.abc import Mapping

from streams.storage.schema import VERSION_TABLE

UNDO: Mapping[str, tuple[str, ...]] = {
    "0008": ("DROP INDEX due_lane", "ALTER TABLE due DROP COLUMN lane"),
    "0009": ("DROP TABLE erased",),
    "0010": ("DROP TABLE soundings",),
    "0011": ("DROP INDEX history_recorded", "DROP INDEX revisions_position"),
    "0012": ("DROP TABLE drafts",),
    "0013": ("DROP TABLE repeats",),
    "0014": (),
    "0015": ("DROP TABLE period_keys", "DROP TABLE retired"),
    "0016": ("DROP INDEX history_written", "DROP INDEX log_accounts"),
    "0017": ("DROP TABLE dead_events",),
    "0018": ("DROP INDEX log_of_attempts",),
    "0019": ("ALTER TABLE jobs DROP COLUMN confirmed_by",),
    "0020": ("DROP TABLE pieces",),
    "0021": ("DROP TABLE sent_parts",),
    "0022": ("ALTER TABLE due DROP COLUMN since",),
    "0023": ("DROP INDEX inbox_unknown",),
    "0024": ("DROP TABLE log_coded", "DROP TABLE log_forged", "ALTER TABLE log DROP COLUMN code"),
    "0025": (
        "DROP INDEX inbox_cause",
        "ALTER TABLE inbox DROP COLUMN cause",
        "ALTER TABLE inbox DROP COLUMN provider",
    ),
    "0026": ("ALTER TABLE history DROP COLUMN replan",),
    "0027": ("DROP TABLE scheduled",),
    "0028": ("DROP TABLE hourly",),
    "0029": (
        "DROP INDEX inbox_at",
        "DROP INDEX inbox_failed_at",
        "DROP INDEX inbox_unknown_at",
        "ALTER TABLE inbox DROP COLUMN trigger",
    ),
    "0030": ("ALTER TABLE jobs DROP COLUMN waits", "ALTER TABLE jobs DROP COLUMN deaths"),
    "0031": ("DROP TABLE guesses",),
    "0032": ("DROP TABLE processes",),
    "0033": ("DROP TABLE area_chunks",),
    "0034": ("ALTER TABLE jobs DROP COLUMN code",),
    "0035": ("ALTER TABLE early_receipts DROP COLUMN code",),
    "0036": ("DROP INDEX due_emergency",),
    "0037": ("ALTER TABLE inbox DROP COLUMN open_until",),
    "0038": ("DROP TABLE draft_saves",),
}
"""Step -> what undoes it. What can stay without harm (0014: the room in pages) has no statement."""


def back_to(version: str) -> list[str]:
    """The statements that bring a database of today back to an earlier version."""
    later = [each for step in sorted(UNDO, reverse=True) if step > version for each in UNDO[step]]
    return [*later, f"UPDATE {VERSION_TABLE} SET version_num = '{version}'"]  # noqa: S608  (ours)
