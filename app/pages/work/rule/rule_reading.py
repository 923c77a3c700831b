"""The values that the rule of a form reads, and their names in the reader's language."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from app.pages.catalogues import Speech, own_first
from app.pages.naming import step_name
from app.pages.pack_names import Names, names_of
from app.pages.rule_words import in_words
from app.pages.visits import Fields, field_of
from domain.core.translatable import N_
from domain.rules.event_types import ALONE, EventType
from streams.rules.in_force import Rules
from templates.authoring.cited_acts import Acts, Citation, citation_of
from templates.authoring.rule_sentences import RuleWords, whom
from templates.authoring.trigger_form import TriggerForm

RESIDENTS: Final[Mapping[str, str]] = {
    "event": N_("It is for those who lived there when it happened."),
    "due": N_("It is for those who live there when the message is due."),
}


class RuleReading:
    """Reads a rule with what was typed over it: its event type, the values that it may read, its sentences."""

    def __init__(self, rules: Rules, speech: Speech, form: TriggerForm, typed: Fields, acts: Acts) -> None:
        self.rules, self.speech, self.form, self.typed, self.acts = rules, speech, form, typed, acts
        self.languages = own_first(speech.language, rules.defaults.languages)

    @cached_property
    def start(self) -> str:
        """Return what it starts on, as its control shows it."""
        return field_of(self.typed, "on") or self.form.values.get("on", "")

    @cached_property
    def names(self) -> Names:
        """Return the names of what the rule reads, as the event type that it starts on has them."""
        return names_of(self.rules, self.speech, self.type.name)

    def citation(self, values: Mapping[str, str]) -> Citation:
        """Return the act and the articles that the legal basis of a form's values is written by."""
        return citation_of(self.acts, {each: values.get(f"legal_basis.{each}", "") for each in self.languages})

    def _type(self, start: str) -> EventType | None:
        edge, _, benefit = start.partition(":")
        if benefit:
            known = self.rules.catalogue.benefits.get(benefit)
            return None if known is None else self.rules.catalogue.kinds.get(known.on)
        return self.rules.catalogue.types.get(edge)

    @cached_property
    def type(self) -> EventType:
        """Return the event type on which it starts; nobody's where it is not known."""
        return self._type(self.start) or ALONE

    def types(self, later: str = "") -> dict[str, str]:
        """Return what a condition may read: dotted name -> type. `later`: the type of the other event."""
        catalogue = self.rules.catalogue
        known = {f"event.{name}": type_ for name, type_ in self.type.variables().items()}
        if (other := catalogue.types.get(later)) is not None:
            known |= {f"later.{name}": type_ for name, type_ in other.variables().items()}
        if ":" in self.start:
            known |= {"entitled.from": "date", "entitled.until": "date"}
        return {**known, **catalogue.citizen_variables(), **catalogue.parameter_variables()}

    def choices(self, name: str, later: str = "") -> Sequence[str]:
        """Return the values of a field that has a list of them."""
        root, _, path = name.partition(".")
        type_ = self.rules.catalogue.types.get(later) if root == "later" else self.type
        if name == "citizen.sex":
            return ("female", "male")
        schema: Any = type_.schema if type_ is not None and root in ("event", "later") else {}
        for key in path.split("."):
            schema = schema.get("properties", {}).get(key, {})
        listed = schema.get("enum") or schema.get("items", {}).get("enum") or ()
        return [each for each in listed if isinstance(each, str)]

    def words_of(self, later: str = "") -> dict[str, dict[str, str]]:
        """Return for each field with a list of values: the word of each in small letters -> the value."""
        return {
            name: {self.names.value(each).lower(): each for each in choices}
            for name in self.types(later)
            if (choices := self.choices(name, later))
        }

    @property
    def usual_recipient(self) -> str:
        """Return who is told where the file does not say: whose benefit it is, or whom the event is about."""
        benefit = self.rules.catalogue.benefits.get(self.start.partition(":")[2])
        role = (benefit.to if benefit is not None else None) or "subject"
        return "subject" if role == self.type.subject else role

    def name_in_words(self, name: str, later: str = "") -> str:
        """Return what a condition may read in words: a role as it is called where it is told."""
        root, _, role = name.partition(".")
        types = {"event": self.type, "later": self.rules.catalogue.types.get(later)}
        type_ = types.get(root)
        if type_ is not None and role in type_.roles:
            return _begun(self.speech.tell(whom(role)))
        return self.names.heading_of(name)

    def grouped(self, types: Mapping[str, str], later: str = "") -> list[tuple[str, list[tuple[str, str]]]]:
        """Return what a condition may read, under headings: each by its dotted name and in words."""
        say = self.speech.say
        headings = {
            "event": say("The event"),
            "later": say("The later event"),
            "citizen": say("The person"),
            "entitled": say("The entitlement"),
            "param": say("The law"),
        }
        order = ("later", "event", "entitled", "citizen", "param")
        groups = {
            root: [(name, self.name_in_words(name, later)) for name in types if name.partition(".")[0] == root]
            for root in order
        }
        return [(headings[root], options) for root, options in groups.items() if options]

    @property
    def titles(self) -> Mapping[str, str]:
        """Return the titles that are stored, by language."""
        return {each: text for each in self.languages if (text := self.form.values.get(f"title.{each}", ""))}

    def step_called(self, name: str) -> str:
        """Return the name of a step as a heading."""
        due = self.form.yaml.get(("due",))
        return step_name(name, list(due) if isinstance(due, dict) else (), self.speech)

    def _words(self) -> RuleWords:
        contents = self.rules.governed.contents
        return in_words(contents, self.rules.catalogue, self.speech.language, self.type.name)

    def in_words(self, text: str) -> str:
        """Return a condition in words."""
        words = self._words()
        return self.speech.tell(words.condition(text)) if text else ""

    def _told(self, make: Callable[[RuleWords], Iterable[str]]) -> list[str]:
        """Return sentences about the rule as it is stored; none where it is not as it should be."""
        try:
            return [self.speech.tell(each) for each in make(self._words())]
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return []

    def sentences(self) -> list[str]:
        """Return the whole rule in words, as it is stored; nothing where it is not as it should be."""
        return self._told(lambda words: words.sentences(self.form.yaml.data))

    def key_in_words(self, key: str) -> list[str]:
        """Return in words what a key says that no field shows; nothing where there are no words for it."""
        data = self.form.yaml.data
        if key == "residents_at" and data.get(key) in RESIDENTS:
            return [self.speech.say(RESIDENTS[data[key]])]
        without = {name: each for name, each in data.items() if name != key.partition(".")[0]}

        def only_here(words: RuleWords) -> list[str]:
            others = [str(each) for each in words.sentences(without)]
            return [each for each in words.sentences(data) if str(each) not in others]

        return self._told(only_here)


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]
