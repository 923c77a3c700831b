"""The report at the end of a job, printed by the command that began it, `jobs confirm` and `jobs resume`."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import msgspec
from msgspec import structs

from app.terminal import Exit, counted, print_json, print_json_or_lines, print_line, stop, talk
from streams.queries.altered_jobs import has_result, is_readable
from streams.queues.jobs import Job, JobState
from streams.replay import sample
from streams.replay.verify import Verified
from streams.replay.walk import CANNOT

COUNTS = ("facts", "blocks", "unchained", "findings")
"""The counts of an audit, besides each kind of finding."""
NOT_ALL = "some persons cannot be planned (`habarshy repair --plan` says why); nothing was done for them"


class ResultPrinter(Protocol):
    """Prints the result of a job."""

    def __call__(self, job: Job, *, as_json: bool) -> None:
        """Print the result to standard output."""


def report(job: Job, *, as_json: bool) -> None:
    """Print what came of a job that is done; ends the command with 1 if what it looked at is not as it should be."""
    print_result(job, as_json=as_json)
    if problem := trouble(job):
        stop(Exit.CHECK_FAILED, problem)


def print_result(job: Job, *, as_json: bool) -> None:
    """Print the result of a job, if it is done and of a kind that has more to say than its own words."""
    if has_more_to_print(job):
        PRINTERS[job.kind](job, as_json=as_json)


def trouble(job: Job) -> str:
    """Return the trouble that a finished job found; "" if it found none, or mended what it found."""
    if not is_readable(job):
        return "its result cannot be read: somebody changed it in the database"
    return TROUBLES[job.kind](job) if job.state is JobState.DONE and job.kind in TROUBLES else ""


def has_more_to_print(job: Job) -> bool:
    """Return True if the job has more to tell than its words, which can be read."""
    return has_result(job) and is_readable(job)


def _views(job: Job, *, as_json: bool) -> None:
    _of_views(json.loads(job.words)["differences"], as_json=as_json)
    talk(f"rebuilt up to position {job.done:,}, and equal")


def _of_views(differences: Mapping[str, int], *, as_json: bool) -> None:
    """Print the number of rows of each view that differed from the log."""
    for name, count in differences.items():
        line = f"{name}: {f'{count:,} rows differed' if count else 'equal'}"
        print_json_or_lines({"view": name, "differences": count}, line, as_json=as_json)


def _verified(job: Job) -> Verified:
    return msgspec.json.decode(job.words, type=Verified)


def _verify(job: Job, *, as_json: bool) -> None:
    found = _verified(job)
    _of_views(found.views, as_json=as_json)
    told = {"facts": found.facts, "intents": found.intents, "nudges": found.nudges}
    if as_json:
        print_json({**told, **_counts(found)})
        print_json({"digest": found.digest, **{f"{name}_digest": value for name, value in found.digests.items()}})
        return
    for line in _of_people(found):
        print_line(line)
    print_line(f"digest: {found.digest}")
    for name, value in found.digests.items():
        print_line(f"  {'life events' if name == 'facts' else name} ({told[name]:,}): {value}")


def _counts(found: Verified) -> dict[str, Any]:
    apart = ("waiting", "unplannable", "areas", "residents", "unnoted", "triggers")
    left_out = {name: msgspec.to_builtins(getattr(found, name)) for name in apart}
    return {"persons": found.persons, "differences": found.unlike, **left_out}


def _sample(job: Job, *, as_json: bool) -> None:
    found = _verified(job)
    looked = f"{counted(found.persons, 'person', 'people')} looked at"
    print_json_or_lines({"intents": found.intents, **_counts(found)}, looked, *_of_people(found), as_json=as_json)


def _of_people(found: Verified) -> Iterator[str]:
    left_out = bool(found.waiting or found.unplannable or found.areas or found.residents)
    if found.unlike:
        yield f"nudges of {counted(found.unlike, 'person', 'people')} are not what their plan asks for"
    else:
        yield f"nudges: as planned{', as far as they were compared' if left_out else ''}"
    for name, differing in found.triggers.items():
        told = ", ".join(f"{count:,} {what}" for what, count in structs.asdict(differing).items() if count)
        yield f"  {name}: {told}"
    if found.waiting:
        yield f"  not compared: {counted(found.waiting, 'person', 'people')}, yet to be planned"
    if found.unplannable:
        yield f"  not compared: {counted(found.unplannable, 'person', 'people')}, of whom no plan can be made"
    if found.areas or found.residents:
        yield (
            f"  not compared: what {counted(found.areas, 'area event')}, yet to be planned, would change for "
            f"{counted(found.residents, 'resident')}"
        )
    if found.unnoted:
        what = f"that it was wrong or the thing was done, of {counted(found.unnoted, 'nudge')} that had gone"
        yield f"  not noted: {what}; `habarshy repair` notes it"


def _unlike(job: Job) -> str:
    if not has_more_to_print(job) or (found := _verified(job)).equal:
        return ""
    mends = ["`habarshy replay views` mends views"] if any(found.views.values()) else []
    mends += ["`habarshy repair --plan` lists what people miss"] if found.unlike else []
    return f"not all is as the log says; {', '.join(mends)}"


def _kafka(job: Job, *, as_json: bool) -> None:
    sent = json.loads(job.words)
    if as_json:
        print_json({"job": job.id, "events": job.done, **sent})
    talk(f"{sent['records']:,} records to {sent['topic']}, with the header replay: {job.id}")


def _audit(job: Job, *, as_json: bool) -> None:
    found = json.loads(job.words)
    for what in () if as_json else [name for name in found if name not in COUNTS]:
        print_line(f"{what}: {found[what]}")
    print_audit_counts(found, as_json=as_json)


def print_audit_counts(found: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what an audit counted."""
    checked = f"{counted(found['facts'], 'fact')} checked in {counted(found['blocks'], 'block')}"
    line = (
        f"{checked}, {counted(found['unchained'], 'fact')} in no block yet, {counted(found['findings'], 'finding')}"
    )
    print_json_or_lines(found, line, as_json=as_json)
    if found["unchained"]:
        talk(f"not checked, at the end of the log and in no block yet: {counted(found['unchained'], 'fact')}")


def _altered(job: Job) -> str:
    return "the log is not as it was written" if has_more_to_print(job) and json.loads(job.words)["findings"] else ""


def _left_out(job: Job) -> str:
    return NOT_ALL if CANNOT in job.words else ""


PRINTERS: Mapping[str, ResultPrinter] = {
    "replay views": _views,
    "replay verify": _verify,
    sample.KIND: _sample,
    "replay kafka": _kafka,
    "audit verify": _audit,
}
"""The kinds whose words are for programs; those of all others are for people, and tell it themselves."""
TROUBLES: Mapping[str, Callable[[Job], str]] = {
    "replay verify": _unlike,
    sample.KIND: _unlike,
    "audit verify": _altered,
    "repair": _left_out,
    "backfill": _left_out,
}
"""The kinds that may end with something that is not as it should be."""
