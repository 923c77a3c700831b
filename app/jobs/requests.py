"""Requests for jobs, read by one parser from a form, the API or the command line, as the arguments of their kind."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, to_builtins
from sqlalchemy import Connection

from app.compose import Platform
from app.identity.meant_persons import NO_PERSON, pseudonym_in
from app.jobs.replay_jobs import VIEWS, views_named
from app.log_places import place_of, zone_here
from app.moments import NO_TIME, moment_in
from app.visible import visible
from domain.core.translatable import Number, Words
from domain.facts.principals import NotAllowed, Principal
from domain.facts.submissions import check_stopping
from domain.persons.channels import ADDRESS_OF
from streams.kafka.republish import Range, checked
from streams.log.recorder import FactRecorder
from streams.privacy.bulk_erasure import BulkRequest
from streams.queues.jobs import Job
from streams.replay.backfill import BackfillRequest
from streams.replay.repair import GapFilter
from streams.replay.retry_failed import Outage
from streams.replay.unknown_outcomes import LONGEST_WHY, OutcomeFilter, Resolution
from streams.rules.switches import owner_of
from streams.rules.trigger_history import agency_titles
from templates.reading.findings import hint

Given = Mapping[str, Sequence[str]]


MOST_ERASED = 10_000
"""Persons of one job that erases: they stand in its row."""


class BadOrder(ValueError):
    """Raised when a field of a job's request is wrong."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}.")
        self.field, self.problem = field, problem


class Order(Struct, frozen=True):
    """A request for a job: its kind and its arguments."""

    kind: str
    arguments: Mapping[str, Any]


class Orders:
    """The parser. Every kind raises BadOrder for a wrong field, and its part of the platform may refuse the rest."""

    def __init__(self, platform: Platform) -> None:
        self._on = platform
        self._kinds: Mapping[str, Callable[[Given, Principal], Order]] = {
            "replay views": self._views,
            "replay verify": lambda *_: Order("replay verify", {}),
            "replay kafka": self._kafka,
            "audit verify": lambda *_: Order("audit verify", {}),
            "repair": self._repair,
            "repair-failed": self._renew,
            "resolve-unknown": self._resolve,
            "backfill": self._backfill,
            "erase": self._erase,
        }

    @property
    def kinds(self) -> Sequence[str]:
        """Return the kinds of job that may be requested."""
        return list(self._kinds)

    def of(self, kind: str, given: Given, who: Principal) -> Order:
        """Return the order of that kind; `given`: field -> what was typed."""
        if kind not in self._kinds:
            raise BadOrder("kind", Words("is none of {names}", names=", ".join(self._kinds)))
        return self._kinds[kind](given, who)

    def unknown_outcomes(self, given: Given, who: Principal) -> OutcomeFilter:
        """Return the unknown outcomes that are meant."""
        return OutcomeFilter(**self._deliveries(given, who), cause=_one(given, "cause") or None)

    def agency(self, given: Given) -> str | None:
        """Return the agency that is meant, which a pack in force has to name; None: any."""
        agency = _one(given, "agency")
        known = agency_titles(self._on.rules.library.rules())
        if agency and agency not in known:
            problem = Words(
                "no agency is called {agency}{hint}; there are: {names}",
                agency=repr(agency),
                hint=hint(agency, known),
                names=", ".join(sorted(known)),
            )
            raise BadOrder("agency", problem)
        return agency or None

    def check(self, job: Job, who: Principal) -> None:
        """Check that they may have the job done: operators any, others those about a trigger of their agency.

        Raises:
            NotAllowed: they may not; NotInForce, UnknownName: see Backfilling.check.
        """
        if job.kind == "backfill":
            self._on.replay.backfill.check(job.arguments["further"]["trigger"], who)
        elif not who.operator and job.kind != "backtest":  # which changes nothing
            trigger = job.arguments.get("outage", job.arguments).get("trigger")
            if trigger is None:
                raise NotAllowed(Words("{job} is for operators; {name} is not an operator", job=job, name=who.name))
            check_stopping(who, owner_of(self._on.rules.approval.governed(), trigger, who), trigger)

    def _views(self, given: Given, _: Principal) -> Order:
        wanted = list(VIEWS) if "all" in given.get("views", ()) else views_named(given.get("views", ()))
        if not wanted:
            raise BadOrder("views", Words("name at least one"))
        return Order("replay views", {"views": wanted})

    def _kafka(self, given: Given, _: Principal) -> Order:
        if not self._on.settings.kafka:
            raise BadOrder("kind", Words("there is no Kafka here (HABARSHY_KAFKA)"))
        start, end = _one(given, "from"), _one(given, "to")
        if not start:
            raise BadOrder("from", Words("say from where on: a position, or a time"))
        with self._on.database.reading() as connection:
            after = self._place(connection, given, "from", of_the_first=True)
            upto = self._place(connection, given, "to") if end else FactRecorder.last_position(connection)
            found = checked(connection, Range(after, upto))
        return Order("replay kafka", {"after": found.after, "upto": found.upto, "topic": _one(given, "topic")})

    def _place(self, connection: Connection, given: Given, name: str, *, of_the_first: bool = False) -> int:
        """Return the position behind which the range begins, or up to which it goes."""
        text = _one(given, name)
        try:
            return place_of(connection, text, zone_here(self._on.rules.library), of_the_first=of_the_first)
        except ValueError:
            raise BadOrder(
                name, Words("{text} is no position, and {no_time}", text=repr(text), no_time=NO_TIME)
            ) from None

    def _repair(self, given: Given, who: Principal) -> Order:
        since, until = self._span(given)
        selection = GapFilter(since, until, self._trigger(given, who), self._area(given))
        return Order("repair", to_builtins(selection))

    def _renew(self, given: Given, who: Principal) -> Order:
        outage = Outage(**self._deliveries(given, who), last_only=bool(_one(given, "last_only")))
        return Order("repair-failed", {"outage": to_builtins(outage), "by": who.name})

    def _resolve(self, given: Given, who: Principal) -> Order:
        if not who.operator:
            raise NotAllowed(Words("unknown outcomes are for operators; {name} is not an operator", name=who.name))
        how = _one(given, "how")
        if how not in set(Resolution):
            raise BadOrder("how", Words("is none of {names}", names=", ".join(Resolution)))
        which, why = to_builtins(self.unknown_outcomes(given, who)), _reason(given)
        return Order("resolve-unknown", {"which": which, "how": how, "by": who.name, "why": why})

    def _backfill(self, given: Given, who: Principal) -> Order:
        trigger = _one(given, "trigger")
        self._on.replay.backfill.check(trigger, who)
        if not _one(given, "since"):
            raise BadOrder("since", Words("say from which event time on it is to look"))
        since, overdue = self._time(given, "since"), bool(_one(given, "also_overdue"))
        if since > self._on.clock():
            when = _one(given, "since")
            still = Words("{time} is still to come; what happens from now on is planned anyway", time=when)
            raise BadOrder("since", still)
        further = BackfillRequest(trigger, since, overdue)
        return Order("backfill", {"further": to_builtins(further), "by": who.name})

    def _erase(self, given: Given, who: Principal) -> Order:
        if not who.operator:
            raise NotAllowed(Words("erasures are for operators; {name} is not an operator", name=who.name))
        words = [word for text in given.get("persons", ()) for word in text.split()]
        if not 0 < len(words) <= MOST_ERASED:
            raise BadOrder(
                "persons", Words("name at least one person, and at most {count}", count=Number(MOST_ERASED))
            )
        names, found = self._on.identity.names, dict[str, None]()
        for number, word in enumerate(words, 1):
            if (person := pseudonym_in(word, names)) is None:
                raise BadOrder("persons", Words("number {number} is {no_person}", number=number, no_person=NO_PERSON))
            found[person] = None
        request = BulkRequest(tuple(found), _reason(given), who.name, who.agency)
        return Order("erase", to_builtins(request))

    def _deliveries(self, given: Given, who: Principal) -> dict[str, Any]:
        """Return the fields of a DeliveryFilter."""
        since, until = self._span(given)
        return {
            "since": since,
            "until": until,
            "provider": _one(given, "provider") or None,
            "channel": _channel(given),
            "trigger": self._trigger(given, who),
            "agency": self.agency(given),
        }

    def _span(self, given: Given) -> tuple[datetime | None, datetime | None]:
        since, until = (self._time(given, name) if _one(given, name) else None for name in ("from", "to"))
        if since is not None and until is not None and since >= until:
            start, end = _one(given, "from"), _one(given, "to")
            empty = Words("{until} is not after {since}, so no time lies between them", until=end, since=start)
            raise BadOrder("to", empty)
        return since, until

    def _time(self, given: Given, name: str) -> datetime:
        text = _one(given, name)
        try:
            return moment_in(text, zone_here(self._on.rules.library))
        except ValueError:
            raise BadOrder(name, Words("{text} is {no_time}", text=repr(text), no_time=NO_TIME)) from None

    def _trigger(self, given: Given, who: Principal) -> str | None:
        name = _one(given, "trigger")
        if name:
            owner_of(self._on.rules.approval.governed(), name, who)
        return name or None

    def _area(self, given: Given) -> str | None:
        area, levels = _one(given, "area"), self._on.rules.library.rules().catalogue.area_levels
        if area and not (area.isascii() and area.isdecimal() and len(area) == max(levels, default=len(area))):
            digits = max(levels, default=1)
            raise BadOrder(
                "area", Words("{area} is no code of an area ({count} digits)", area=repr(area), count=digits)
            )
        return area or None


def _channel(given: Given) -> str | None:
    channel = _one(given, "channel") or None
    if channel is not None and channel not in ADDRESS_OF:
        problem = Words(
            "no channel is called {channel}{hint}; there are: {names}",
            channel=repr(channel),
            hint=hint(channel, ADDRESS_OF),
            names=", ".join(ADDRESS_OF),
        )
        raise BadOrder("channel", problem)
    return channel


def _reason(given: Given) -> str:
    why = _one(given, "why")
    if not 0 < len(why) <= LONGEST_WHY:
        raise BadOrder(
            "why", Words("say your reason in at most {count} characters: the log keeps it", count=LONGEST_WHY)
        )
    return why


def _one(given: Given, name: str) -> str:
    """Return the text of a field, empty where there is none; one with hidden characters is refused, not emptied."""
    text = (list(given.get(name, ())) or [""])[0].strip()
    if len(text) > LONGEST_WHY:
        raise BadOrder(name, Words("has more than {count} characters", count=LONGEST_WHY))
    if visible(text) != text:
        raise BadOrder(name, Words("{text} has characters that nobody sees", text=repr(text)))
    return text
