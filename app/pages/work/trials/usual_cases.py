"""The usual tests of a rule, made from a case in which somebody hears of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import yaml

from app.pages.life import category, word_for
from app.pages.pack_names import Names
from app.pages.work.trials.case_file import numbered_groups
from app.pages.work.trials.example_form import DEVICE, LATER, BadFields, Example
from app.reports.life_words import CHANNELS
from domain.nudges.class_rules import CLASS_RULES
from domain.persons.channels import PUSH
from templates.authoring.yaml_edit import CannotEdit, YamlText
from templates.reading.pack_content import items_of


def usual_cases(
    case: Mapping[str, Any], rule: Mapping[str, Any], names: Names, languages: Sequence[str]
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the usual tests of a rule, each with its name, by a case in which somebody hears of it.

    By each of its ways, in another language each; with each event after it that makes it needless; and for somebody
    who opted out of its topic. Of several cases of a test the first counts in which nobody hears.
    """
    say, citizen = names.speech.say, {name: value for name, value in case["citizen"].items() if name != "push"}
    channels = [str(each) for each in items_of(rule.get("channels"))] or list(citizen["channels"])
    for number, each in enumerate(channels):
        spoken = languages[number % len(languages)]
        called = say("Reached by {ways}").format(ways=word_for(CHANNELS, each, names.speech))
        yield called, [{**case, "citizen": {**citizen, "language": spoken, **person_reached_by(each)}}]
    for number, unless in numbered_groups(rule.get("unless")):
        type_ = str(unless.get("on"))
        with suppress(CannotEdit, BadFields):
            text = YamlText(yaml.safe_dump([dict(case)], allow_unicode=True, sort_keys=False))
            example = Example(text, 0, names, (), {}, {})
            later = [example.with_event(text, type_, after).data[0] for after in LATER]
            called = say("And then: {event}").format(event=names.heading(type_))
            yield f"{called} ({number + 1})" if _repeated(rule, type_) else called, later
    topic = str(rule.get("category", ""))
    called = say("Opted out of: {topic}").format(topic=category(topic, names.speech))
    yield called, [{**case, "citizen": {**case["citizen"], "opted_out": [topic]}}]


def consents_for(rule: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """Return what a person has consented to who gets the messages of a rule: its topic, if it needs a consent."""
    urgency = CLASS_RULES.get(str(rule.get("class")))
    return {"consents": [str(rule.get("category", ""))]} if urgency and urgency.needs_consent else {}


def person_reached_by(channel: str) -> dict[str, Any]:
    """Return what is known of a person who is reached by that channel alone."""
    return {"channels": [channel], "push": DEVICE} if channel == PUSH else {"channels": [channel]}


def _repeated(rule: Mapping[str, Any], type_: str) -> bool:
    return [each.get("on") for _, each in numbered_groups(rule.get("unless"))].count(type_) > 1
