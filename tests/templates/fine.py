"""The words about half of a traffic fine, in three languages, and a fine."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from templates.words.rendering import context

DUE = datetime(2026, 3, 8, 10, tzinfo=ZoneInfo("Asia/Almaty"))
FINE: Mapping[str, Any] = {
    "event.number": "263017",
    "event.amount": 43250,
    "event.issued_on": "2026-03-02",
    "event.time": datetime(2026, 3, 2, 7, tzinfo=UTC),
}
RULES: Mapping[str, Any] = {
    "actions": [
        {"id": "pay", "url": "https://egov.kz/?a=1&b=2", "label": {"kk": "Төлеу", "ru": "Оплатить", "en": "Pay"}}
    ]
}
WORDS: Mapping[str, Mapping[str, Any]] = {
    "kk": {
        "subject": "№ {{ event.number }} айыппұл",
        "push": {
            "title": "Айыппұл",
            "body": "{{ event.amount | money }}, {{ event.issued_on | date }} күнінен бастап",
        },
        "sms": "{{ event.amount | money }}: жартысын {{ due | date }} күнінің соңына дейін төлеңіз",
        "steps": {"last_day": {"subject": "Аз уақыт қалды"}},
        "body": "Сәлеметсіз бе!\n\n**Сомасы:** {{ event.amount | money }}",
    },
    "ru": {
        "subject": "Штраф № {{ event.number }}",
        "push": {"title": "Штраф", "body": "{{ event.amount | money }}, с {{ event.issued_on | date }}"},
        "sms": "{{ event.amount | money }}: оплатите половину до конца дня {{ due | date }}",
        "steps": {"last_day": {"subject": "Срок подходит к концу"}},
        "body": "Здравствуйте!\n\n- Номер: {{ event.number }}\n- **Сумма:** {{ event.amount | money }}\n\n"
        "{% if step == 'last_day' %}Остался день.\n\n1. Найдите штраф.{% else %}Есть неделя.{% endif %}\n\nСпасибо.",
    },
    "en": {
        "subject": "Fine No. {{ event.number }}",
        "push": {"title": "Fine", "body": "{{ event.amount | money }}, from {{ event.issued_on | date }}"},
        "sms": "{{ event.amount | money }}: pay half by the end of {{ due | date }}",
        "steps": {"last_day": {"subject": "Little time is left"}},
        "correction": {
            "subject": "Fine No. {{ event.number }} has been cancelled",
            "sms": "Cancelled",
            "push": {"title": "Cancelled", "body": "Don't pay"},
            "body": "**You do not have to pay.**",
        },
        "body": "Hello,\n\n[pay half](https://egov.kz/{{ event.number }}) of {{ event.amount | money }}.",
    },
}


def values(event: Mapping[str, Any] = FINE, **citizen: object) -> dict[str, Any]:
    """What words may read, of an event and a citizen."""
    return context(event, {f"citizen.{key}": value for key, value in citizen.items()}, {}, DUE)
