"""Messages that an example expects, and what happened when it was played, in sentences."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from app.packs.draft_bench import PlayedTest
from app.pages.life import TimelineEntry, word_for
from app.pages.naming import step_name
from app.pages.pack_names import Names
from app.pages.work.words import WHAT, channel_in_words, reason_in_words
from domain.core.translatable import N_, Said
from domain.rules.built_in_triggers import DIGEST
from templates.checks.scaffold_text import CASES

MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::00)?(Z|[+-]\d\d:\d\d)")
"""A moment as tests write it: its day, its time and its offset from UTC."""
_OF_EVENTS: Final[Mapping[str, str]] = {
    "known": N_("it became known"),
    "unasked": N_("an answer to no message"),
}
"""Decisions about an event instead of a step."""
_LEFT_OUT: Final[Mapping[str, str]] = {"prevented": N_("not planned")}


class PlayedWords:
    """Tells messages and decisions in the reader's language."""

    def __init__(self, names: Names, steps: Sequence[str]) -> None:
        self._names, self._speech, self._steps = names, names.speech, steps

    def named(self, test: str) -> str:
        """Return the name of a test; one of the sample in the reader's language."""
        return self._speech.say(test) if test in CASES else test

    def moment(self, text: object) -> str:
        """Return a moment as people write it; anything else as it is."""
        if (found := MOMENT.fullmatch(str(text))) is None:
            return str(text)
        return f"{self._names.value(found[1])}, {found[2]}"

    def message(self, each: Mapping[str, Any]) -> str:
        """Return the sentence about a message. `each`: with the keys of tests.yaml."""
        say, step = self._speech.say, step_name(str(each.get("step", "")), self._steps, self._speech)
        when = self.moment(each.get("at")) if each.get("at") else ""
        if each.get("nothing"):
            why = reason_in_words(str(each["because"]), self._speech) if each.get("because") else ""
            said = say("gets nothing ({step})").format(step=step) if step else say("gets nothing")
            said = f"{when}: {said}" if when else said
            return f"{said}: {why}" if why else said
        if each.get("digest"):
            return say("{when}: gets “{step}” with the summary of the day").format(when=when, step=step)
        by = channel_in_words(str(each["channel"]), self._speech) if each.get("channel") else ""
        return say("{when}: gets “{step}”, {channel}").format(when=when, step=step, channel=by)

    def why(self, difference: Mapping[str, Any]) -> str:
        """Return what is wrong with a message, with moments as people write them."""
        return MOMENT.sub(lambda found: self.moment(found[0]), self._speech.tell(difference["why"]))

    def whole(self, each: Mapping[str, Any]) -> str:
        """Return the same with its recipient, its text and the number of parts of its SMS, where they are said."""
        return "; ".join((self.message(each), *self._more(each)))

    def _more(self, each: Mapping[str, Any]) -> Iterator[str]:
        say = self._speech.say
        if who := each.get("to"):
            yield say("recipient: {who}").format(who=who)
        for text in each.get("contains", ()):
            yield say("its text contains “{text}”").format(text=text)
        if text := each.get("text"):
            yield say("its text: “{text}”").format(text=text)
        if parts := each.get("parts"):
            yield say("SMS parts: {parts}").format(parts=parts)

    def decisions(self, case: PlayedTest) -> list[TimelineEntry]:
        """Return each decision with its moment."""
        return [TimelineEntry(self.moment(each["at"]), self._decision(each)) for each in case.decisions]

    def _decision(self, each: Mapping[str, Any]) -> str:
        speech, what = self._speech, each["what"]
        if what in _OF_EVENTS:
            told = [f"{word_for(_OF_EVENTS, what, speech)}: {self._names.heading(each['about'])}"]
        else:
            about = (
                channel_in_words(DIGEST, speech)
                if each["about"] == DIGEST
                else step_name(each["about"], self._steps, speech)
            )
            told = [f"{word_for({**WHAT, **_LEFT_OUT}, what, speech)}: {about}"]
        if each["until"]:
            told.append(speech.say("for {time}").format(time=self.moment(each["until"])))
        if each["channel"]:
            by = channel_in_words(each["channel"], speech)
            told.append(speech.say("{channel}: “{text}”").format(channel=by, text=each["text"]))
        why = each["reason"]
        because = speech.tell(why) if isinstance(why, Said) else reason_in_words(why, speech) if why else ""
        return ", ".join(told) + (f" ({because})" if because else "")
