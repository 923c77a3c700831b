"""The rules of triggers in plain English."""

from typing import Any

import pytest

from templates.authoring.rule_sentences import RuleWords
from templates.authoring.value_words import offset_in_words

TITLES = {
    "kz.document.issued": "Document issued",
    "kz.traffic.fine_paid": "Traffic fine paid",
    "citizen.born_on": "Date of birth",
    "citizen.age": "Age",
    "citizen.sex": "Sex",
}
AGAIN = (
    "It is due on the time of the last event that is needed. It is repeated every 7 days until it is answered, "
    "2 times in all."
)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (
            'event.kind == "identity_card" && citizen.age >= 16',
            "the event’s ‘kind’ is “identity card” and the citizen’s age is at least 16",
        ),
        ("later.valid_until > event.pay_by", "the later event’s ‘valid until’ is after the event’s ‘pay by’"),
        ("entitled.until <= event.closed_from", "the entitlement’s ‘until’ is not after the event’s ‘closed from’"),
        ("later.issued_on > event.issued_on", "the later event’s ‘issued on’ is after the event’s ‘issued on’"),
        (
            'citizen.sex == "female" && citizen.born_on < "1967-01-01"',
            "the citizen’s sex is “female” and the citizen’s date of birth is before “1967-01-01”",
        ),
        (
            "!(citizen.age > 5 || citizen.age != 3)",
            "not (the citizen’s age is more than 5 or the citizen’s age is not 3)",
        ),
    ],
)
def test_conditions_are_read_aloud(condition: str, words: str) -> None:
    """A condition becomes a phrase with the titles of the pack, dates compared as dates."""
    assert RuleWords(TITLES).condition(condition) == words


@pytest.mark.parametrize(
    ("offset", "words"),
    [
        ("-P30D", "30 days before"),
        ("P1D", "1 day after"),
        ("P62Y6M", "62 years and 6 months after"),
        ("PT1H", "1 hour after"),
        ("P0D", "on"),
        ("P2W", "14 days after"),
        ("PT90M", "1 hour and 30 minutes after"),
    ],
)
def test_offsets_are_read_aloud(offset: str, words: str) -> None:
    """An ISO 8601 duration becomes what people say before a date."""
    assert offset_in_words(offset) == words


def test_a_clause_becomes_sentences() -> None:
    """Each part of the clause gets a sentence, and nothing is left out."""
    clause = {
        "on": "kz.document.issued",
        "to": ["mother", "father"],
        "due": {"month": {"from": "event.expires_on", "offset": "-P30D", "at": "09:00"}},
        "unless": [{"on": "kz.traffic.fine_paid", "grace": "P7D"}],
        "expires": "event.expires_on",
    }
    assert list(RuleWords(TITLES).sentences(clause)) == [
        "When this is recorded: “Document issued”.",
        "It is for the mother and the father.",
        "It is due 30 days before the event’s ‘expires on’, at 09:00 in the citizen’s time zone.",
        "It is not sent if this happens first: “Traffic fine paid”. It waits 7 days longer for late reports.",
        "It is not sent later than the event’s ‘expires on’.",
    ]


def test_who_is_told_is_named_once() -> None:
    """Beside a label that asks who is told stands who it is, and no second label."""
    clause = {"on": "kz.document.issued", "to": ["mother", "father"], "due": {}}
    assert dict(RuleWords(TITLES).parts(clause))["to"] == "the mother and the father"


def test_the_edges_of_an_entitlement_are_read_aloud() -> None:
    """A trigger on becoming entitled, or on ceasing to be, says so, with the law's values and the days of it."""
    clause = {
        "on": {"ceases": "childcare_allowance"},
        "to": ["mother"],
        "when": "param.mci > 3000",
        "due": {"month": {"from": "entitled.until", "offset": "-P30D"}},
    }
    assert list(RuleWords(TITLES).sentences(clause)) == [
        "When this person ceases to be entitled to “childcare allowance”, and the law’s ‘mci’ is more than 3000.",
        "It is for the mother.",
        "It is due 30 days before the entitlement’s ‘until’.",
    ]
    unsaid = clause | {"due": {"soon": {"offset": "-P1D"}}}
    assert "It is due 1 day before the entitlement’s ‘until’." in RuleWords(TITLES).sentences(unsaid)
    assert RuleWords(TITLES).start({"becomes": "pension"}) == "When this person becomes entitled to “pension”"


def test_everything_that_a_clause_may_say_becomes_sentences() -> None:
    """Other events, counts, working days and repetition are put into words too."""
    clause = {
        "on": "kz.document.issued",
        "in_order": True,
        "count": {"nth": 3, "within": "P1Y"},
        "with": [{"on": "kz.traffic.fine_paid", "within": "P90D", "order": "after", "when": "later.a > 5"}],
        "due": {
            "ask": {"repeat": {"every": "P7D", "at_most": 2, "until": "answered"}},
            "pay": {"from": "event.expires_on", "working_days": -1, "on_working_day": "next"},
        },
    }
    assert list(RuleWords(TITLES).sentences(clause)) == [
        "When this is recorded: “Document issued”.",
        "This is needed too, within 90 days after it: “Traffic fine paid”, and the later event’s ‘a’ is more than 5.",
        "These happen in this order.",
        "It starts with number 3 of these within 1 year.",
        "It is for the person whom it is about.",
        AGAIN,
        "It is due 1 working day before the event’s ‘expires on’. It moves to the next working day.",
    ]


def test_the_platforms_own_rule_has_a_sentence() -> None:
    """A digest starts on no event, and its page says where it comes from."""
    [sentence] = RuleWords(TITLES).sentences({"due": {"day": {"at": "18:00"}}})
    assert "once a day, at 18:00" in sentence


@pytest.mark.parametrize(
    ("within", "sentence"),
    [
        ({"before": "P1Y"}, "What happened more than 1 year before the message is due does not count."),
        ({"after": "P60D"}, "What happened more than 60 days after the message is due does not count."),
        (
            {"before": "P1Y", "after": "P60D"},
            "Only what happened at most 1 year before the message is due, or 60 days after it, counts.",
        ),
    ],
)
def test_a_window_is_said(within: dict[str, str], sentence: str) -> None:
    """Who reads a rule is told how long ago it counts that the thing itself happened."""
    said = RuleWords(TITLES).unless({"on": "kz.traffic.fine_paid", "within": within}, "kz.traffic.fine_imposed")
    assert said == f"It is not sent if this happens first: “Traffic fine paid”. {sentence}"


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        (
            {"from": "citizen.born_on", "offset": "P6Y", "on": "08-15", "at": "10:00"},
            (
                "It is due on 15 August of the year in which it is 6 years after the citizen’s ‘born on’,"
                " at 10:00 in the citizen’s time zone."
            ),
        ),
        ({"on": "12-01"}, "It is due on 1 December of the year of the time of the event."),
        (
            {"from": "event.pay_by", "on": "02-29", "working_days": -3},
            (
                "It is due on 29 February (28 February in other years) of the year of the event’s ‘pay by’."
                " It goes 3 working days before that day."
            ),
        ),
    ],
)
def test_a_day_of_a_year_is_said(step: dict[str, Any], sentence: str) -> None:
    """Who reads a rule is told the day, and which year is meant."""
    assert RuleWords({}).due(step) == sentence
