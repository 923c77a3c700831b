"""Active kill switches and pauses in words, for the bar that stands on the pages of what they stop."""

from msgspec import Struct
from msgspec.structs import replace

from app.compose import Platform
from app.pages.catalogues import Speech
from app.pages.finding_words import FindingWords, finding_in_words
from app.pages.layout import Frame
from app.pages.life import word_for
from app.reports.findings import stop_finding
from app.reports.life_words import CHANNELS
from app.reports.stopped import stops_known_to
from domain.nudges.settle import PAUSED
from streams.rules.aggregates import ActiveStop


class StopNotice(Struct, frozen=True):
    """A kill switch or a pause as pages show it. `what`: its form's value; `name`: of the thing that is stopped."""

    what: str
    name: str
    told: FindingWords


def stops_in_words(platform: Platform, speech: Speech) -> list[StopNotice]:
    """Return all that is stopped, in words, the latest first."""
    return [stop_in_words(each, platform, speech) for each in platform.rules.switches.active_stops()]


def visible_stops(platform: Platform, frame: Frame, trigger: str = "") -> list[StopNotice]:
    """Return what is stopped, so far as who works at the workbench may know: kill switches first, pauses last.

    `trigger`: the one that the page is about; what stops it alone comes before everything.
    """
    if frame.who is None or not (off := platform.rules.switches.active_stops()):
        return []
    known = stops_known_to(frame.who, off, platform.rules.library.rules().governed)
    known.sort(key=lambda each: (each.name != trigger or not trigger, each.scope == PAUSED))
    return [stop_in_words(each, platform, frame.speech) for each in known]


def stop_in_words(off: ActiveStop, platform: Platform, speech: Speech) -> StopNotice:
    """Return a kill switch or a pause in words, with the name of what it stops."""
    name = stopped_name(off.scope, off.name, platform, speech)
    finding = replace(stop_finding(off), about=name, channel=off.name)
    return StopNotice(f"{off.scope}:{off.name}", name, finding_in_words(finding, speech))


def stopped_name(scope: str, name: str, platform: Platform, speech: Speech) -> str:
    """Return the name of something that can be stopped, as people know it."""
    match scope:
        case "all":
            return speech.say("All messages")
        case "channel":
            return word_for(CHANNELS, name, speech)
        case "agency":
            return f"{speech.titled(platform.queries.inboxes.offices().get(name, {})) or name} ({name})"
        case _:
            current = platform.rules.library.rules().governed.current(name)
            title = speech.titled(current.rules.get("title", {})) if current is not None else ""
            return f"{title} ({name})" if title else name
