"""Cases of a trigger's tests as they were played, and in what they differ from what was expected."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec.structs import replace

from streams.rehearsal import rehearse
from streams.rehearsal_script import Case, Decision, Played
from streams.rehearsal_stage import Stage
from streams.rehearsal_verdict import Difference, judge, said, short, unlike


class Tried(NamedTuple):
    """A case of a trigger, how it was played, and where that differs from what it expects."""

    trigger: str
    case: Case
    played: Played
    differences: list[Difference]


def try_case(stage: Stage, case: Case) -> Tried:
    """Play it."""
    played = rehearse(stage, case)
    differences = judge(case, played.endings)
    missing = [each.expected is not None and each.got is None for each in differences]
    hint = _too_early(stage, case) if any(missing) else ""
    hinted = [replace(each, hint=hint) if gone else each for each, gone in zip(differences, missing, strict=True)]
    return Tried(stage.trigger.name, case, played, hinted)


def _too_early(stage: Stage, case: Case) -> str:
    """That the trigger did not look at an event, because it happened before its publication, and what to do."""
    trigger, [version] = stage.trigger, stage.rules(case.clock).rulebook.versions.values()
    early = [each.event.time for each in case.events if each.event.type == trigger.on]
    if not early or min(early) >= version.reach:
        return ""
    return (
        f"{trigger.on} happened at {case.when(min(early))}, and the trigger looks from {case.when(version.reach)} "
        "on: let the clock start before the event, or say in trigger.yaml how far back it looks (`reach`)"
    )


def lines_of(case: Case, difference: Difference) -> Iterator[str]:
    """What was expected (-), what there was (+), and in what they differ."""
    expected, got = difference.expected, difference.got
    if expected is not None:
        yield f"  - {said(case, expected)}  ({case.path}:{expected.line})"
    if got is not None:
        yield f"  + {said(case, got)}"
    yield f"    {why(difference)}"
    yield from (f"    {line}" for line in unlike(difference))


def why(difference: Difference) -> str:
    """In what the two differ, in words."""
    if difference.expected is None:
        return "was sent, and nothing in `expect` says so"
    if difference.got is None:
        return "nothing like it was sent or decided" + (f"; {difference.hint}" if difference.hint else "")
    if "nothing" in difference.keys:
        return "was sent, and should not be" if difference.expected.nothing else "should be sent, and was not"
    return f"differs in {', '.join(difference.keys)}"


def told(case: Case, decision: Decision) -> str:
    """A decision as one line."""
    parts = [case.when(decision.at), f"{decision.what:<11}", decision.about]
    parts += [f"for {case.when(decision.until)}"] if decision.until else []
    parts += [f"({decision.reason})"] if decision.reason else []
    parts += [f'by {decision.channel}: "{short(decision.text)}"'] if decision.channel else []
    return " ".join(parts)


def as_data(tried: Tried) -> dict[str, Any]:
    """A played case for a page or an API: name, line, passed, differences (expected, got, why, words), decisions."""
    case = tried.case
    return {
        "name": case.name,
        "line": case.line,
        "passed": not tried.differences,
        "differences": [
            {
                "expected": each.expected and said(case, each.expected),
                "got": each.got and said(case, each.got),
                "why": why(each),
                "words": list(unlike(each)),
            }
            for each in tried.differences
        ],
        "decisions": [told(case, each) for each in tried.played.decisions],
    }
