"""Backtest: the messages that a draft would have sent if published in the past. Nothing is written or sent.

Each person is played alone with their guardians. Only a guardian of several persons can exceed the cap by the sum of
their messages; such families are played again together. A process finds the families of those of its own share of
whom something was sent or held back, and holds one batch of persons and their families at a time. With rules to
compare, the result also has the differences: who would gain or lose a message, and why.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.core.events import LifeEvent
from domain.nudges.class_rules import CLASS_RULES
from domain.nudges.delivery import State
from domain.nudges.settle import NotSentReason
from domain.persons.history import History
from domain.persons.person import age_on
from domain.planning.deaths import spoken_of
from domain.planning.relevant_types import starting_types, telling_types
from domain.rules.built_in_triggers import DIGEST
from domain.rules.rulebook import Defaults, Rulebook
from domain.rules.triggers import Trigger
from projections.tables import micros
from streams.log.log import Log
from streams.planning import histories
from streams.planning.histories import Selection
from streams.rehearsal.backtest_play import Life, Play, PlayedRules, Scope
from streams.rehearsal.backtest_results import Difference, Message, PersonResult, PlayedPerson, Samples, Tally
from streams.rehearsal.rehearse import Hurdles, Prevention
from streams.rules.in_force import Rules
from streams.storage.database import Database

GAINS, LOSES, MOVED, REWORDED, SAME = "gains", "loses", "moved", "reworded", "same"
NO_RULE = "no_rule"
"""The reason if nothing is planned although neither an `unless` nor a death prevents it: no rule covers it."""
_Key = tuple[UUID, str]


def differences(
    draft: PlayedPerson, live: PlayedPerson, histories: tuple[History, History], rulebooks: tuple[Rulebook, Rulebook]
) -> Iterator[Difference]:
    """Yield the differences between the messages of two rulebooks to a person (draft first, in both tuples)."""
    new, old = _by_key(draft), _by_key(live)
    if new.keys() - old.keys():
        reasons = _Reasons(live, histories[1], rulebooks[1])
        yield from (Difference(GAINS, new[key], reasons.why(key)) for key in new if key not in old)
    if old.keys() - new.keys():
        reasons = _Reasons(draft, histories[0], rulebooks[0])
        yield from (Difference(LOSES, old[key], reasons.why(key)) for key in old if key not in new)
    for key in new.keys() & old.keys():
        yield Difference(_change(new[key], old[key]), new[key])


def _by_key(played: PlayedPerson) -> Mapping[_Key, Message]:
    """Return (nudge, recipient) -> message, without digests, which only carry other messages."""
    return {(one.nudge, one.to): one for one in played.messages if one.trigger != DIGEST}


def _change(new: Message, old: Message) -> str:
    if (new.at, new.channel) != (old.at, old.channel):
        return MOVED
    return SAME if new.words == old.words else REWORDED


class _Reasons:
    """Finds the reasons why one rulebook does not send what another sends."""

    def __init__(self, played: PlayedPerson, history: History, rulebook: Rulebook) -> None:
        self._unsent = {(one.nudge, one.to): one for one in played.unsent}
        self._elsewhere = {one.nudge: one for one in played.unsent}
        _, prevented = Prevention(rulebook).possible_and_prevented(history)
        self._prevented = {left_out.intent.id: left_out.reason for left_out in prevented}

    def why(self, key: _Key) -> str:
        found = self._unsent.get(key) or self._elsewhere.get(key[0])
        if found is not None:
            return found.what if found.reason is None else found.reason
        return self._prevented.get(key[0], NO_RULE)


_Counted = tuple[datetime, str]
"""The time of a message that counts towards a cap, and the person whom it is about."""


def families(owns: Sequence[PersonResult], defaults: Defaults) -> list[list[str]]:
    """Return the families to play together: connected persons with a recipient whose cap is too small for all.

    If every message has room within its recipient's cap, the result is the same as for each person alone.
    """
    crowded = {
        recipient
        for side in (lambda own: own.played.messages, lambda own: own.against)
        for recipient, counted in _counted(owns, side).items()
        if _is_crowded(counted, defaults)
    }
    groups = ({own.person, *(one.to for one in (*own.played.messages, *own.against))} for own in owns)
    joined = connected(groups) if crowded else []
    return sorted(sorted(family) for family in joined if family & crowded)


def with_joint_results(owns: Iterable[PersonResult], together: Iterable[PersonResult]) -> list[PersonResult]:
    """Return the persons' results, those played together replacing those played alone.

    Members of a family who were not selected themselves are left out.
    """
    found = {own.person: own for own in owns}
    return [*(found | {own.person: own for own in together if own.person in found}).values()]


def _counted(
    owns: Iterable[PersonResult], side: Callable[[PersonResult], Sequence[Message]]
) -> Mapping[str, list[_Counted]]:
    found: dict[str, list[_Counted]] = {}
    for own in owns:
        for message in side(own):
            if not message.digest and CLASS_RULES[message.klass].counts:
                found.setdefault(message.to, []).append((message.at, own.person))
    return found


def _is_crowded(counted: list[_Counted], defaults: Defaults) -> bool:
    if len({person for _, person in counted}) == 1:
        return False
    times = sorted(at for at, _ in counted)
    days = timedelta(days=defaults.cap_days)
    return any(number - bisect_right(times, at - days) >= defaults.cap_messages for number, at in enumerate(times))


def connected(groups: Iterable[set[str]]) -> list[set[str]]:
    """Join groups with common members."""
    family_of: dict[str, set[str]] = {}
    for group in groups:
        joined = group.union(*(family_of[person] for person in group if person in family_of))
        family_of.update(dict.fromkeys(joined, joined))
    return list({id(family): family for family in family_of.values()}.values())


GUARDIANS, BORN = "guardians", "born_on"
A_YEAR = timedelta(days=366)


class GuardianFinder:
    """Finds possible guardians in persons' own facts, regardless of when these became known; it may find too many.

    `since`: the start of the backtest; persons of age by then have no guardians.
    """

    def __init__(self, rulebook: Rulebook, since: datetime) -> None:
        self._needed = any(version.trigger.minors == "guardians" for version in rulebook.versions.values())
        self._majority, self._since = rulebook.defaults.age_of_majority, since
        self._roles: dict[str, Mapping[str, tuple[str, ...]]] = {}
        self._births: dict[str, Mapping[str, str]] = {}
        for name, type_ in rulebook.catalogue.types.items():
            found = [(role, setting) for role, settings in type_.sets.items() for setting in settings]
            if roles := {role: setting.roles for role, setting in found if setting.attribute == GUARDIANS}:
                self._roles[name] = roles
            if births := {
                role: setting.path for role, setting in found if setting.attribute == BORN and setting.path
            }:
                self._births[name] = births

    @property
    def types(self) -> frozenset[str]:
        """Return the types of the facts that it reads."""
        return frozenset(self._roles.keys() | self._births.keys()) if self._needed else frozenset()

    def guardians_of(self, person: str, events: Iterable[LifeEvent]) -> frozenset[str]:
        """Return everybody who was ever reported as the person's guardian; nobody if the person cannot be a minor."""
        if not self._needed:
            return frozenset()
        found = {
            guardian
            for event in events
            if event.type in self._roles
            for role, named in self._roles[event.type].items()
            if person in event.persons.get(role, ())
            for role_of_guardian in named
            for guardian in event.persons.get(role_of_guardian, ())
        }
        return frozenset(found - {person}) if found and self._may_be_minor(person, events) else frozenset()

    def wards(self, person: str, events: Iterable[LifeEvent]) -> set[str]:
        """Return everybody whose guardian the person was reported to be, and who may be a minor."""
        oldest = self._since - A_YEAR * (self._majority + 1)
        return {
            ward
            for event in events
            if self._needed and event.time >= oldest and event.type in self._roles
            for role, named in self._roles[event.type].items()
            if any(person in event.persons.get(role_of_guardian, ()) for role_of_guardian in named)
            for ward in event.persons.get(role, ())
        } - {person}

    def _may_be_minor(self, person: str, events: Iterable[LifeEvent]) -> bool:
        born = {
            event.values.get(path)
            for event in events
            if event.type in self._births
            for role, path in self._births[event.type].items()
            if person in event.persons.get(role, ())
        }
        day = (self._since - timedelta(days=1)).date()
        return any(age_on(each, day) < self._majority for each in born if each is not None)


_CANCELLING = frozenset({NotSentReason.DONE.value, NotSentReason.DIED.value})
"""Reasons that can cancel a nudge after it was planned."""


class BacktestQuestion(Struct, frozen=True):
    """The question: the messages of the triggers `spoken` from `start` (their publication) up to `end`.

    `against`: the rules to compare with, if any.
    """

    rules: Rules
    spoken: frozenset[str]
    start: datetime
    end: datetime
    against: Rules | None = None

    @property
    def rulebooks(self) -> list[Rulebook]:
        """The rulebooks of the question."""
        return [rules.rulebook for rules in (self.rules, self.against) if rules is not None]

    @property
    def triggers(self) -> dict[str, list[Trigger]]:
        """The name of each trigger, spoken or beside them -> its versions."""
        found: dict[str, list[Trigger]] = {}
        for version in (version for book in self.rulebooks for version in book.versions.values()):
            found.setdefault(version.trigger.name, []).append(version.trigger)
        return found

    @property
    def others_matter(self) -> bool:
        """Return True if other triggers are played, and what they say may use up the cap of a spoken one."""
        triggers = self.triggers
        spoken = (trigger for name in self.spoken for trigger in triggers.get(name, ()))
        return bool(triggers.keys() - self.spoken) and any(not CLASS_RULES[each.klass].ignores_cap for each in spoken)

    def selection(self) -> Selection:
        """Return the persons with a fact on which a trigger of `spoken` may start, within the longest reach."""
        return self._starting(self.spoken)

    def selection_beside(self) -> Selection:
        """Return the persons with a fact on which any trigger may start, within the longest reach.

        What others say about a child uses up the cap of the child's guardian.
        """
        return self._starting(self.triggers.keys())

    def _starting(self, names: Collection[str]) -> Selection:
        starting = _union_of_types([starting_types(book, names) for book in self.rulebooks])
        if starting is None:
            return Selection()
        reaches = [each.reach for book in self.rulebooks for each in book.publications if each.trigger.name in names]
        return Selection(starting, since=micros(min(reaches, default=self.start)))


class Sides(NamedTuple):
    """The rules of the draft, and those to compare with, if any.

    `deciding`: the types of facts that their plans read; `telling`: those that their messages read too.
    """

    draft: PlayedRules
    against: PlayedRules | None
    deciding: frozenset[str] | None
    telling: frozenset[str] | None

    @staticmethod
    def of(question: BacktestQuestion, names: Collection[str]) -> "Sides":
        """Return both sides, with the triggers of these names."""
        draft, against = question.rules, question.against
        sides = [PlayedRules.of(rules, names) for rules in (draft, against) if rules is not None]
        telling = _union_of_types([telling_types(side.rules.rulebook) for side in sides])
        deciding = _union_of_types([side.deciding for side in sides])
        return Sides(sides[0], None if against is None else sides[1], deciding, telling)


class _PlayedAlone(NamedTuple):
    """The result of a person who was played alone under the rules of the draft only, with samples of it.

    `life`: what was read of the person; where something came to be due, all that messages need.
    """

    own: PersonResult
    samples: Samples
    life: Life


class _Family(NamedTuple):
    """Persons linked by guardians, and those of them who were played alone as the draft may speak of them."""

    members: set[str]
    alone: Sequence[_PlayedAlone]

    @property
    def owns(self) -> list[PersonResult]:
        """The results of those of whom anything was sent or held back."""
        return [one.own for one in self.alone if one.own.settled]

    @property
    def first(self) -> str:
        """The first of these by pseudonym."""
        return min(own.person for own in self.owns)


class Backtest:
    """Plays persons under the rules of a draft, and under other rules to compare with.

    Other triggers beside it change nothing but what the cap leaves room for. So they are played only for families of
    whom something of the draft was sent or held back, and up to the last time that it was: if the cap never objected
    to the draft by then, everything is as it was without them.
    """

    def __init__(self, database: Database, log: Log, question: BacktestQuestion) -> None:
        self._database, self._log, self._question = database, log, question
        self._rulebook = question.rules.rulebook
        self._zone = question.rules.defaults.zone
        self._speaking_only = Sides.of(question, question.spoken)
        self.sides = Sides.of(question, question.triggers) if question.others_matter else self._speaking_only
        self._plays_others = self.sides is not self._speaking_only
        # Alone most of those who are looked at get something: to read all of it at once is a sixth cheaper.
        self._read_first = self._speaking_only.deciding if self._plays_others else self._speaking_only.telling
        self._speaking: dict[str, list[Trigger]] = {}
        for book in question.rulebooks:
            for version in book.versions.values():
                self._speaking.setdefault(version.trigger.on, []).append(version.trigger)
        self._hurdles = Hurdles(self._rulebook, question.spoken)
        self._guarding = [GuardianFinder(book, question.start) for book in question.rulebooks]
        self._linking = frozenset[str]().union(*(guarding.types for guarding in self._guarding))

    def share(self, selection: Selection) -> Tally:
        """Play everybody in the selection, and count; see `results`."""
        tally = Tally()
        for owns in self.results(selection, tally):
            tally.take(owns, self._zone, self._question.spoken)
        return tally

    def results(self, selection: Selection, tally: Tally) -> Iterator[list[PersonResult]]:
        """Play everybody in the selection; yield the results of one family after another.

        Everybody is played alone first; whoever had nothing sent or held back by then is a family of their own, for
        nothing that others get can change that. Else persons linked by guardians are one family, and have recipients
        in common with nobody else. A family is played where the first of these members is in the selection, by
        pseudonym: with members of other selections, and with those about whom only other triggers speak, of whom
        there is no result. The tally gets samples, and the number of persons and facts that were looked at.
        """
        for some, facts in histories.all_revisions(
            self._database, self._log, self._rulebook, selection, types=self._read_first
        ):
            tally.persons += len(some)
            tally.facts += facts
            lives = {person: Life.of(recorded) for person, recorded in some.items()}
            alone = self._each_alone(lives)
            settled = {person for person, one in alone.items() if one.own.settled}
            yield from ([one.own] for person, one in alone.items() if person not in settled)
            kin = self._kin({person: alone[person].life for person in settled})
            chosen = self._selected({each for family in kin for each in family} - some.keys(), selection)
            alone |= self._each_alone(self._lives(chosen, self._read_first))
            linked = [_Family(family, [alone[each] for each in sorted(family & alone.keys())]) for family in kin]
            single = settled.difference(*kin)
            families_ = [*(_Family({each}, [alone[each]]) for each in sorted(single)), *linked]
            yield from self._played_families([family for family in families_ if family.first in some], tally)

    def _each_alone(self, lives: Mapping[str, Life]) -> dict[str, "_PlayedAlone"]:
        """Play each of these persons alone, under the rules of the draft only.

        `lives`: where others are played too, only as far as they decide on the plan; all else is read of those to
        whom something comes to be due.
        """
        sides, end = self._speaking_only, self._question.end
        found: dict[str, _PlayedAlone] = {}
        waiting: list[tuple[str, list[Play], Samples]] = []
        for person, life in lives.items():
            samples = Samples()
            plays = self._plays({person: life}, [person], sides, end, samples)
            if any(play.comes_due(end) for play in plays):
                waiting.append((person, plays, samples))
            else:
                found[person] = self._played_alone(person, plays, samples)
        due = [[person] for person, _, _ in waiting]
        known = lives if self._read_first == sides.telling else {}
        for (person, plays, samples), each_alone in zip(waiting, self._with_lives(due, sides, known), strict=True):
            for play in plays:
                play.read(each_alone[person])
                play.until(end)
            found[person] = self._played_alone(person, plays, samples)
        return found

    def _played_alone(self, person: str, plays: Sequence[Play], samples: Samples) -> "_PlayedAlone":
        return _PlayedAlone(self._result(person, *plays), samples, plays[0].life(person))

    def _played_families(self, families_: Sequence["_Family"], tally: Tally) -> Iterator[list[PersonResult]]:
        members = {person for family in families_ for person in family.members} if self._plays_others else set[str]()
        played = self._selected(members, self._question.selection_beside())
        together = self._with_lives([family.members & played for family in families_], self.sides)
        for family, each_alone in zip(families_, together, strict=True):
            samples = family.alone[0].samples
            for one in family.alone[1:]:
                samples.add(one.samples)
            owns = self._apart_or_together(family.owns, self._speaking_only, self._question.end, samples)
            if self._plays_others and self._is_capped(owns, each_alone):
                samples = Samples()
                owns = self._within_caps(each_alone, self.sides, self._question.end, samples)
            tally.samples.add(samples)
            told = {own.person for own in family.owns}
            yield [own for own in owns if own.person in told]

    def _with_lives(
        self, families_: Sequence[Collection[str]], sides: Sides, known: Mapping[str, Life] = {}
    ) -> Iterator[Mapping[str, Mapping[str, Life]]]:
        """Yield for each of the families: person -> the lives that their messages need. `known`: some of these."""
        persons = {person for family in families_ for person in family}
        lives = {**known} | self._lives(persons - known.keys(), sides.telling)
        told = {person: self._guardians_of(person, lives[person].own) for person in persons}
        about = {person: self._spoken_of(lives[person]) for person in persons}
        others = {each for named in (*told.values(), *about.values()) for each in named}
        lives |= self._lives(others - lives.keys(), sides.telling)
        for family in families_:
            yield {
                person: {each: lives[each] for each in (person, *told[person], *about[person])}
                for person in sorted(family)
            }

    def _is_capped(self, owns: Sequence[PersonResult], each_alone: Mapping[str, Mapping[str, Life]]) -> bool:
        """Return True if the cap objects to something in these results once all triggers are played."""
        last = max(own.settled for own in owns if own.settled is not None)
        beside = self._within_caps(each_alone, self.sides, last + timedelta(microseconds=1), Samples())
        return any(own.capped for own in beside)

    def _within_caps(
        self, each_alone: Mapping[str, Mapping[str, Life]], sides: Sides, end: datetime, samples: Samples
    ) -> list[PersonResult]:
        owns = [
            own for person, lives in each_alone.items() for own in self._played(lives, [person], sides, end, samples)
        ]
        return self._apart_or_together(owns, sides, end, samples)

    def _apart_or_together(
        self, owns: list[PersonResult], sides: Sides, end: datetime, samples: Samples
    ) -> list[PersonResult]:
        """Return the results of persons who were played alone, those played together whose messages exceed a cap."""
        if len(owns) == 1:
            return owns
        again = families(owns, self._question.rules.defaults)
        samples.without({person for family in again for person in family})
        return with_joint_results(owns, self.together(again, sides, end, samples))

    def _kin(self, lives: Mapping[str, Life]) -> list[set[str]]:
        """Return the families of these persons that have several members: minors, and whoever may be told for them.

        Only facts that were known before the end count, so that a fact that is reported meanwhile changes no family.
        """
        known = {person: self._known(life) for person, life in lives.items()}
        told = {person: self._guardians_of(person, events) for person, events in known.items()}
        further, looked = set(lives), set[str]()
        while further:
            named = {person: told[person] | self._wards(person, known[person]) for person in further}
            known |= {
                person: self._known(life)
                for person, life in self._lives(set().union(*named.values()) - known.keys(), self._linking).items()
            }
            told |= {person: self._guardians_of(person, known[person]) for person in known.keys() - told.keys()}
            looked |= further
            linked = {
                other
                for person in further
                for other in named[person]
                if other in told[person] or person in told[other]
            }
            further = linked - looked
        return connected({person, *told[person]} for person in looked if told[person])

    def _known(self, life: Life) -> Sequence[LifeEvent]:
        own, _ = life.known(self._question.end)
        return life.own[:own]

    def _selected(self, persons: Collection[str], selection: Selection) -> set[str]:
        if not persons:
            return set()
        with self._database.reading() as connection:
            return set(histories.selected_among(connection, self._log, selection, persons))

    def _wards(self, person: str, events: Iterable[LifeEvent]) -> set[str]:
        return {ward for guarding in self._guarding for ward in guarding.wards(person, events)}

    def together(
        self, families_: Sequence[Sequence[str]], sides: Sides, end: datetime, samples: Samples
    ) -> Iterator[PersonResult]:
        """Play families whose messages count together."""
        for family, each_alone in zip(families_, self._with_lives(families_, sides), strict=True):
            lives = {each: life for theirs in each_alone.values() for each, life in theirs.items()}
            yield from self._played(lives, family, sides, end, samples)

    def _guardians_of(self, person: str, events: Sequence[LifeEvent]) -> set[str]:
        return {guardian for guarding in self._guarding for guardian in guarding.guardians_of(person, events)}

    def _spoken_of(self, life: Life) -> set[str]:
        """Return the persons whom messages to this person may mention: their death ends these messages."""
        types = self._rulebook.catalogue.types
        return {
            person
            for event in life.own
            for trigger in self._speaking.get(event.type, ())
            for person in spoken_of(event, trigger, types)
        }

    def _lives(self, persons: set[str], types: frozenset[str] | None) -> dict[str, Life]:
        if not persons:
            return {}
        with self._database.reading() as connection:
            found = histories.revisions_of(connection, self._log, sorted(persons), self._rulebook, types=types)
        return {person: Life.of(recorded) for person, recorded in found.items()}

    def _played(
        self, lives: Mapping[str, Life], planned: Sequence[str], sides: Sides, end: datetime, samples: Samples
    ) -> list[PersonResult]:
        plays = self._plays(lives, planned, sides, end, samples)
        for play in plays:
            play.until(end)
        return [self._result(person, *plays) for person in planned]

    def _plays(
        self, lives: Mapping[str, Life], planned: Sequence[str], sides: Sides, end: datetime, samples: Samples
    ) -> list[Play]:
        """Return the play under the draft's rules, and the one to compare with, if any."""
        question = self._question
        scope = Scope(question.start, question.spoken, horizon=end if end < question.end else None)
        plays = [Play(sides.draft, lives, planned, scope, samples)]
        if sides.against is not None:
            plays.append(Play(sides.against, lives, planned, scope, Samples()))
        return plays

    def _result(self, person: str, play: Play, other: Play | None = None) -> PersonResult:
        played = play.played(person)
        outcome = played.outcome(self._question.spoken)
        if outcome is None or outcome == State.CANCELLED:
            hurdle = self._hurdles.last_hurdle(play.history(person), play.life(person).own)
            outcome = outcome if outcome and hurdle not in _CANCELLING else hurdle
        own = PersonResult(person, played, outcome, settled=play.settled, capped=play.capped)
        return own if other is None else self._compared(own, play, other)

    def _compared(self, own: PersonResult, play: Play, other: Play) -> PersonResult:
        live = other.played(own.person)
        histories = play.history(own.person), other.history(own.person)
        rulebooks = play.rules.rulebook, other.rules.rulebook
        changes = tuple(differences(own.played, live, histories, rulebooks))
        settled = max((each for each in (play.settled, other.settled) if each is not None), default=None)
        capped = play.capped or other.capped
        return replace(own, against=live.messages, differences=changes, settled=settled, capped=capped)


def _union_of_types(types: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
    """Return the union of these types; None (all types) if one of them is None."""
    return None if None in types else frozenset().union(*(type_ or () for type_ in types))
