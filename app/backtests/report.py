"""The report of a backtest, in the order in which people ask for it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from app.backtests.order import Order
from app.reports import life_words
from app.terminal import counted as with_count
from domain.core.translatable import N_, Counted, Joined, Number, Said, Words
from streams.rehearsal.backtest_results import TOLD, Difference, Sample, Tally
from templates.words.filters import TENGE

ENDINGS: Mapping[str, str] = {
    "expired": N_("too late to be of use"),
    "cancelled": N_("no longer in the plan: the thing itself was done, or the facts have changed"),
    "ahead": N_("still to come when the time was over"),
    "no_rule": N_("the rules do not speak to them"),
}
OUTCOMES: Mapping[str, str] = {
    "told": N_("told, or somebody else was told for them"),
    "past": N_("too old: it was due before the publication"),
    "when": N_("the conditions of `when` do not hold"),
    "needs": N_("what it needs besides the event is missing"),
    "role": N_("the event names them in another role"),
    "not_there": N_("they do not live where it happened"),
    "later": N_("it became known only after the time that was played"),
    "no_event": N_("they have no event that it starts on"),
    "undated": N_("a value that it counts from or tells apart by is missing"),
}
"""The reasons why a person who was looked at was not told, besides those of a nudge."""
KNOWN_TOO_LATE = Said(
    "All these events became known after that time: "
    "records of the past are loaded with `habarshy ingest --historical`."
)
CHANGES: Mapping[str, str] = {
    "gains": N_("told only by the draft"),
    "loses": N_("told only by what is in force"),
    "moved": N_("told by both, at another time or by another channel"),
    "reworded": N_("told by both, in other words"),
    "same": N_("told by both alike"),
}


class Report(Struct, frozen=True):
    """The counts with what they are about; `price`: of one part of an SMS, in the national currency."""

    order: Order
    tally: Tally
    zone: ZoneInfo
    price: float | None

    @property
    def total(self) -> int:
        """Return the number of messages."""
        return self.tally.messages.total()

    @property
    def channels(self) -> list[str]:
        """Return the channels by which anything would go."""
        return sorted({channel for channel, _ in self.tally.messages})

    @property
    def sms_parts(self) -> int:
        """Return the number of parts of SMS."""
        return sum(parts * many for (_, parts), many in self.tally.parts.items())

    @property
    def cost(self) -> float | None:
        """Return the cost of the SMS in tenge; None without a price."""
        return None if self.price is None else self.price * self.sms_parts

    @property
    def peak(self) -> tuple[str, int] | None:
        """Return the local hour with most messages, and how many."""
        return max(self.tally.hours.items(), key=lambda each: (each[1], each[0]), default=None)

    @property
    def samples(self) -> list[Sample]:
        """Return ten sample messages."""
        return self.tally.samples.chosen()

    @property
    def changes(self) -> Mapping[str, Counter[str]]:
        """Return the counts by change and reason."""
        found: dict[str, Counter[str]] = {}
        for (what, why), many in self.tally.changes.items():
            found.setdefault(what, Counter())[why] += many
        return found

    def local(self, moment: datetime) -> str:
        """Return the moment in the country's time, to the minute."""
        return moment.astimezone(self.zone).isoformat(sep=" ", timespec="minutes")[:16]

    @staticmethod
    def reason(word: str) -> str:
        """Return a reason in plain words."""
        return Said(ENDINGS.get(word) or OUTCOMES.get(word) or life_words.reason(word))

    @property
    def outcomes(self) -> list[tuple[str, int]]:
        """Return the outcomes of all persons who were looked at.

        First those who were told, then each reason why not.
        """
        counts = self.tally.outcomes
        return [(TOLD, counts[TOLD]), *((word, many) for word, many in counts.most_common() if word != TOLD)]

    @property
    def first_day(self) -> date:
        """Return the local day on which it begins."""
        return self.order.start.astimezone(self.zone).date()

    @property
    def last_day(self) -> date:
        """Return the local day of the last moment that is played."""
        return (self.order.end - timedelta(microseconds=1)).astimezone(self.zone).date()

    @property
    def known_too_late(self) -> bool:
        """Return True if the only reason for everybody is that it became known after the time that was played."""
        return bool(self.tally.persons) and self.tally.outcomes["later"] == self.tally.persons

    @property
    def in_words(self) -> str:
        """Return the most important result, in a sentence or two."""
        watched = {"day": self.local(self.order.start), "until": self.local(self.order.end)}
        if not self.tally.persons:
            return Words(
                "Published on {day} and watched until {until}, this would have told nobody: "
                "nobody has an event that it starts on.",
                **watched,
            )
        return Words(
            "Published on {day} and watched until {until}, this would have sent {messages} to {people}.",
            **watched,
            people=Counted("{count} person", "{count} people", self.tally.people),
            messages=_messages(self.total),
        )

    @property
    def more_words(self) -> Iterator[str]:
        """Yield the next most important results."""
        if self.known_too_late:
            yield KNOWN_TOO_LATE
        if self.peak is not None:
            hour, most = self.peak
            told = {"day": hour[:10], "time": f"{hour[11:13]}:00", "messages": _messages(most)}
            yield Words("The busiest hour would have been {day} from {time}, with {messages}.", **told)
        if self.cost is not None and self.sms_parts:
            costs = {"price": f"{self.price:g}{TENGE}", "cost": f"{self.cost:,.0f}{TENGE}"}
            parts = Counted("{count} part of SMS", "{count} parts of SMS", self.sms_parts)
            yield Words("{parts} at {price} each make {cost}.", parts=parts, **costs)
        if withheld := self.tally.withheld:
            reasons = [
                Words("{reason} ({count})", reason=self.reason(word), count=Number(count))
                for word, count in withheld.most_common(3)
            ]
            told = {"messages": _messages(withheld.total()), "reasons": Joined(reasons, ", ")}
            yield Words("{messages} would have been withheld: {reasons}.", **told)
        if self.order.against:
            gains, loses = (self.changes.get(what, Counter()).total() for what in ("gains", "loses"))
            yield Words(
                "Against what is in force, new: {gains}; no longer sent: {loses}.",
                gains=_messages(gains),
                loses=_messages(loses),
            )

    @property
    def figures(self) -> Iterator[tuple[str, str]]:
        """Yield the figures that stand out."""
        yield Said("people told"), f"{self.tally.people:,}"
        yield Said("messages"), f"{self.total:,}"
        if self.tally.along:
            yield Said("more with a digest"), f"{self.tally.along:,}"
        yield Said("withheld"), f"{self.tally.withheld.total():,}"
        yield Said("put off"), f"{self.tally.deferred.total():,}"
        if self.cost is not None:
            yield Said("cost of SMS"), f"{self.cost:,.0f}{TENGE}"

    @property
    def title(self) -> str:
        """Return the name of what was backtested."""
        names = sorted(self.order.draft.names)
        return names[0] if len(names) == 1 else f"pack {self.order.draft.pack} ({len(names)} triggers)"

    @property
    def digest(self) -> str:
        """Return a hash of the outcome: equal for equal outcomes, on however many processes."""
        return f"{self.tally.digest:032x}"


def _messages(count: int) -> str:
    return Counted("{count} message", "{count} messages", count)


def report_lines(report: Report) -> Iterator[str]:
    """Yield the report for a terminal."""
    tally, order = report.tally, report.order
    yield f"{report.title}, as if published on {report.local(order.start)}, until {report.local(order.end)}"
    yield _row("looked at", f"{with_count(tally.persons, 'person')}, {with_count(tally.facts, 'fact')}")
    if not tally.persons:
        yield "nobody has an event that this starts on, so there is nobody to backtest it on"
        return
    for at, (word, many) in enumerate(report.outcomes):
        yield _row("of whom" if not at else "", f"{many:,} {report.reason(word)}")
    yield from [KNOWN_TOO_LATE] * report.known_too_late
    yield _row("people told", f"{tally.people:,}")
    yield _row("messages", f"{report.total:,}" + (f", and {tally.along:,} with a digest" if tally.along else ""))
    for channel in report.channels:
        languages = Counter({language: many for (of, language), many in tally.messages.items() if of == channel})
        said = ", ".join(f"{language} {many:,}" for language, many in sorted(languages.items()))
        yield _row(f"  {channel}", f"{languages.total():,} ({said})")
    if report.sms_parts:
        sizes = Counter[int]()
        for (_, parts), many in tally.parts.items():
            sizes[parts] += many
        said = ", ".join(f"{many:,} of {parts}" for parts, many in sorted(sizes.items()))
        yield _row("SMS parts", f"{report.sms_parts:,} ({said})")
    if report.cost is not None:
        yield _row("cost", f"{report.cost:,.0f}{TENGE} (at {report.price:g}{TENGE} a part of SMS)")
    if report.peak is not None:
        yield _row(
            "peak hour", f"{with_count(report.peak[1], 'message')} from {report.peak[0][:13].replace('T', ' ')}:00"
        )
    for (trigger, step), many in tally.steps.most_common():
        yield _row("step", f"{many:,} {trigger}/{step}")
    yield from _counts("put off", tally.deferred)
    yield from _counts("withheld", tally.withheld)
    yield from _counts("not sent", tally.ended)
    yield from (_row("most messages" if not at else "", f"{many} {who}") for at, (many, who) in enumerate(tally.most))
    yield from _differences(report)
    for sample in report.samples:
        one = sample.message
        yield f"— {report.local(one.at)} {one.channel} {one.language} {one.trigger}/{one.step} to {one.to}"
        yield from (f"  {line}" for line in sample.text.splitlines())
    yield _row("sent", "0: a backtest has nothing to send with")
    yield _row("digest", report.digest)


def _row(name: str, said: str) -> str:
    return f"{name:<14} {said}"


def _counts(name: str, counts: Counter[str]) -> Iterator[str]:
    for at, (what, many) in enumerate(counts.most_common()):
        said = Report.reason(what)
        yield _row(name if not at else "", f"{many:,} {what}" + (f" ({said})" if said != what else ""))


def _differences(report: Report) -> Iterator[str]:
    if report.order.against:
        yield "against what is in force, published on the same day:"
    for what in CHANGES:
        if (reasons := report.changes.get(what)) is not None:
            yield _row(f"  {what}", f"{with_count(reasons.total(), 'message')} {CHANGES[what]}")
            yield from (
                _row("", f"{many:,} because: {report.reason(why)}") for why, many in reasons.most_common() if why
            )
    for what in ("gains", "loses"):
        yield from (_row(f"  {what}", _example(report, each)) for each in report.tally.examples.get(what, ()))


def _example(report: Report, each: Difference) -> str:
    one = each.message
    return f"{one.to} {report.local(one.at)} {one.channel} {one.trigger}/{one.step} ({each.why})"


def report_objects(report: Report) -> Iterator[dict[str, Any]]:
    """Yield the report for programs, one object a line: the summary first."""
    tally, order = report.tally, report.order
    yield {
        "kind": "summary",
        "triggers": sorted(order.draft.names),
        "from": order.start,
        "to": order.end,
        "with_caps": order.others,
        "persons": tally.persons,
        "facts": tally.facts,
        "people": tally.people,
        "messages": report.total,
        "with_digest": tally.along,
        "sms_parts": report.sms_parts,
        "cost": report.cost,
        "peak": None if report.peak is None else {"hour": report.peak[0], "messages": report.peak[1]},
        "deferred": tally.deferred,
        "withheld": tally.withheld,
        "not_sent": tally.ended,
        "outcomes": dict(report.outcomes),
        "sent": 0,
        "digest": report.digest,
    }
    for (channel, language), many in sorted(tally.messages.items()):
        yield {"kind": "messages", "channel": channel, "language": language, "messages": many}
    for (language, parts), many in sorted(tally.parts.items()):
        yield {"kind": "sms", "language": language, "parts": parts, "messages": many}
    for (trigger, step), many in sorted(tally.steps.items()):
        yield {"kind": "step", "trigger": trigger, "step": step, "messages": many}
    for (day, channel), many in sorted(tally.days.items()):
        yield {"kind": "day", "day": day, "channel": channel, "messages": many}
    for many, who in tally.most:
        yield {"kind": "recipient", "person": who, "messages": many}
    for (what, why), many in sorted(tally.changes.items()):
        yield {"kind": "difference", "what": what, "why": why or None, "messages": many}
    for what, some in sorted(tally.examples.items()):
        yield from ({"kind": "example", "what": what, "why": each.why, **_of(each.message)} for each in some)
    for sample in report.samples:
        yield {"kind": "sample", **_of(sample.message), "text": sample.text}


def _of(one: Any) -> dict[str, Any]:  # noqa: ANN401  (a message)
    return {
        "nudge": one.nudge,
        "person": one.about,
        "recipient": one.to,
        "trigger": one.trigger,
        "step": one.step,
        "at": one.at,
        "channel": one.channel,
        "language": one.language,
        "parts": one.parts,
    }
