"""Changes between two versions of a trigger in terms of meaning: sentences, by group, and no layout."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import asdict

from domain.conditions.language import Condition, essence
from domain.core.timing import parse_offset
from domain.core.translatable import N_, Joined, Lowered, Words
from domain.rules.steps import Step
from domain.rules.trigger_compiling import ONCE
from domain.rules.trigger_keys import value_of
from domain.rules.triggers import Trigger, Unless
from templates.authoring.rule_sentences import RuleWords, whom
from templates.authoring.value_words import NOTHING, length, said_plainly
from templates.authoring.words_diff import words_changes
from templates.checks.loader import TriggerSource

Group = Literal["who", "when", "words", "channels", "basis"]
GROUPS: tuple[Group, ...] = ("who", "when", "channels", "basis", "words")


class Change(Struct, frozen=True):
    """A difference: a sentence for people, and both values. `language`: of words."""

    group: Group
    about: str
    sentence: str
    before: Any = None
    after: Any = None
    language: str | None = None


class KeySentence(NamedTuple):
    """The sentence about a key whose values are told one by one. `none`: what stands for no value."""

    group: Group
    sentence: str
    none: str = NOTHING
    in_words: Callable[[Any, str], str] = said_plainly


def _silence(value: str | None, none: str) -> str:
    return length(parse_offset(value)) if value else none


SENTENCES: dict[str, KeySentence] = {
    "minors": KeySentence("who", N_("For a minor it goes to {after}; before, to {before}.")),
    "act_by": KeySentence("when", N_("The last day to act is {after}; before, {before}.")),
    "reach": KeySentence(
        "when", N_("It looks back to events from {after}; before, from {before}."), Words("its publication on")
    ),
    "ahead_from": KeySentence(
        "when",
        N_("What was due before {after} is not sent; before, that day was {before}."),
        Words("its publication"),
    ),
    "catch_up": KeySentence("when", N_("Of steps overdue already, {after} go; before, {before}.")),
    "channels": KeySentence("channels", N_("It goes by {after}; before, by {before}.")),
    "cascade_after": KeySentence(
        "channels",
        N_("The next channel follows after a silence of {after}; before, of {before}."),
        Words("no time that is said"),
        _silence,
    ),
    "cascade": KeySentence(
        "channels", N_("What counts as a silence is {after}; before, {before}."), Words("as usual")
    ),
    "replies": KeySentence("channels", N_("Answers by code are {after}; before, {before}."), Words("none")),
    "discreet": KeySentence("channels", N_("Being discreet is {after}; before, {before}.")),
    "owner": KeySentence("basis", N_("It belongs to {after}; before, to {before}.")),
    "class": KeySentence("basis", N_("Its class is {after}; before, {before}.")),
    "category": KeySentence("basis", N_("Citizens opt out of it by {after}; before, by {before}.")),
    "legal_basis": KeySentence("basis", N_("The legal basis is “{after}”; before, “{before}”.")),
    "correction": KeySentence("basis", N_("Words that take it back: {after}; before, {before}.")),
    "title": KeySentence("words", N_("The title is {after}; before, {before}.")),
    "actions": KeySentence("words", N_("The actions are {after}; before, {before}.")),
}
_COMPILED = {"on", "when", "to", "occurrence", "due", "unless", "expires"}
"""The keys that are compared as compiled, since two texts may mean the same."""


class ComparedVersion(Struct, frozen=True):
    """A version of a trigger: as written, as compiled, and the English titles of what it names."""

    source: TriggerSource
    trigger: Trigger
    words: RuleWords


def changes(old: ComparedVersion, new: ComparedVersion) -> list[Change]:
    """Return all differences between two versions, group by group; none: only the layout differs, if anything."""
    comparison = _Comparison(old, new)
    found = [
        *comparison.who(),
        *comparison.when(),
        *comparison.others(),
        *(
            Change("words", each.about, each.sentence, each.before, each.after, each.language)
            for each in words_changes(old.source.words, new.source.words)
        ),
    ]
    return sorted(found, key=lambda change: GROUPS.index(change.group))


class _Comparison:
    def __init__(self, old: ComparedVersion, new: ComparedVersion) -> None:
        self.old, self.new = old, new
        self.before, self.after = old.source.rules, new.source.rules

    def who(self) -> Iterator[Change]:
        """Yield changes of the recipients, the subject and the start."""
        one, other = self.old.trigger, self.new.trigger
        if self.before["on"] != self.after["on"]:
            starts = {"after": self._start(self.new), "before": self._start(self.old)}
            sentence = Words("It starts {after}, before {before}.", **starts)
            yield Change("who", "on", sentence, self.before["on"], self.after["on"])
        if one.to != other.to:
            sentence = Words("It is told to {after}, before to {before}.", after=_roles(other), before=_roles(one))
            yield Change("who", "to", sentence, sorted(one.to), sorted(other.to))
        if _meant(one.when) != _meant(other.when):
            only = {"after": self._only(self.new, other.when), "before": self._only(self.old, one.when)}
            sentence = Words("It goes {after}; before, {before}.", **only)
            yield Change("who", "when", sentence, _text(one.when), _text(other.when))
        if _about(one) != _about(other):
            sentence = Words("One matter is {after}; before, {before}.", after=_matter(other), before=_matter(one))
            yield Change("who", "occurrence", sentence, _about(one), _about(other))

    @staticmethod
    def _start(side: ComparedVersion) -> str:
        on = side.source.rules["on"]
        if isinstance(on, str):
            return Words("on {event}", event=side.words.title(on))
        return Lowered(side.words.start(on))

    @staticmethod
    def _only(side: ComparedVersion, condition: Condition | None) -> str:
        if condition is None:
            return Words("for every such event")
        return Words("only if {condition}", condition=side.words.condition(condition.text))

    def when(self) -> Iterator[Change]:
        """Yield changes of due times, of what prevents a message, and of its expiry."""
        yield from self._steps()
        yield from self._unless()
        before, after = self.old.trigger.expiry, self.new.trigger.expiry
        if before != after:
            texts = [side.source.rules.get("expires") for side in (self.old, self.new)]
            until = [
                Words("30 days after it was due, as usual") if text is None else side.words.expiry(text)
                for side, text in zip((self.old, self.new), texts, strict=True)
            ]
            worth = Words(
                "It is worth sending until {after}; before, until {before}.", after=until[1], before=until[0]
            )
            yield Change("when", "expires", worth, *texts)

    def _steps(self) -> Iterator[Change]:
        before, after = ({step.name: step for step in side.trigger.steps} for side in (self.old, self.new))
        for name in [*before, *(each for each in after if each not in before)]:
            if name not in after:
                sentence = Words("Step {name} is gone: {due}", name=name, due=self._due(self.old, name))
                yield Change("when", f"due.{name}", sentence, self.before["due"][name], None)
            elif name not in before:
                sentence = Words("Step {name} is new: {due}", name=name, due=self._due(self.new, name))
                yield Change("when", f"due.{name}", sentence, None, self.after["due"][name])
            elif _essence(before[name]) != _essence(after[name]):
                dues = {"due": self._due(self.new, name), "before": self._due(self.old, name)}
                sentence = Words("Step {name}: {due} Before: {before}", name=name, **dues)
                yield Change("when", f"due.{name}", sentence, self.before["due"][name], self.after["due"][name])

    @staticmethod
    def _due(side: ComparedVersion, name: str) -> str:
        [source] = {step.source for step in side.trigger.steps if step.name == name}
        return Lowered(side.words.due({"from": source, **(side.source.rules["due"][name] or {})}))

    def _unless(self) -> Iterator[Change]:
        before, after = (
            {
                _essence(unless): rule
                for unless, rule in zip(side.trigger.unless, side.source.rules.get("unless") or (), strict=True)
            }
            for side in (self.old, self.new)
        )
        for key in (each for each in before if each not in after):
            sentence = Words("No longer: {sentence}", sentence=Lowered(self._needless(self.old, before[key])))
            yield Change("when", "unless", sentence, before[key], None)
        for key in (each for each in after if each not in before):
            sentence = Words("New: {sentence}", sentence=Lowered(self._needless(self.new, after[key])))
            yield Change("when", "unless", sentence, None, after[key])

    @staticmethod
    def _needless(side: ComparedVersion, rule: Mapping[str, Any]) -> str:
        return side.words.unless(rule, side.source.rules["on"])

    def others(self) -> Iterator[Change]:
        """Yield changes of all other keys; one without a sentence of its own is told by its name."""
        others = sorted((self.before.keys() | self.after.keys()) - _COMPILED - SENTENCES.keys())
        named = {key: KeySentence("when", N_("{what} is {after}; before, {before}.")) for key in others}
        for key, each in (SENTENCES | named).items():
            before, after = value_of(self.before, key), value_of(self.after, key)
            if before != after:
                told = {"before": each.in_words(before, each.none), "after": each.in_words(after, each.none)}
                what = {"what": key} if key in named else {}
                yield Change(each.group, key, Words(each.sentence, **told, **what), before, after)


def _text(condition: Condition | None) -> str | None:
    return None if condition is None else " ".join(condition.text.split())


def _meant(condition: Condition | None) -> str | None:
    return None if condition is None else essence(condition.text)


def _roles(trigger: Trigger) -> str:
    return whom(sorted(trigger.to)) if trigger.to else Words("the residents of the area")


def _about(trigger: Trigger) -> list[str]:
    return [ONCE] if trigger.once else list(trigger.occurrence)


def _matter(trigger: Trigger) -> str:
    if trigger.once:
        return Words("the person, once and for all")
    if not trigger.occurrence:
        return Words("each event by itself")
    return Joined(trigger.occurrence, Words(" and "))


def _essence(part: Step | Unless) -> tuple[object, ...]:
    """Return everything of a step or an `unless`, but for the layout of its condition."""
    values = asdict(part) | {"when": _meant(part.when)}
    return tuple(values.values())
