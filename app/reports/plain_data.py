"""Facts and explanations as plain data, the same in files, on terminals and over the API."""

from typing import Any

from domain.core.events import LifeEvent
from streams.log.mapper import Entry
from streams.queries.explain import Explanation


def entry_plain(entry: Entry) -> dict[str, Any]:
    """Return a fact as plain data, with what of it can be read."""
    fact = entry.fact
    head = {"position": entry.position, "fact": fact.TOPIC, "stream": entry.originator_id}
    if isinstance(fact, LifeEvent):
        return head | {
            "type": fact.type,
            "time": fact.time,
            "source": fact.source,
            "id": fact.id,
            "persons": fact.persons,
            "data": fact.fields,
            "revision": fact.revision,
            "corrects": fact.corrects,
            "annuls": fact.annuls,
        }
    return head | {name: getattr(fact, name) for name in getattr(fact, "__struct_fields__", ())}


TOLD = ("version", "title", "agency", "klass", "legal_basis", "legal_basis_titles", "due", "state")
"""What every explanation says of its nudge."""


def as_plain(why_: Explanation) -> dict[str, Any]:
    """Return an explanation as plain data."""
    plain = {name: getattr(why_, name) for name in Explanation.__struct_fields__}
    plain["class"] = plain.pop("klass")
    cause = why_.cause
    plain["cause"] = cause and {
        "stream": cause.stream,
        "type": cause.type,
        "time": cause.time,
        "source": cause.source,
        "id": cause.id,
    }
    plain["words"] = {
        who: {
            "language": words.language,
            "subject": words.subject,
            "push": [words.push_title, words.push_body],
            "sms": words.sms,
            "text": words.text,
        }
        for who, words in why_.words.items()
    }
    return plain
