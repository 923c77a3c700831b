"""Active kill switches and pauses, in the words of the console."""

from app.pages.catalogues import Speech
from app.pages.life import word_for
from app.reports.life_words import CHANNELS
from domain.core.translatable import N_
from domain.nudges.settle import PAUSED
from streams.rules.aggregates import ActiveStop

SCOPES = {
    "all": N_("everything"),
    "channel": N_("channel"),
    "agency": N_("agency"),
    "trigger": N_("trigger"),
    PAUSED: N_("paused trigger"),
}


def stop_line(off: ActiveStop, speech: Speech) -> str:
    """Return what is stopped, since when, by whom and why, as one line."""
    name = word_for(CHANNELS, off.name, speech) if off.scope == "channel" else off.name
    what = f"{word_for(SCOPES, off.scope, speech)} {name}".strip()
    when = speech.say("Since %(time)s, by %(name)s") % {"time": speech.moment(off.since), "name": off.by}
    return f"{what}. {when}: {off.reason}" if off.reason else f"{what}. {when}"
