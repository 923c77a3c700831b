"""Compare the expectations of a case with what happened, and describe the differences."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from domain.core.sms import segments
from domain.core.translatable import Words
from streams.rehearsal.case_model import CITIZEN, NOT_APPLICABLE, Ending, Expected, TriggerTest
from templates.authoring.text_diff import marked_changes, most_similar_part


class Difference(Struct, frozen=True):
    """A difference. Only `expected`: missing; only `got`: not expected; both: they differ in these keys.

    `hint`: the probable reason why it is missing.
    """

    expected: Expected | None
    got: Ending | None
    keys: tuple[str, ...] = ()
    hint: str = ""


def judge(case: TriggerTest, endings: Sequence[Ending]) -> list[Difference]:
    """Return all differences. Everything sent must be expected; what was not sent may be."""
    demanding = [expected for expected in case.expected if expected.because is not None or not expected.nothing]
    expected = [one for one in demanding if one.because != NOT_APPLICABLE]
    pairs = _matched(expected, endings)
    left = [one for at, one in enumerate(expected) if at not in pairs]
    rest = [ending for at, ending in enumerate(endings) if at not in pairs.values()]
    differences = [*_broken_silence(case, endings), *_paired(left, rest)]
    named = [difference.got for difference in differences]
    differences += [Difference(None, ending) for ending in rest if ending.because is None and ending not in named]
    return sorted(differences, key=_order)


def _order(difference: Difference) -> tuple[float, int]:
    at = difference.expected.line if difference.expected else float("inf")
    return (at, 0 if difference.got is None else int(difference.got.at.timestamp()))


def _broken_silence(case: TriggerTest, endings: Sequence[Ending]) -> Iterator[Difference]:
    """Yield what was planned although it should never be, and what was sent although nothing should be."""
    for expected in case.expected:
        if expected.because == NOT_APPLICABLE:
            found = next((one for one in endings if _FITS["step"](expected, one)), None)
            if found is not None:
                yield Difference(expected, found, ("nothing",) if found.because is None else ("because",))
        elif expected.nothing and expected.because is None:
            sent = [one for one in endings if one.because is None and _FITS["step"](expected, one)]
            yield from (Difference(expected, one, ("nothing",)) for one in sent if _FITS["at"](expected, one))


def _matched(expected: Sequence[Expected], got: Sequence[Ending]) -> dict[int, int]:
    """Return a maximum matching (expectation -> ending): a loose expectation takes nothing from a strict one."""
    holder: dict[int, int] = {}

    def place(one: int, seen: set[int]) -> bool:
        for at in range(len(got)):
            if at not in seen and not differing(expected[one], got[at]):
                seen.add(at)
                if at not in holder or place(holder[at], seen):
                    holder[at] = one
                    return True
        return False

    for one in range(len(expected)):
        place(one, set())
    return {one: at for at, one in holder.items()}


def _paired(left: Sequence[Expected], rest: list[Ending]) -> Iterator[Difference]:
    """Yield each expectation that nothing fits, with the closest ending, which is removed from the rest."""
    for expected in left:
        near = [one for one in rest if expected.step == one.step or expected.at == one.at]
        if not near:
            yield Difference(expected, None)
            continue
        closest = min(near, key=lambda one: (len(differing(expected, one)), one.because is not None))
        rest.remove(closest)
        yield Difference(expected, closest, differing(expected, closest))


def differing(expected: Expected, got: Ending) -> tuple[str, ...]:
    """Return the keys in which they differ; none if the ending fits."""
    shared = ("at", "step", "to")
    keys = [name for name in shared if not _FITS[name](expected, got)]
    if expected.nothing != (got.because is not None):
        return (*keys, "nothing")
    own = ("because",) if expected.nothing else ("channel", "contains", "parts", "digest")
    return (*keys, *(name for name in own if not _FITS[name](expected, got)))


def parts_of(ending: Ending) -> int:
    """Return the number of parts of the SMS; 0 if it is no SMS."""
    return len(segments(ending.text).parts) if ending.channel == "sms" else 0


def _parts_fit(expected: Expected, got: Ending) -> bool:
    return expected.least <= parts_of(got) and (expected.most is None or parts_of(got) <= expected.most)


_FITS: dict[str, Callable[[Expected, Ending], bool]] = {
    "at": lambda expected, got: expected.at in (None, got.at),
    "step": lambda expected, got: expected.step in (None, got.step),
    "to": lambda expected, got: expected.to in (None, got.recipient),
    "channel": lambda expected, got: expected.channel in (None, got.channel),
    "contains": lambda expected, got: all(text in got.text for text in expected.contains),
    "parts": _parts_fit,
    "digest": lambda expected, got: expected.digest == got.digest,
    "because": lambda expected, got: expected.because in (None, got.because),
}


def unlike(difference: Difference) -> Iterator[str]:
    """Yield, for each missing text, the most similar text in the message with the differences marked."""
    expected, got = difference.expected, difference.got
    if expected is None or got is None or "contains" not in difference.keys:
        return
    for text in expected.contains:
        if text not in got.text:
            found = most_similar_part(got.text, text)
            yield (
                Words('"{text}": nothing is like it', text=text)
                if found is None
                else Words("wanted → there: {marked}", marked=marked_changes(text, found))
            )


def written(case: TriggerTest, one: Expected | Ending) -> dict[str, Any]:
    """Return an expectation or an ending with the keys of tests.yaml; an ending also with its `text`."""
    if isinstance(one, Expected):
        keys = {
            "at": one.at and case.when(one.at),
            "to": one.to,
            "nothing": one.nothing,
            "contains": list(one.contains),
            "parts": _range(one.least, one.most) if one.least else "",
        }
    else:
        keys = {
            "at": case.when(one.at),
            "to": one.recipient if one.recipient != CITIZEN else "",
            "nothing": one.because is not None,
            "text": short(one.text),
            "parts": str(parts_of(one)) if parts_of(one) > 1 else "",
        }
    keys |= {"step": one.step, "because": one.because, "channel": one.channel, "digest": one.digest}
    return {name: value for name, value in keys.items() if value}


def _range(least: int, most: int | None) -> str:
    if most is None:
        return f"{least} or more"
    return str(least) if least == most else f"{least} to {most}"


def said(case: TriggerTest, one: Expected | Ending) -> str:
    """Return one line about an expectation or an ending."""
    return line_of(written(case, one))


def line_of(one: Mapping[str, Any]) -> str:
    """Return one line about what `written` gave."""
    return " ".join(_line_of(one))


def _line_of(one: Mapping[str, Any]) -> Iterator[str]:
    yield from (one[name] for name in ("at", "step") if name in one)
    yield from [f"to {one['to']}"] if "to" in one else ()
    if "nothing" in one:
        yield f"nothing, because {one['because']}" if "because" in one else "nothing"
    yield from [one["channel"]] if "channel" in one else ()
    yield from [f'"{one["text"]}"'] if "text" in one else ()
    yield from ["with the digest"] if "digest" in one else ()
    yield from (f'contains "{text}"' for text in one.get("contains", ()))
    yield from [f"in {one['parts']} parts"] if "parts" in one else ()


LONGEST = 300


def short(text: str) -> str:
    """Return the text on one line, at most LONGEST characters."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
