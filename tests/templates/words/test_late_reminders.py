"""A reminder may go late, after an outage or because its event was reported late: its words are still true then."""

import re

from templates.checks.loader import shipped
from tests.beginnings import packs_in

COUNTED = re.compile(
    r"\b(on (that|this) day|(hours?|days?|weeks?|months?) (is|are) left)\b"
    r"|\b(в этот день|(осталось|осталась|остался) \w+ (день|дня|дней|месяц\w*)|(осталась|осталось) (неделя|недели))\b"
    r"|\bдо конца (\w+ )*(неделя|месяц|полгода)\b"
    r"|\b(сол күні|осы күні|(күн|апта|ай|жыл) қалды)\b",
    re.IGNORECASE,
)
"""Words that are true at the hour for which a reminder was planned, and hardly at a later one."""


def test_no_shipped_reminder_counts_the_days_that_are_left() -> None:
    """No text says how much time is left, or "on that day" of a day that may be past: it names the date."""
    texts = {
        f"{trigger.name}/{language}": str(words)
        for pack in packs_in(shipped())
        for trigger in pack.triggers
        for language, words in trigger.words.items()
    }
    assert len(texts) > 100
    assert {where: found[0] for where, text in texts.items() if (found := COUNTED.search(text))} == {}
