"""habarshy intents: what plan gives for the stored facts."""

import itertools

from app.compose import compose
from app.options import AsJson, ClockTime, DatabaseUrl, KeyFile, clock_of, settings_of
from app.terminal import data, data_json
from domain.plan import Intent
from streams.recomputing import all_intents


def intents(
    as_json: AsJson = False, clock: ClockTime = None, database: DatabaseUrl = None, key_file: KeyFile = None
) -> None:
    """Print every planned nudge, whatever became of it, sorted by id."""
    platform = compose(settings_of(database, key_file), clock_of(clock))
    found = all_intents(platform.database, platform.log, platform.library)
    for intent in sorted(itertools.chain.from_iterable(found), key=lambda each: each.id.bytes):
        if as_json:
            data_json(as_plain(intent))
        else:
            channels = ",".join(intent.channels)
            data(f"{intent.due:%Y-%m-%d %H:%M}Z  {intent.trigger}.{intent.step}  {channels}  {intent.id}")
    platform.database.close()


def as_plain(intent: Intent) -> dict[str, object]:
    """An intent as JSON shows it: without state, position or recording time."""
    plain = {name: getattr(intent, name) for name in Intent.__struct_fields__}
    plain["class"] = plain.pop("klass")
    return plain
