"""Cases of a trigger's tests as they were played, and in what they differ from what was expected."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from domain.core.translatable import N_, Joined, Said, Words, as_plain
from streams.rehearsal.case_model import Decision, RehearsedCase, TriggerTest
from streams.rehearsal.rehearse import rehearse
from streams.rehearsal.stage import Stage
from streams.rehearsal.verdict import Difference, judge, said, short, unlike, written


class CaseResult(NamedTuple):
    """A case of a trigger, how it was played, and where that differs from what it expects."""

    trigger: str
    case: TriggerTest
    played: RehearsedCase
    differences: list[Difference]


def try_case(stage: Stage, case: TriggerTest) -> CaseResult:
    """Play a case, and compare what happens with what it expects."""
    played = rehearse(stage, case)
    differences = judge(case, played.endings)
    missing = [each.expected is not None and each.got is None for each in differences]
    hint = _too_early(stage, case) if any(missing) else ""
    hinted = [replace(each, hint=hint) if gone else each for each, gone in zip(differences, missing, strict=True)]
    return CaseResult(stage.trigger.name, case, played, hinted)


def _too_early(stage: Stage, case: TriggerTest) -> str:
    """Return the advice for an event that the trigger ignores because it happened before its publication.

    Else empty.
    """
    trigger, [version] = stage.trigger, stage.rules(case.clock).rulebook.versions.values()
    early = [each.event.time for each in case.events if each.event.type == trigger.on]
    if not early or min(early) >= version.reach:
        return ""
    return Words(
        "{event} happened at {at}, and the trigger looks from {reach} on: let the clock start before the event,"
        " or say in trigger.yaml how far back it looks (`reach`)",
        event=trigger.on,
        at=case.when(min(early)),
        reach=case.when(version.reach),
    )


def lines_of(case: TriggerTest, difference: Difference) -> Iterator[str]:
    """Yield the expected (-) and the actual message (+), and their differences."""
    expected, got = difference.expected, difference.got
    if expected is not None:
        yield f"  - {said(case, expected)}  ({case.path}:{expected.line})"
    if got is not None:
        yield f"  + {said(case, got)}"
    yield f"    {difference_in_words(case, difference)}"
    yield from (f"    {line}" for line in unlike(difference))


WRONG: Mapping[str, str] = {
    "at": N_("wrong time"),
    "step": N_("wrong step"),
    "to": N_("wrong recipient"),
    "channel": N_("wrong channel"),
    "contains": N_("words are missing"),
    "parts": N_("wrong number of parts"),
    "digest": N_("with a digest, or not"),
    "because": N_("wrong reason"),
}
"""The words for each key in which a message differs from the expected one."""


def difference_in_words(case: TriggerTest, difference: Difference) -> str:
    """Return in words what is wrong: "wrong step: expected day, got month"."""
    if difference.expected is None:
        return Words("was sent, and nothing in `expect` says so")
    if difference.got is None:
        nothing = Words("nothing like it was sent or decided")
        return Joined([nothing, difference.hint], "; ") if difference.hint else nothing
    if "nothing" in difference.keys:
        return (
            Words("was sent, and should not be")
            if difference.expected.nothing
            else Words("should be sent, and was not")
        )
    expected, got = difference.expected, difference.got
    values = {
        "at": (expected.at and case.when(expected.at), case.when(got.at)),
        "step": (expected.step, got.step),
        "channel": (expected.channel, got.channel),
        "because": (expected.because, got.because),
    }
    wrong = ((Said(WRONG[key]), *values.get(key, (None, None))) for key in difference.keys)
    told = (
        Words("{what}: expected {wanted}, got {there}", what=what, wanted=wanted, there=there) if wanted else what
        for what, wanted, there in wrong
    )
    return Joined(told, "; ")


def decision_data(case: TriggerTest, decision: Decision) -> dict[str, Any]:
    """Return a decision as plain data."""
    return {
        "at": case.when(decision.at),
        "what": decision.what,
        "about": decision.about,
        "reason": decision.reason,
        "until": decision.until and case.when(decision.until),
        "channel": decision.channel,
        "text": decision.text or None,
    }


def decision_line(decision: Mapping[str, Any]) -> str:
    """Return a decision, as `decision_data` gave it, as one line."""
    parts = [decision["at"], f"{decision['what']:<11}", decision["about"]]
    parts += [f"for {decision['until']}"] if decision["until"] else []
    parts += [f"({decision['reason']})"] if decision["reason"] else []
    parts += [f'by {decision["channel"]}: "{short(decision["text"] or "")}"'] if decision["channel"] else []
    return " ".join(parts)


def as_data(tried: CaseResult) -> dict[str, Any]:
    """Return a played case for another process, which makes a page or an answer of an API of it.

    Name, line, passed, differences (expected, got, why, words), decisions. Its sentences are plain data, too.
    """
    case = tried.case
    return {
        "name": case.name,
        "line": case.line,
        "passed": not tried.differences,
        "differences": [
            {
                "expected": each.expected and written(case, each.expected),
                "got": each.got and written(case, each.got),
                "why": as_plain(difference_in_words(case, each)),
                "words": [as_plain(line) for line in unlike(each)],
            }
            for each in tried.differences
        ],
        "decisions": [
            decision_data(case, each) | {"reason": each.reason and as_plain(each.reason), "text": short(each.text)}
            for each in tried.played.decisions
        ],
    }
