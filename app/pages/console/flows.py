"""The signs of what flows: from the log to plans, to Kafka, to providers, to the views; and whoever keeps it up."""

from collections.abc import Iterator
from datetime import timedelta

from msgspec.structs import replace

from app.pages.console.signs import LATE, LONG, SOON, Level, Sign, Teller
from app.pages.console.staff import command
from streams.queries import health
from streams.queries.health import SILENT

STARTING = timedelta(minutes=1)
"""For so long after the start of the console, an upkeep that did not tell of itself may be about to."""


class Flows(Teller):
    """The signs of the flows: how much waits, for how long, and whether it grows."""

    def all(self) -> list[Sign]:
        """Every one of them."""
        return [self._upkeep(), self._planning(), self._dispatch(), self._views(), *self._relay(), *self._workers()]

    def _upkeep(self) -> Sign:
        seen, say = self._seen, self._say
        name = say("Upkeep")
        if seen.sounded is not None and seen.now - seen.sounded <= SILENT:
            return Sign(name, Level.GOOD, say("At work"))
        run = "run" if seen.embedded else "worker"
        if seen.began is not None and seen.now - seen.began < STARTING:
            todo = say(
                "The platform has just started: the process that does the upkeep tells of itself within a minute."
            )
            return Sign(name, Level.NOTE, say("Starting"), (), seen.began, todo)
        todo = say("No worker is running: new events are not processed. Start one.")
        return Sign(name, Level.BAD, say("Not running"), (), seen.sounded, todo, command(run))

    def _planning(self) -> Sign:
        on = self._seen.standing
        todo = self._say("Does a worker run? After five minutes the reconciler plans who waits; then look for gaps.")
        return self.waits(
            self._say("Planning"),
            health.PLANNING,
            on.unplanned,
            on.unplanned_for_seconds,
            LONG,
            todo,
            command("repair", "--plan"),
        )

    def _dispatch(self) -> Sign:
        on = self._seen.standing
        todo = self._say("Does a dispatcher run? Look at the providers below, and at what is stopped.")
        sign = self.waits(
            self._say("Sending"),
            health.DISPATCH,
            on.due_now,
            on.overdue_for_seconds,
            LATE,
            todo,
            command("forecast", "--days", 1),
        )
        more = []
        if on.open_attempts:
            more.append(self.with_number(self._say("attempts without an outcome: {count}"), on.open_attempts))
        if on.next_due is not None:
            more.append(self._say("next due: {when}").format(when=self._speech.moment(on.next_due)))
        return replace(sign, facts=(*sign.facts, *more))

    def _views(self) -> Sign:
        todo = self._say("Trails and figures are behind. The process that does the upkeep follows the log.")
        lag = self._seen.views
        return self.waits(
            self._say("Trails and figures"),
            health.VIEWS_BEHIND,
            lag.count,
            lag.seconds,
            LATE,
            todo,
            command("status"),
        )

    def _relay(self) -> Iterator[Sign]:
        if (lag := self._seen.relay) is not None:
            todo = self._say("Does a relay run, and is Kafka there? With both gone the reconciler still plans.")
            yield self.waits(
                self._say("Relay to Kafka"), health.RELAY, lag.count, lag.seconds, SOON, todo, command("relay")
            )

    def _workers(self) -> Iterator[Sign]:
        seen, say = self._seen, self._say
        if seen.workers_away:
            todo = say("Kafka does not answer. It heals by itself; nothing is lost meanwhile.")
            yield Sign(say("Workers"), Level.BAD, say("Not known"), (seen.workers_away,), None, todo)
        elif seen.workers is not None:
            worst = max(seen.workers, key=lambda each: each.seconds)
            todo = say("All partitions: start more workers. A single one: end its worker, another takes over.")
            sign = self.waits(
                say("Workers"),
                "",
                sum(each.count for each in seen.workers),
                worst.seconds,
                SOON,
                todo,
                command("worker"),
            )
            yield sign
