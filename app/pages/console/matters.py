"""The signs of what waits for a human: providers in trouble, dead letters, jobs, switches and the like."""

from collections.abc import Iterator
from datetime import timedelta

from app.pages.console.signs import LONG, SWITCHES, Level, Sign, Teller
from app.pages.console.staff import command
from app.pages.console.stopped import off_told
from app.pages.life import CHANNELS, shown
from streams.queries.provider_health import ProviderState
from streams.queues.jobs import AT_WORK, State


class Matters(Teller):
    """The signs of what waits for a human, each with what to do about it."""

    def all(self) -> list[Sign]:
        """Every one of them."""
        return [
            self._providers(),
            self._unknown(),
            self._letters(),
            self._refused(),
            self._reconciler(),
            self._jobs(),
            self._switches(),
            self._webhooks(),
            self._corrections(),
            self._chain(),
            *self._restore(),
        ]

    def _restore(self) -> Iterator[Sign]:
        if self._seen.older is not None:
            say = self._say
            todo = say("Nothing is sent until somebody says until when messages may have gone that it does not know.")
            yield Sign(
                say("Database"),
                Level.BAD,
                say("An older copy"),
                (),
                self._seen.older,
                todo,
                command("restored", "--plan"),
            )

    def _providers(self) -> Sign:
        say, troubled = (
            self._say,
            [(name, each) for name, each in sorted(self._seen.lately.providers.items()) if each.in_trouble],
        )
        if not troubled and self._seen.unseen:
            todo = say(
                "Others sent more than is looked at here. The dispatchers’ own counts tell: habarshy_attempts_total."
            )
            return Sign(say("Providers"), Level.NOTE, say("Not known"), self._seen.unseen, None, todo)
        if not troubled:
            return self._shaky()
        facts = tuple(f"{name} ({shown(CHANNELS, each.channel, self._speech)})" for name, each in troubled)
        since = min((each.since for _, each in troubled if each.since is not None), default=None)
        todo = say(
            "Its messages use another provider or are tried again. When it is back, list what failed for good."
        )
        return Sign(
            say("Providers"),
            Level.BAD,
            say("In trouble"),
            facts,
            since,
            todo,
            command("repair", "--failed", "--plan", "--provider", troubled[0][0]),
        )

    def _shaky(self) -> Sign:
        """Return the sign of providers that are not down: those that failed the last time, or every time."""
        say = self._say
        shaky = [
            f"{name} ({shown(CHANNELS, each.channel, self._speech)})"
            for name, each in sorted(self._seen.lately.providers.items())
            if each.state in (ProviderState.FAILED, ProviderState.FAILS_ALL)
        ]
        if not shaky:
            return Sign(say("Providers"), Level.GOOD, say("None in trouble"))
        todo = say("The table below says why. If addresses are wrong, ask who reports them.")
        return Sign(
            say("Providers"), Level.NOTE, say("Failed the last time"), tuple(shaky), None, todo, command("status")
        )

    def _unknown(self) -> Sign:
        """Return the sign of messages of which nobody knows whether they went."""
        say, count = self._say, sum(self._seen.standing.unknown.values())
        name = say("Unknown outcomes")
        if not count:
            return Sign(name, Level.GOOD, say("None"), path="/unknown")
        todo = say("Nobody knows whether these messages went. Ask the provider, or decide what becomes of them.")
        facts = (self.with_number(say("{count} waiting for a human"), count),)
        return Sign(name, Level.NOTE, say("Not known"), facts, None, todo, command("unknown"), "/unknown")

    def _letters(self) -> Sign:
        say, count = self._say, self._seen.standing.dead_letters
        name = say("Dead letters")
        if not count:
            return Sign(name, Level.GOOD, say("None"), path="/letters")
        todo = say("Mend the cause, then have them handled once more.")
        facts = (self.with_number(say("{count} waiting for a human"), count),)
        return Sign(name, Level.BAD, say("Put aside"), facts, None, todo, command("dead-letters", "list"), "/letters")

    def _refused(self) -> Sign:
        say, on = self._say, self._seen.standing
        name = say("Events from Kafka")
        if on.dead_events_at is None:
            return Sign(name, Level.GOOD, say("None refused"))
        fresh = self._seen.now - on.dead_events_at < timedelta(days=1)
        facts = tuple(
            f"{code.replace('_', ' ')}: {self._speech.number(many)}" for code, many in on.dead_events.items()
        )
        facts = (*facts, say("the last: {when}").format(when=self._speech.moment(on.dead_events_at)))
        todo = (
            say("Read life-events.dead while it keeps them, and have the registry send them anew.") if fresh else ""
        )
        level = Level.NOTE if fresh else Level.GOOD
        return Sign(name, level, say("Some refused") if fresh else say("None refused lately"), facts, None, todo)

    def _reconciler(self) -> Sign:
        say, on = self._say, self._seen.standing
        name = say("Reconciler")
        if on.reconciled_at is None:
            return Sign(name, Level.GOOD, say("Found nobody"))
        fresh = self._seen.now - on.reconciled_at < timedelta(hours=1)
        facts = (
            self.with_number(self._say("{count} found so far"), on.reconciled),
            say("the last: {when}").format(when=self._speech.moment(on.reconciled_at)),
        )
        todo = say("No record woke them. Look at the lag of relay and workers.") if fresh else ""
        level = Level.NOTE if fresh else Level.GOOD
        return Sign(name, level, say("Found some") if fresh else say("Found nobody lately"), facts, None, todo)

    def _jobs(self) -> Sign:
        say, jobs = self._say, self._seen.jobs
        name = say("Jobs")
        gone = [each for each in jobs if each.id in self._seen.alone]
        failed = [each for each in jobs[:1] if each.state is State.FAILED]
        if stuck := gone or failed:
            state = say("Its process is gone") if gone else say("Failed")
            todo = say("Go on with it, or cancel it.")
            return Sign(
                name,
                Level.BAD,
                state,
                (f"{stuck[0].id}: {stuck[0].kind}",),
                stuck[0].changed_at,
                todo,
                command("jobs", "resume", stuck[0].id),
                f"/jobs/{stuck[0].id}",
            )
        paused = [each for each in jobs if each.state is State.PAUSED]
        if paused:
            return Sign(
                name,
                Level.NOTE,
                say("Paused"),
                (f"{paused[0].id}: {paused[0].kind}",),
                paused[0].changed_at,
                say("It keeps others of its kind from starting."),
                command("jobs", "resume", paused[0].id),
                f"/jobs/{paused[0].id}",
            )
        if any(each.state in AT_WORK for each in jobs):
            return Sign(name, Level.GOOD, say("At work"), path="/jobs")
        counted = [each for each in jobs if each.state is State.COUNTED]
        if counted:
            return Sign(
                name,
                Level.GOOD,
                say("Waits to be confirmed"),
                (f"{counted[0].id}: {counted[0].kind}",),
                path=f"/jobs/{counted[0].id}",
            )
        return Sign(name, Level.GOOD, say("None under way"), path="/jobs")

    def _switches(self) -> Sign:
        """Return the sign about kill switches and pauses.

        No message passes a stopped one, so it is the worst sign and stands first.
        """
        say, stopped = self._say, self._seen.standing.stopped
        if not stopped:
            return Sign(say("Switches"), Level.GOOD, say("Nothing is stopped"), path=SWITCHES)
        everything = any(each.scope == "all" for each in stopped)
        return Sign(
            say("Switches"),
            Level.BAD,
            say("Everything is stopped: no message goes") if everything else say("Something is stopped"),
            tuple(off_told(each, self._speech) for each in stopped),
            min(each.since for each in stopped),
            say("Resume once the problem is fixed."),
            "",
            SWITCHES,
        )

    def _webhooks(self) -> Sign:
        say, count = self._say, self._seen.standing.untold
        if not count:
            return Sign(say("Answers to agencies"), Level.GOOD, say("All told"))
        todo = say("They wait for the webhook of their agency, or it has none.")
        facts = (self.with_number(say("{count} waiting"), count),)
        return Sign(
            say("Answers to agencies"), Level.NOTE, say("Not told yet"), facts, None, todo, command("config", "show")
        )

    def _corrections(self) -> Sign:
        say, count = self._say, self._seen.standing.corrections_waiting
        if not count:
            return Sign(say("Corrections"), Level.GOOD, say("Each has its event"))
        todo = say("Registries corrected events that never came. Ask them to send these.")
        return Sign(
            say("Corrections"),
            Level.NOTE,
            say("Without their event"),
            (self.with_number(self._say("{count} waiting"), count),),
            None,
            todo,
        )

    def _chain(self) -> Sign:
        seen, say = self._seen, self._say
        name = say("Chain of the log")
        facts = (
            (self.with_number(self._say("facts in no block yet: {count}"), seen.unchained),) if seen.unchained else ()
        )
        late = seen.unchained and seen.chained_at is not None and seen.now - seen.chained_at > LONG
        if not late:
            return Sign(name, Level.GOOD, say("Up to date") if seen.chained_at else say("Not begun"), facts)
        todo = say("The process that does the upkeep makes its blocks.")
        return Sign(name, Level.NOTE, say("Behind"), facts, seen.chained_at, todo, command("audit", "verify"))
