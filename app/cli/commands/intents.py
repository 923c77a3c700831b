"""habarshy intents: what plan gives for the stored facts."""

from collections.abc import Iterable, Iterator
from datetime import tzinfo
from itertools import chain

from app.cli.options import AsJson
from app.cli.platform_options import TimedOptions
from app.cli.principal_session import acting_or_local, open_platform
from app.cli.recompute import all_intents
from app.cli.sorting import sorted_lines
from app.log_places import zone_shown
from app.moments import local_time
from app.terminal import compact, print_line
from domain.facts.principals import NotAllowed, Principal, Role
from domain.planning.plan import Intent
from domain.rules.rulebook import Rulebook

ID_LENGTH = 32  # of an id in hexadecimal digits, which sort as its bytes do


def intents(as_json: AsJson = False, *, on: TimedOptions) -> None:
    """List every planned nudge, sorted by id; people of an agency see only its own."""
    who = acting_or_local(on.settings)
    with open_platform(on) as platform:
        rules, zone = platform.rules.library.rules(), zone_shown(platform.rules.library)
        found = readable(chain.from_iterable(all_intents(platform)), rules.rulebook, who)
        shown = ((each, compact(as_plain(each)) if as_json else _for_people(each, zone)) for each in found)
        for line in sorted_lines(f"{intent.id.hex}{text}" for intent, text in shown):
            print_line(line[ID_LENGTH:])


def readable(intents: Iterable[Intent], rulebook: Rulebook, who: Principal) -> Iterator[Intent]:
    """Yield the intents that they may read. Raises NotAllowed where they have no role."""
    if not who.roles:
        raise NotAllowed(f"what is planned is for people with a role to read; {who.name} has none")
    everything = Role.AUDITOR in who.roles
    mine = {
        hash_
        for hash_, version in rulebook.versions.items()
        if everything or who.may_read(str(version.trigger.content["owner"]))
    }
    return (intent for intent in intents if intent.version in mine)


def _for_people(intent: Intent, zone: tzinfo) -> str:
    channels = ",".join(intent.channels)
    return f"{local_time(intent.due, zone)}  {intent.trigger}.{intent.step}  {channels}  {intent.id}"


def as_plain(intent: Intent) -> dict[str, object]:
    """Return an intent as JSON shows it: without state, position or recording time."""
    plain = {name: getattr(intent, name) for name in Intent.__struct_fields__}
    plain["class"] = plain.pop("klass")
    return plain
