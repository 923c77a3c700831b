"""A citizen's entitlements: each benefit with yes and how much, or no and what would change it, in sentences."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from fastapi import Request
from fastapi.responses import Response
from msgspec import Struct

from app.http import routes
from app.pages.citizen_pages import CitizenPages
from app.pages.pack_names import Names, is_pseudonym, names_of
from app.pages.reasons import as_sentence
from app.reports.entitlements import entitlements
from domain.conditions.matching import Matcher, by_type
from domain.core.events import Effective
from domain.core.translatable import N_, Words
from domain.persons.history import History
from domain.planning.entitlement_answers import Answer, Obstacle, ObstacleKind
from domain.rules.benefits import Benefit
from domain.rules.event_types import PERSON
from domain.rules.legal_basis import legal_basis_of
from domain.rules.rulebook import Rulebook
from domain.rules.triggers import Trigger

SOON: Final = timedelta(days=90)
"""An entitlement that begins or ends within this time is said to begin or end soon."""


_NO_RECORD: Final[Mapping[str, str]] = {
    "": N_("There is no such record about you."),
    "mother": N_("There is no such record in which you are the mother."),
    "father": N_("There is no such record in which you are the father."),
    "parents": N_("There is no such record in which you are a parent."),
}
"""Role whose benefit it is ("": any other) -> the sentence that they have no such record."""


class BenefitLine(Struct, frozen=True):
    """A benefit as its card shows it.

    `state`: yes, soon (it begins or ends) or no; `actions`: label and address; `proof`: rows of a name and a value.
    """

    title: str
    state: str
    amount: str
    sentences: tuple[str, ...]
    actions: tuple[tuple[str, str], ...]
    proof: tuple[tuple[str, str], ...]


class Wallet(Struct, frozen=True):
    """All benefits of a person, by what they mean for them now."""

    yes: tuple[BenefitLine, ...]
    begins: tuple[BenefitLine, ...]
    no: tuple[BenefitLine, ...]


class Entitlements(CitizenPages):
    """The page of a citizen's entitlements."""

    @routes.get("/my/entitlements")
    def show(self, request: Request) -> Response:
        """Show each benefit: yes, how much, since when and what to do; or no, why not, and what would change it."""
        person, frame = self._visitor(request)
        rules = self._platform.rules.library.rules()
        day, history, answers = entitlements(self._platform, person)
        wallet = wallet_of(answers, day, history, rules.rulebook, names_of(rules, frame.speech))
        return self._pages.respond("entitlements.html", frame, wallet=wallet, day=frame.speech.day(day))


def wallet_of(answers: Iterable[Answer], day: date, history: History, rulebook: Rulebook, names: Names) -> Wallet:
    """Return the benefits as the page shows them.

    Of a benefit about several events, each that gives it or will soon give it stands alone; else only the latest.
    """
    teller = _Teller(day, Matcher(by_type(history.facts)), rulebook, names)
    yes: list[BenefitLine] = []
    begins: list[BenefitLine] = []
    no: list[BenefitLine] = []
    for one in _by_benefit(answers):
        entitled, coming = [each for each in one if each.entitled], [each for each in one if _begins(each)]
        yes += map(teller.yes, entitled)
        begins += map(teller.begins, coming)
        if not entitled and not coming:
            no.append(teller.no(one[-1]))
    return Wallet(tuple(yes), tuple(begins), tuple(no))


def _by_benefit(answers: Iterable[Answer]) -> Iterator[Sequence[Answer]]:
    found: dict[str, list[Answer]] = {}
    for each in answers:
        found.setdefault(each.benefit.name, []).append(each)
    yield from found.values()


def _begins(answer: Answer) -> bool:
    return [each.why for each in answer.obstacles] == [ObstacleKind.NOT_YET]


def _is_of_ones_age(benefit: Benefit) -> bool:
    """Return True if a date of the person's own ends it, such as the birth date of a child."""
    return benefit.until is not None and benefit.until.source.startswith("citizen.")


class _Teller:
    def __init__(self, day: date, events: Matcher, rulebook: Rulebook, names: Names) -> None:
        self._day, self._events, self._rulebook = day, events, rulebook
        self._names, self._speech = names, names.speech

    def yes(self, answer: Answer) -> BenefitLine:
        """Return the card of a benefit that the person is entitled to."""
        ends = answer.until is not None and answer.until - self._day <= SOON
        return self._line(answer, "soon" if ends else "yes", [*self._since(answer), *self._next_step(answer)])

    def begins(self, answer: Answer) -> BenefitLine:
        """Return the card of a benefit that begins on a later day."""
        [obstacle] = answer.obstacles
        told = [Words("Not yet: it begins on {day}.", day=self._said(obstacle.day)), *self._about(answer)]
        return self._line(answer, "soon", told)

    def no(self, answer: Answer) -> BenefitLine:
        """Return the card of a benefit that the person is not entitled to."""
        told = [sentence for each in answer.obstacles for sentence in self._obstacle(each, answer.benefit)]
        changes = [sentence for each in answer.obstacles for sentence in self._change(each, answer.benefit)]
        return self._line(answer, "no", dict.fromkeys([*told, *changes]))

    def _line(self, answer: Answer, state: str, told: Iterable[str]) -> BenefitLine:
        benefit = answer.benefit
        return BenefitLine(
            self._names.benefit(benefit.name),
            state,
            self._amount(answer),
            tuple(as_sentence(self._speech.tell(each)) for each in told),
            self._actions(benefit) if state != "no" else (),
            tuple(self._proof(answer)),
        )

    def _amount(self, answer: Answer) -> str:
        if answer.amount is None:
            return ""
        amount = self._speech.money(answer.amount)
        if answer.benefit.per == "month":
            return self._speech.tell(Words("{amount} a month", amount=amount))
        return self._speech.tell(Words("{amount}, once", amount=amount))

    def _since(self, answer: Answer) -> Iterator[str]:
        if answer.start is not None and answer.until is not None:
            told = {"start": self._said(answer.start), "end": self._said(answer.until)}
            yield Words("You are entitled to it: from {start}, until {end}.", **told)
        elif answer.start is not None:
            yield Words("You are entitled to it since {day}.", day=self._said(answer.start))
        elif answer.until is not None:
            yield Words("You are entitled to it until {day}.", day=self._said(answer.until))
        else:
            yield Words("You are entitled to it.")
        if answer.until is not None and answer.until - self._day <= SOON:
            yield Words(
                "It ends soon: {days} left.", days=self._speech.number_of_days((answer.until - self._day).days)
            )
        yield from self._about(answer)

    def _about(self, answer: Answer) -> Iterator[str]:
        """Yield the record that it goes back to."""
        if (about := answer.about) is None:
            return
        event, given = self._names.event(about.event.type), about.values.get("event.given_name")
        named = Words("{event} ({extras})", event=event, extras=given) if given else event
        day = self._speech.day_at(about.event.time)
        yield Words("It goes back to this record of {day}: {event}.", day=day, event=named)

    def _next_step(self, answer: Answer) -> Iterator[str]:
        if (granted := self._granted(answer)) is not None:
            yield Words(
                "There is nothing to do: on {day} {event}.",
                day=self._speech.day_at(granted.event.time),
                event=self._names.event(granted.event.type),
            )
        elif self._trigger(answer.benefit) is not None:
            yield Words("To get it, apply to: {office}.", office=self._names.office(answer.benefit.agency))

    def _obstacle(self, each: Obstacle, benefit: Benefit) -> Iterator[str]:
        match each.why:
            case ObstacleKind.NO_EVENT:
                event = self._names.event(benefit.on)
                if benefit.on in self._rulebook.mortal:
                    yield Words("No, because we have no record that {event}.", event=event)
                else:
                    yield Words("It is for those about whom this is recorded: {event}.", event=event)
                    yield Words(_NO_RECORD.get(benefit.to or "", _NO_RECORD[""]))
            case ObstacleKind.NO_DATE:
                yield Words("We cannot tell, because the date from which it counts is not known.")
            case ObstacleKind.NOT_YET:
                yield Words("It would begin on {day}.", day=self._said(each.day))
            case ObstacleKind.OVER if _is_of_ones_age(benefit):
                yield Words("No: for you yourself the time for it ended on {day}.", day=self._said(each.day))
            case ObstacleKind.OVER:
                yield Words("No, because the time for it ended on {day}.", day=self._said(each.day))
            case ObstacleKind.HAD if each.fact is not None:
                event = self._names.event(each.fact.event.type)
                yield Words("No, because on {day} {event}.", day=self._said(each.day), event=event)
            case ObstacleKind.CONDITION if each.requirement is not None:
                title = self._speech.titled(each.requirement.title)
                yield Words("It is only for those of whom this is true: {title}.", title=title)
                if each.unknown:
                    yield Words("The registries do not say whether it is true for you.")
                else:
                    yield Words("By the registries it is not true for you now.")

    def _change(self, each: Obstacle, benefit: Benefit) -> Iterator[str]:
        """Yield what would change the answer, where the reason itself does not say it."""
        match each.why:
            case ObstacleKind.NO_EVENT if benefit.on not in self._rulebook.mortal:
                yield Words("Should there be one? Ask: {office}.", office=self._names.office(benefit.agency))
            case ObstacleKind.NO_DATE if benefit.start is not None:
                date_, office = self._names.field(benefit.start.source), self._names.office(benefit.agency)
                yield Words("We can tell once this date is recorded: {field}.", field=date_)
                yield Words("Ask about it: {office}.", office=office)
            case ObstacleKind.OVER if benefit.until is not None and not self._begins_anew(benefit):
                date_ = self._names.field(benefit.until.source)
                yield Words(
                    "That day follows from this date: {field}. Only a correction of it changes the answer.",
                    field=date_,
                )
            case ObstacleKind.OVER | ObstacleKind.HAD if self._begins_anew(benefit):
                yield Words("A new record would change that: {event}.", event=self._names.event(benefit.on))

    def _begins_anew(self, benefit: Benefit) -> bool:
        """Return True if a further event of its kind gives the benefit again; of a death nobody says that."""
        return benefit.on != PERSON and benefit.on not in self._rulebook.mortal and not _is_of_ones_age(benefit)

    def _granted(self, answer: Answer) -> Effective | None:
        """Return the event by which the person has it: one that ends reminders to apply, but not the entitlement."""
        trigger, benefit = self._trigger(answer.benefit), answer.benefit
        if trigger is None or answer.about is None:
            return None
        mortal = self._rulebook.mortal
        for unless in trigger.unless:
            if unless.on in benefit.had_by or unless.on in mortal or unless.on == benefit.on:
                continue
            found = next(iter(self._events.matching(unless.on, unless.when, answer.about.values)), None)
            if found is not None:
                return found
        return None

    def _trigger(self, benefit: Benefit) -> Trigger | None:
        """Return the trigger that tells people to apply for the benefit, by the latest version in force."""
        versions = sorted(self._rulebook.versions.values(), key=lambda each: -each.published)
        in_force = [each.trigger for each in versions if not each.withdrawn]
        for trigger in in_force:
            edge = trigger.entitlement
            if edge is not None and edge.becomes and edge.benefit.name == benefit.name:
                return trigger
        had = benefit.had_by - self._rulebook.mortal.keys()
        about = (each for each in in_force if each.on == benefit.on and had & {unless.on for unless in each.unless})
        return next(about, None)

    def _actions(self, benefit: Benefit) -> tuple[tuple[str, str], ...]:
        trigger = self._trigger(benefit)
        actions = (trigger.content.get("actions") or ()) if trigger else ()
        return tuple((self._speech.titled(each["label"]), each["url"]) for each in actions if "url" in each)

    def _proof(self, answer: Answer) -> Iterator[tuple[str, str]]:
        say, names = self._speech.say, self._names
        if (trigger := self._trigger(answer.benefit)) is not None:
            yield say("Legal basis"), self._speech.titled(legal_basis_of(trigger.content))
        yield say("Office"), names.office(answer.benefit.agency)
        for name, value in answer.used.items():
            if not is_pseudonym(value) and not isinstance(value, list | tuple):
                yield names.heading_of(name), names.value(value)
        for name, applied in answer.parameters.items():
            since = self._said(date.fromisoformat(applied.since))
            yield (
                names.heading_of(f"param.{name}"),
                self._speech.tell(Words("{value}, since {day}", value=self._speech.number(applied.value), day=since)),
            )

    def _said(self, day: date | None) -> str:
        return self._speech.day(day) if day is not None else ""
