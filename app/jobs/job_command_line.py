"""The arguments of a job as fields of its form, and as the command that does the same."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.jobs.replay_jobs import VIEWS

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "replay views": ("replay", "views"),
    "replay verify": ("replay", "--verify"),
    "replay kafka": ("replay", "kafka"),
    "audit verify": ("audit", "verify"),
    "repair": ("repair",),
    "repair-failed": ("repair", "--failed"),
    "resolve-unknown": ("unknown",),
    "backfill": ("backfill",),
}
UNNAMED = {"backfill": "trigger", "replay views": "views"}
"""Arguments that the command takes without a name."""
SWITCHES = ("also_overdue", "last_only")
"""Options without a value."""
TIMES = {"since": "from", "until": "to"}


def given_of(kind: str, arguments: Mapping[str, Any]) -> dict[str, list[str]]:  # noqa: PLR0911  (one for each kind)
    """Field -> what was given, from the arguments of a job; nothing of a kind that is asked for elsewhere."""
    match kind:
        case "replay views":
            return {"views": list(arguments["views"])}
        case "replay kafka":
            place = {"from": arguments["after"] + 1, "to": arguments["upto"], "topic": arguments["topic"]}
            return _fields(place, {})
        case "repair":
            return _fields(arguments, TIMES)
        case "repair-failed":
            return _fields(arguments["outage"], TIMES)
        case "resolve-unknown":
            return _fields({**arguments["which"], "how": arguments["how"], "why": arguments["why"]}, TIMES)
        case "backfill":
            return _fields(arguments["further"], {})
        case _:
            return {}


def _fields(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, list[str]]:
    return {names.get(name, name): ["yes" if value is True else str(value)] for name, value in given.items() if value}


def command_of(kind: str, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the words of the command that asks for the same; none where there is no such command."""
    if kind not in COMMANDS:
        return ()
    given = given_of(kind, arguments)
    plain: Sequence[str] = given.pop(UNNAMED.get(kind, ""), ())
    if kind == "replay views" and len(plain) == len(VIEWS):
        plain = ("--all",)
    return (*COMMANDS[kind], *plain, *flags_of({name: value for name, [value] in given.items()}))


def flags_of(given: Mapping[str, str]) -> tuple[str, ...]:
    """Return the options of a command that say what the fields of a form say."""
    return tuple(word for name, value in given.items() for word in _flag(name, value))


def _flag(name: str, value: str) -> tuple[str, ...]:
    if name == "how":
        return (f"--{value}",)
    flag = f"--{name.replace('_', '-')}"
    return (flag,) if name in SWITCHES else (flag, value)
