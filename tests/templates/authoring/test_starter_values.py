"""Sample texts of further languages, with the values of the text that is written."""

import pytest

from templates.authoring.starter_values import values_in, with_values_of

SHORT = "Write here what has changed and what to do."


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("До {{ event.until | date }}, {{ event.until | date }}.", ["{{ event.until | date }}"]),
        (
            "{% if event.fee is defined %}Цена {{ event.fee | money }}{% else %}даром{% endif %}, {{ due }}",
            ["{% if event.fee is defined %}{{ event.fee | money }}{% else %}{% endif %}", "{{ due }}"],
        ),
        ("{% if event.paid %}Оплачено{% endif %}", []),
    ],
)
def test_the_values_of_a_text_stand_without_its_words(text: str, values: list[str]) -> None:
    """Each is told once, within its condition."""
    assert values_in(text) == values


@pytest.mark.parametrize(
    ("written", "sample", "made"),
    [
        ("До {{ due | date }}", SHORT, f"{SHORT} {{{{ due | date }}}}"),
        ("До {{ due | date }}", f"{SHORT} {{{{ event.old }}}}", f"{SHORT} {{{{ due | date }}}}"),
        ("До свидания", f"{SHORT} {{{{ due | date }}}}", SHORT),
        ("До {{ due }}", "Until then", "Until then"),
        ("{{ due }}", "New card", "New card {{ due }}"),
        ("{{ due }}", "Hello,\n\n2. Write the second step.", "Hello,\n\n2. Write the second step.\n\n{{ due }}"),
        (f"{SHORT} {{{{ due }}}}", SHORT, SHORT),
    ],
)
def test_a_sample_text_has_the_values_of_the_written_one(written: str, sample: str, made: str) -> None:
    """They follow each change of the written text; a text of one's own stays as it is."""
    assert with_values_of(written, sample, "New card") == made


def test_no_text_takes_long() -> None:
    """Values among many conditions, and braces that are never closed, are read at once."""
    among = "Words " + "{{ a }}{% if b %}{% endif %}" * 40 + " end"
    assert with_values_of("Fine {{ event.number }}", among, "A fine") == among
    assert values_in("{{" * 20_000) == []
