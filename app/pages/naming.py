"""Names of the values that events carry, and of the steps of a trigger."""

from collections.abc import Mapping, Sequence
from typing import Final

from app.pages.catalogues import Speech
from domain.core.translatable import N_
from domain.rules.steps import repetition_of
from domain.rules.triggers import CORRECTION

VALUES: Final[Mapping[str, str]] = {
    "answer": N_("an answer"),
    "stop": N_("no more messages"),
    "stopped": N_("messages were stopped"),
    "mandatory": N_("required by law"),
    "unclear": N_("not clear"),
    "other": N_("something else"),
    "push": N_("push message"),
    "sms": N_("SMS"),
    "email": N_("email"),
    "high": N_("high"),
    "very_high": N_("very high"),
    "frost": N_("frost"),
    "storm": N_("storm"),
    "evening": N_("in the evening"),
    "morning": N_("in the morning"),
    "starts": N_("it begins"),
    "ends": N_("it ends"),
    "electricity": N_("electricity"),
    "water": N_("water"),
    "hot_water": N_("hot water"),
    "heat": N_("heating"),
    "simplified": N_("simplified"),
    "general": N_("general"),
    "male": N_("male"),
    "female": N_("female"),
    "marriage": N_("marriage"),
    "divorce": N_("divorce"),
    "identity_card": N_("identity card"),
    "passport": N_("passport"),
    "driving_licence": N_("driving licence"),
    "kumis_alqa": N_("Kumis Alqa"),
    "altyn_alqa": N_("Altyn Alqa"),
    "two_months": N_("at two months"),
    "three_months": N_("at three months"),
    "four_months": N_("at four months"),
    "one_year": N_("at one year"),
    "eighteen_months": N_("at eighteen months"),
    "two_years": N_("at two years"),
    "six_years": N_("at six years"),
    "eleven_years": N_("at eleven years"),
    "sixteen_years": N_("at sixteen years"),
    "accepted": N_("accepted"),
    "declined": N_("declined"),
    "first": N_("the first registration"),
    "moved": N_("a move"),
    "child": N_("child"),
    "property": N_("buildings"),
    "land": N_("land"),
    "vehicle": N_("vehicle"),
    "camera": N_("camera"),
    "officer": N_("officer"),
    "work_offers": N_("work offers"),
}
"""Value of an enumeration -> its word."""


def step_name(name: str, steps: Sequence[str], speech: Speech) -> str:
    """Return what a step is called: its place among the `steps` of its trigger, whose names are their author's."""
    if name == CORRECTION:
        return speech.say("Correction")
    step, number = repetition_of(name)
    if step not in steps:
        return name.replace("_", " ")
    called = speech.say("Message {number}").format(number=steps.index(step) + 1)
    return called if number == 1 else speech.say("{message}, time {number}").format(message=called, number=number)
