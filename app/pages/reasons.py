"""The reasons for which a message came, as plain sentences made from its rule: no trigger has a text of its own."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final

from msgspec import Struct

from app.pages.life import STATES, word_for
from app.pages.pack_names import Names, day_of, is_pseudonym
from app.reports.life_words import REASON_WORDS
from domain.core.plain import PlainData
from domain.core.timing import Offset, parse_offset, shift_day
from domain.core.translatable import N_, Counted, Joined, Said, Words
from domain.rules.steps import repetition_of
from streams.queries.explain import Explanation
from templates.authoring.value_words import day_of_year, length, work_days

_ROLES: Final[Mapping[str, str]] = {
    "mother": N_("You are in that record as the mother."),
    "father": N_("You are in that record as the father."),
    "parents": N_("You are in that record as a parent."),
    "parent": N_("You are in that record as a parent."),
    "heirs": N_("You are in that record as an heir."),
    "spouse": N_("You are in that record as the husband or wife."),
}
"""Role of the reader in an event about somebody else -> the sentence about it."""
_PLAIN_KINDS: Final = frozenset({"event.kind", "event.reason", "event.visit"})
"""Fields whose values say by themselves what they are."""
_MISSED: Final[Mapping[str, str]] = {
    "cancelled": N_("it was no longer needed"),
    "expired": N_("it would have come too late"),
    "withheld": N_("it was held back"),
}
"""State without a reason -> why the message did not come."""
_WAITING: Final = frozenset({"planned", "deferred", "digested", "renewed"})
_OR = Words(" or that ")
_MONTHS_OF_A_YEAR = 12
_TIME_OF_DAY, _A_SPAN = re.compile(r"[0-2]\d:[0-5]\d"), 2
"""Two times of day in an event of one day are the beginning and the end of what it announces."""
_LITERAL = re.compile(r"""later\.\w+\s*==\s*(?:"(\w+)"|'(\w+)')|(?:"(\w+)"|'(\w+)')\s+in\s+later\.""")
"""A value that a later event must have."""


class Because(Struct, frozen=True):
    """The sentences that say why a message came: the answer, and the reasons for it."""

    answer: tuple[str, ...]
    reasons: tuple[str, ...]


def reasons_of(why: Explanation, reader: str, names: Names) -> Because:
    """Return why the reader got the message, will get it, or did not get it."""
    teller = _Teller(why, reader, names)
    tell = names.speech.tell
    answer, reasons = (
        tuple(as_sentence(tell(each)) for each in sentences) for sentences in (teller.answer(), teller.reasons())
    )
    return Because(answer, reasons)


class MessageOutcome(Enum):
    """The outcome of a message, as its reader would ask about it."""

    GOT = N_("Why did I get this?")
    WAITS = N_("Why will I get this?")
    MISSED = N_("Why did I not get this?")


def outcome_of(why: Explanation) -> MessageOutcome:
    """Return whether the message came, will come, or did not come."""
    state = why.state.partition(" ")[0]
    if state in _WAITING:
        return MessageOutcome.WAITS
    handed_over = any(each.what == "attempted" for each in why.facts)
    return MessageOutcome.GOT if handed_over and state != "failed" else MessageOutcome.MISSED


def question_of(why: Explanation) -> str:
    """Return the question that the page answers."""
    return outcome_of(why).value


def distinguishing_values(
    values: Mapping[str, Any], decisive: Sequence[str], distinct: Sequence[str], names: Names
) -> Iterator[str]:
    """Yield what tells an event from others of its kind: its kinds in words, then its numbers."""
    for name in dict.fromkeys((*decisive, *distinct)):
        if name.startswith("event.") and names.has_word(value := values.get(name)):
            told = {"name": names.field(name), "value": names.value(value)}
            yield told["value"] if name in _PLAIN_KINDS else Words("{name}: {value}", **told)
    for name in distinct:
        value = values.get(name)
        if isinstance(value, str | int) and not (day_of(value) or is_pseudonym(value) or names.has_word(value)):
            yield Words("{name} {value}", name=names.field(name), value=names.value(value))


def announced_values(
    values: Mapping[str, Any], decisive: Sequence[str], distinct: Sequence[str], names: Names
) -> Iterator[str]:
    """Yield what an event about a place says, value by value; its days are told apart."""
    kinds = [name for name in decisive if name.startswith("event.") and names.has_word(values.get(name))]
    days = {day_of(value) for value in values.values() if isinstance(value, str)} - {None}
    hours = [name for name in distinct if len(days) == 1 and _TIME_OF_DAY.fullmatch(str(values.get(name)))]
    for name in dict.fromkeys((*kinds, *distinct)):
        value = values.get(name)
        if name in hours and len(hours) == _A_SPAN:
            if name == hours[0]:
                yield Words("Time: {first}–{last}", first=value, last=values[hours[1]])
        elif isinstance(value, str | int) and day_of(value) is None:
            yield Words("{name}: {value}", name=names.field(name), value=names.value(value))


def as_sentence(text: str) -> str:
    """Begin with a capital letter, and end with one full stop also after an abbreviation (as in a Russian date)."""
    at = 1 if text.startswith(("«", "“")) else 0
    capital = text[:at] + text[at : at + 1].upper() + text[at + 1 :]
    return capital.removesuffix(".") if capital.endswith("..") else capital


class _Teller:
    def __init__(self, why: Explanation, reader: str, names: Names) -> None:
        self._why, self._reader, self._names, self._speech = why, reader, names, names.speech
        self._clause, self._cause = why.clause, why.cause
        self._of_child, self._outcome = why.person != reader, outcome_of(why)
        self._step: Mapping[str, Any] = self._clause.get("due", {}).get(repetition_of(why.step)[0]) or {}

    def answer(self) -> Iterator[str]:
        """Yield the answer."""
        if "on" not in self._clause:
            yield Words("Several messages came to you in a few days, so these went together.")
            return
        yield from self._told_outcome(self._because())
        if (role := self._role()) is not None:
            yield role
        yield from self._more_that_was_needed()
        done = [each.details.get("done_at") for each in self._why.facts if each.what == "done"]
        if done and isinstance(done[-1], datetime):
            day = self._speech.day_at(done[-1])
            yield Words("On {day} it was recorded as done, so nothing more comes about this.", day=day)

    def reasons(self) -> Iterator[str]:
        """Yield the rule, what decided, and the law."""
        if "on" not in self._clause:
            return
        yield self._rule()
        if repeat := self._step.get("repeat"):
            every, most = length(parse_offset(repeat["every"])), repeat["at_most"]
            times = Counted("{count} time in all", "{count} times in all", most)
            if "until" in repeat:
                yield Words("It comes again every {length} until you answer, {times}.", length=every, times=times)
            else:
                yield Words("It comes again every {length}, {times}.", length=every, times=times)
        if counted := self._counted():
            yield Words("What counted: {values}.", values=counted)
        events, _ = self._unless()
        if events and self._why.state.partition(" ")[0] != "cancelled":
            yield Words("Once it is recorded that {events}, nothing more comes about this.", events=events)
        if self._cause is not None and (type_ := self._names.type(self._cause.type)) is not None:
            yield Words("The record was made by: {office}.", office=self._names.office(type_.agency))
        if law := self._speech.titled(self._why.legal_basis_titles):
            yield Words("By law: {law}.", law=law.rstrip("."))

    def _told_outcome(self, reason: str) -> Iterator[str]:
        if self._outcome is MessageOutcome.GOT:
            yield Words("You got this because {reason}.", reason=reason)
        elif self._outcome is MessageOutcome.WAITS:
            yield Words("You will get this because {reason}.", reason=reason)
        else:
            state, _, codes = self._why.state.partition(" ")
            words = [word_for(REASON_WORDS, code, self._speech) for code in codes.strip("()").split(", ") if code]
            found = ", ".join(words) or self._speech.say(_MISSED.get(state, STATES["failed"]))
            yield Words("You did not get this: {reason}.", reason=found)
            yield Words("It was meant for you because {reason}.", reason=reason)

    def _because(self) -> str:
        ground, missing = self._ground(), list(self._missing())
        return Joined([ground, *missing], Words(", and "))

    def _ground(self) -> str:
        on = self._clause["on"]
        if not isinstance(on, str):
            found = self._entitlement(on)
            return found if self._cause is None or "becomes" not in on else Joined([found, self._recorded()], ": ")
        if (age := self._age()) is not None:
            return age
        if self._cause is None:
            return Words("something was recorded that can no longer be read")
        if self._cause.area is None:
            return self._recorded()
        told = {"day": self._speech.day_at(self._cause.time), "event": self._event()}
        if self._of_child:
            return Words("this was announced on {day} for the place where your child lives: {event}", **told)
        return Words("this was announced on {day} for the place where you live: {event}", **told)

    def _recorded(self) -> str:
        """Return the record that it goes back to, with its day."""
        assert self._cause is not None
        return Words("on {day} {event}", day=self._speech.day_at(self._cause.time), event=self._event())

    def _entitlement(self, on: Mapping[str, str]) -> str:
        [(edge, name)] = on.items()
        start, until = (self._why.used.get(f"entitled.{each}") for each in ("from", "until"))
        benefit = self._names.benefit(name)
        if edge == "becomes" and (first := day_of(start)) is not None:
            day = self._speech.day(first)
            if self._of_child:
                return Words("your child has been entitled to “{benefit}” since {day}", benefit=benefit, day=day)
            return Words("you have been entitled to “{benefit}” since {day}", benefit=benefit, day=day)
        if edge == "ceases" and (last := day_of(until)) is not None:
            day = self._speech.day(last)
            if self._of_child:
                return Words("your child is entitled to “{benefit}” only until {day}", benefit=benefit, day=day)
            return Words("you are entitled to “{benefit}” only until {day}", benefit=benefit, day=day)
        return Words("a right begins or ends: “{benefit}”", benefit=benefit)

    def _age(self) -> str | None:
        """Return the age that the person reaches, where the rule goes by it."""
        source, offset = self._source(), parse_offset(self._step.get("offset", "P0D"))
        if (
            not source.endswith(".born_on")
            or offset.months < _MONTHS_OF_A_YEAR
            or not self._is_about_the_person(source)
        ):
            return None
        if (born := day_of(self._why.used.get(source))) is None:
            return None
        day, years = shift_day(born, offset), length(offset)
        if "on" in self._step:
            told = {"length": years, "year": str(day.year)}
            if self._of_child:
                return Words("in {year} your child reaches the age of {length}", **told)
            return Words("in {year} you reach the age of {length}", **told)
        told = {"length": years, "day": self._speech.day(day)}
        if self._of_child:
            return Words("on {day} your child reaches the age of {length}", **told)
        return Words("on {day} you reach the age of {length}", **told)

    def _is_about_the_person(self, source: str) -> bool:
        if source.startswith("citizen.") or self._cause is None:
            return True
        type_ = self._names.type(self._cause.type)
        return type_ is not None and type_.subject in self._cause.role_of(self._why.person)

    def _event(self) -> str:
        """Return the event that was recorded, with what tells it from others of its kind."""
        assert self._cause is not None
        event = self._names.event(self._cause.type)
        why = self._why
        if self._cause.area is not None:
            extras = Joined(announced_values(self._cause.values, why.decisive, why.distinct, self._names), "; ")
        else:
            extras = Joined(distinguishing_values(why.used, why.decisive, why.distinct, self._names), ", ")
        return Words("{event} ({extras})", event=event, extras=extras) if extras else event

    def _counted(self) -> str:
        """Return the values that decided and that the event's own words do not tell."""
        rows = [
            self._counted_value(name, value)
            for name in self._why.decisive
            if (value := self._why.used.get(name)) is not None
            and name not in self._why.distinct
            and not isinstance(value, list | tuple)
            and not is_pseudonym(value)
            and not (name.startswith("event.") and self._names.has_word(value))
        ]
        return Joined(rows, "; ") if rows else ""

    def _counted_value(self, name: str, value: PlainData) -> str:
        """Return a value that decided, as people say it."""
        if name == "citizen.age" and isinstance(value, int):
            if self._of_child:
                return Counted("the child was {count} year old", "the child was {count} years old", value)
            return Counted("you were {count} year old", "you were {count} years old", value)
        return Words("{name} – {value}", name=self._names.field(name), value=self._names.value(value))

    def _role(self) -> str | None:
        if self._of_child or self._cause is None or isinstance(self._clause["on"], Mapping):
            return None
        type_ = self._names.type(self._cause.type)
        if type_ is None or type_.subject is None or type_.subject in (roles := self._cause.role_of(self._reader)):
            return None
        return next((Said(_ROLES[role]) for role in roles if role in _ROLES), None)

    def _missing(self) -> Iterator[str]:
        """Yield what would have made the message needless and was not recorded."""
        events, newer = self._unless()
        now = self._outcome is MessageOutcome.WAITS
        if events:
            if now:
                yield Words("we have no record yet that {events}", events=events)
            else:
                yield Words("we had no record yet that {events}", events=events)
        if newer and now:
            yield Words("we have nothing newer of this kind on record")
        elif newer:
            yield Words("we had nothing newer of this kind on record")

    def _unless(self) -> tuple[str, bool]:
        """Return the events that make it needless, and whether a later event like the cause does too.

        A death is not spoken of.
        """
        found: dict[str, str] = {}
        newer = False
        for each in self._clause.get("unless") or ():
            type_ = self._names.type(each["on"])
            if type_ is None or type_.ends_life:
                continue
            if self._cause is not None and each["on"] == self._cause.type:
                newer = True
                continue
            found.setdefault(str(each["on"]), self._done(each["on"], each.get("when") or ""))
        return (Joined(found.values(), _OR) if found else ""), newer

    def _done(self, event_type: str, when: str) -> str:
        event = self._names.event(event_type)
        literals = ["".join(groups) for groups in _LITERAL.findall(when)]
        kinds = [self._names.value(value) for value in literals if self._names.has_word(value)]
        return Words("{event} ({extras})", event=event, extras=", ".join(kinds)) if kinds else event

    def _more_that_was_needed(self) -> Iterator[str]:
        for each in self._clause.get("with") or ():
            within = length(parse_offset(each["within"]))
            yield Words(
                "This was recorded too, within {length}: {event}.", length=within, event=self._names.event(each["on"])
            )
        if count := self._clause.get("count"):
            within = length(parse_offset(count["within"]))
            yield Words("It was number {nth} of these within {length}.", nth=count["nth"], length=within)

    def _source(self) -> str:
        on = self._clause["on"]
        if isinstance(on, str):
            return str(self._step.get("from", "event.time"))
        return str(self._step.get("from", "entitled.from" if "becomes" in on else "entitled.until"))

    def _rule(self) -> str:
        """Return the rule as it is for everybody."""
        source, offset = self._source(), parse_offset(self._step.get("offset", "P0D"))
        days = self._step.get("working_days") or 0
        lasts = work_days(abs(days)) if days else length(offset)
        before = days < 0 or str(self._step.get("offset", "")).startswith("-")
        if "on" in self._step:
            return self._yearly(source, offset)
        if source in ("event.time", "complete.time", "entitled.from", "entitled.until") or self._age() is not None:
            return self._from_then(source, offset, days, lasts, before=before)
        start = self._start(source)
        if not offset and not days:
            return Words("Everybody in the same position gets this message on the {start}.", start=start)
        if before:
            return Words(
                "Everybody in the same position gets this message {length} before the {start}.",
                length=lasts,
                start=start,
            )
        return Words(
            "Everybody in the same position gets this message {length} after the {start}.", length=lasts, start=start
        )

    def _from_then(self, source: str, offset: Offset, days: int, lasts: str, *, before: bool) -> str:
        if self._age() is not None:
            return Words("Everybody of that age in the same position gets this message.")
        if not offset and not days:
            if source == "event.time" and "at" not in self._step:
                return Words("Everybody in the same position gets this message at once.")
            return Words("Everybody in the same position gets this message on that day.")
        if before:
            return Words("Everybody in the same position gets this message {length} before that.", length=lasts)
        return Words("Everybody in the same position gets this message {length} after that.", length=lasts)

    def _yearly(self, source: str, offset: Offset) -> str:
        day = day_of_year(self._step["on"])
        if self._age() is not None:
            return Words("Everybody in the same position gets this message on {day} of that year.", day=day)
        start = self._start(source)
        if not offset:
            return Words(
                "Everybody in the same position gets this message on {day} of the year of the {start}.",
                day=day,
                start=start,
            )
        return Words(
            "Everybody in the same position gets this message on {day} of the year {length} after the {start}.",
            day=day,
            length=length(offset),
            start=start,
        )

    def _start(self, source: str) -> str:
        field, value = self._names.field(source), self._why.used.get(source)
        if isinstance(value, datetime):
            return Words("{field}, {day}", field=field, day=self._speech.day_at(value))
        day = day_of(value)
        return field if day is None else Words("{field}, {day}", field=field, day=self._speech.day(day))
