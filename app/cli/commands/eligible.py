"""habarshy eligible: to what a person is entitled on a day, and why not to the rest."""

from collections.abc import Iterator
from datetime import tzinfo
from typing import Annotated

import typer

from app.cli.logged_reading import Purpose, open_for_reading
from app.cli.options import AsJson, PersonId
from app.cli.persons import pseudonym_of
from app.cli.platform_options import TimedOptions
from app.moments import day_of, local_time, moment_of
from app.reports.entitlements import answer_data, entitlements, law_of
from app.terminal import Exit, print_json_or_lines, stop
from domain.core.events import Effective
from domain.core.translatable import Titles
from domain.planning.entitlement_answers import Answer, Obstacle, ObstacleKind
from domain.rules.benefits import Requirement
from domain.rules.event_types import Catalogue
from templates.words.filters import money

AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="DAY", help="Use the law of that day and the facts up to its end.")
]
KnownAt = Annotated[
    str | None, typer.Option("--known-at", metavar="TIME", help="Use only what was recorded by then.")
]


def eligible(
    person: PersonId,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    purpose: Purpose = None,
    as_json: AsJson = False,
    *,
    on: TimedOptions,
) -> None:
    """Check a person's entitlement to each benefit: how much it is, or why not."""
    now = on.clock
    day = None if as_of is None else day_of(as_of, "--as-of")
    with open_for_reading(on, purpose, make=True) as (platform, look):
        rulebook = platform.rules.library.rules().rulebook
        zone = rulebook.defaults.zone
        known = now() if known_at is None else moment_of(known_at, "--known-at", zone)
        pseudonym = pseudonym_of(person, platform.identity.names)
        asked, history, answers = entitlements(platform, pseudonym, day, known)
        look.note_reading(platform.rules.context, pseudonym, "eligible")
    if not history.facts:
        stop(Exit.CHECK_FAILED, "nothing is known about this person")
    for answer in answers:
        lines = _told(answer, rulebook.catalogue, zone)
        print_json_or_lines(answer_data(answer, rulebook.catalogue, asked, known), "\n".join(lines), as_json=as_json)


def _told(answer: Answer, catalogue: Catalogue, zone: tzinfo) -> Iterator[str]:
    benefit = answer.benefit
    yield f"{_english(benefit.title)}: {_outcome(answer)}"
    yield from (f"  Why not: {_reason(each, answer, catalogue)}" for each in answer.obstacles)
    if answer.start is not None:
        yield f"  From: {answer.start}" + (f" until {answer.until}, exclusive" if answer.until else "")
    yield f"  Law: {benefit.clause}"
    for name, applied in answer.parameters.items():
        title, law = _english(catalogue.parameters[name].content["title"]), law_of(catalogue, name)
        yield f"  {title}: {applied.value:,} since {applied.since} ({law})"
    yield from (f"  Data: {name} = {value}" for name, value in answer.used.items())
    yield from (f"  Fact: {_named(each, catalogue, zone)}" for each in answer.facts)


def _outcome(answer: Answer) -> str:
    if not answer.entitled:
        return "not entitled"
    if answer.amount is None:
        return "entitled"
    return f"entitled to {money(answer.amount)}" + (" a month" if answer.benefit.per == "month" else "")


_WHY_NOT = {
    ObstacleKind.NO_EVENT: "no event is known of the kind “{about}”",
    ObstacleKind.NO_DATE: "the date from which it is due is not known",
    ObstacleKind.NOT_YET: "only from {day}",
    ObstacleKind.OVER: "only until {day}, exclusive",
    ObstacleKind.DIED: "died on {day}",
    ObstacleKind.HAD: "“{had}” on {day}",
}


def _reason(each: Obstacle, answer: Answer, catalogue: Catalogue) -> str:
    if each.requirement is not None:
        return _unmet(each, each.requirement)
    had = "" if each.fact is None else _type(each.fact.event.type, catalogue)
    return _WHY_NOT[each.why].format(about=_type(answer.benefit.on, catalogue), day=each.day, had=had)


def _unmet(each: Obstacle, required: Requirement) -> str:
    clause = f" ({required.clause})" if required.clause else ""
    state = "not known whether this holds" if each.unknown else "does not hold"
    return f"{state}: {_english(required.title)}{clause}"


def _named(fact: Effective, catalogue: Catalogue, zone: tzinfo) -> str:
    event = fact.event
    what = f"{_type(event.type, catalogue)}, {local_time(event.time, zone)}"
    return f"{what}, reported by {event.source} as {fact.original_id}"


def _type(name: str, catalogue: Catalogue) -> str:
    type_ = catalogue.types.get(name)
    return name if type_ is None else _english(type_.title)


def _english(title: Titles) -> str:
    return title.get("en") or next(iter(title.values()))
