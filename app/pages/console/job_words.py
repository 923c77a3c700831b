"""Jobs in the words of people."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from app.jobs.job_results import trouble
from app.pages.catalogues import Speech
from app.pages.life import word_for
from domain.core.translatable import N_, Said, Words
from streams.queues.jobs import AT_WORK, ENDED, Job, JobState
from streams.replay.rebuild_compare import ROWS
from streams.replay.verify import TWICE

KINDS = {
    "replay views": (
        N_("Rebuild views"),
        N_(
            "Views are made anew from the log beside the live ones, which go on serving and are mended where they "
            "differ. It sends nothing."
        ),
    ),
    "replay verify": (
        N_("Verify everything"),
        N_(
            "Every view is rebuilt and compared, everybody is planned again and compared. It changes and sends "
            "nothing."
        ),
    ),
    "verify sample": (
        N_("Verify a sample of people"),
        N_("Some people are planned again, and compared with their messages. It changes and sends nothing."),
    ),
    "audit verify": (
        N_("Audit the log"),
        N_(
            "Every fact is checked against its block's signed head: whether the log is as it was written. It sends "
            "nothing."
        ),
    ),
    "replay kafka": (
        N_("Replay to Kafka"),
        N_(
            "The records of a range of the log go to the topic for replays once more, for other consumers. No "
            "worker is woken."
        ),
    ),
    "repair": (
        N_("Repair plans"),
        N_("What should have been planned and was not is planned, once. Then it goes as anything that is planned."),
    ),
    "backtest": (
        N_("Backtest"),
        N_("What a draft would have sent, had it been published then. It changes and sends nothing."),
    ),
    "repair-failed": (
        N_("Repair what failed"),
        N_("What failed by an outage of its provider is tried anew, once. Do this when the provider is back."),
    ),
    "resolve-unknown": (
        N_("Settle unknown outcomes"),
        N_(
            "Nobody knows whether these messages went. Their providers are asked, or they are sent again, or they "
            "stay unknown and are listed no more."
        ),
    ),
    "backfill": (
        N_("Backfill a trigger"),
        N_("A published trigger looks further back, and what it should have said by then is planned, once."),
    ),
    "erase": (
        N_("Erase persons"),
        N_(
            "Their keys are destroyed, and what was planned for them ends. It cannot be undone. Cancelling the job "
            "brings nobody back."
        ),
    ),
}
UNITS = {
    "facts": N_("facts"),
    "events": N_("events"),
    "nudges": N_("messages"),
    "persons": N_("persons"),
    "deliveries": N_("deliveries"),
    "failed deliveries": N_("failed deliveries"),
    "parts": N_("parts"),
    "unknown outcomes": N_("unknown outcomes"),
    TWICE: TWICE,
    ROWS: ROWS,
}
STATES = {
    JobState.COUNTING: (N_("Counting"), "good"),
    JobState.COUNTED: (N_("Waits to be confirmed"), "note"),
    JobState.PLANNED: (N_("Planned"), ""),
    JobState.RUNNING: (N_("At work"), "good"),
    JobState.PAUSED: (N_("Paused"), "note"),
    JobState.CANCELLED: (N_("Cancelled"), ""),
    JobState.DONE: (N_("Done"), "good"),
    JobState.FAILED: (N_("Failed"), "bad"),
}

DIFFERS = (N_("Done, but not everything is as it should be"), "bad")


UNATTENDED = (N_("Waits: no process works on jobs. Start habarshy jobs"), "note")

RESULTS = {
    "position": N_("Position of the log"),
    "differences": N_("Rows that differed"),
    "topic": N_("Topic"),
    "records": N_("Records"),
    "facts": N_("Facts"),
    "blocks": N_("Blocks"),
    "unchained": N_("Facts in no block yet"),
    "findings": N_("Findings"),
    "views": N_("Rows that differ"),
    "persons": N_("People who were looked at"),
    "unlike": N_("People whose messages are not as planned"),
    "waiting": N_("Not compared: people who wait for a plan"),
    "unplannable": N_("Not compared: people who cannot be planned"),
    "areas": N_("Not compared: area events that wait for a plan"),
    "residents": N_("Not compared: residents whom these may concern"),
    "unnoted": N_("Messages whose matter was settled later, without a note"),
    "triggers": N_("Triggers"),
    "intents": N_("Messages by the plan"),
    "nudges": N_("Messages in the log"),
    "digests": N_("Checksums"),
    "digest": N_("Checksum of all"),
}
"""Key of a result that is kept for programs -> what people call it."""
OF_A_TRIGGER = {"missing": N_("missing"), "extra": N_("too many"), "different": N_("different")}


def job_in_words(job: Job, speech: Speech, *, alone: bool, unattended: bool = False) -> dict[str, Any]:
    """Describe a job for its page. `alone`: its process is gone; `unattended`: it waits, and nobody is there."""
    state, kind = UNATTENDED if unattended else DIFFERS if trouble(job) else STATES[job.state]
    words = speech.say("Its process is gone") if alone else speech.say(state)
    worked = job.worked.total_seconds()
    rate = job.done / worked if worked and job.done else 0.0
    going = job.state in AT_WORK and not alone
    left = speech.duration(max(0, job.of - job.done) / rate) if rate and going else ""
    title = KINDS.get(job.kind, (job.kind,))[0]
    return {
        "id": job.id,
        "kind": job.kind,
        "title": speech.say(title),
        "state": words,
        "tag": "bad" if alone else kind,
        "done": speech.number(job.done),
        "of": speech.number(job.of),
        "unit": word_for(UNITS, job.unit, speech),
        "value": min(job.done, job.of),
        "most": max(job.of, 1),
        "rate": speech.number(round(rate)) if rate else "",
        "left": left,
        "by": job.asked_by,
        "asked": speech.moment(job.asked_at),
        "worked": speech.duration(worked),
        "changed": speech.moment(job.changed_at),
        "words": _words(job.words, speech),
        "ended": job.state is JobState.DONE,
        "confirmed": job.confirmed_by,
        "counted": job.state is JobState.COUNTED,
        "begun": bool(job.of),
        "nothing": job.state is JobState.DONE and not job.confirmed,
        "counting": not job.confirmed and job.state not in (*ENDED, JobState.COUNTED),
    }


def _words(words: str, speech: Speech) -> list[tuple[str, str]]:
    """Return the result as lines; some kinds keep JSON."""
    try:
        found = None if isinstance(words, Said) else msgspec.json.decode(words)
    except msgspec.DecodeError:
        found = None
    if isinstance(found, dict):
        return list(_flat(found, RESULTS, speech))
    return [("", speech.tell(words))] if words else []


def _flat(
    found: dict[str, Any], labels: Mapping[str, str], speech: Speech, before: str = ""
) -> Iterator[tuple[str, str]]:
    for name, value in found.items():
        label = before + word_for(labels, name, speech)
        if isinstance(value, dict):
            yield from _flat(value, RESULTS if name == "digests" else OF_A_TRIGGER, speech, f"{label}: ")
        else:
            yield label, speech.number(value) if isinstance(value, int) else speech.tell(_place(value))


def _place(text: str) -> str:
    """Return what an audit found, with its place, as a text that can be translated; any other text as it is."""
    if (found := _FOUND.fullmatch(text)) is None:
        return text
    block = Words("block {number}", number=found["block"]) if found["block"] else Said("in no block")
    position = found["position"]
    place = Words("position {position}, {block}", position=position, block=block) if position else block
    count, words = found["count"], found["words"]
    return Words("{count}; the first: {place} ({words})", count=count, place=place, words=Said(words))


_FOUND = re.compile(
    r"(?P<count>\d+); the first: (?:position (?P<position>\d+), )?(?:block (?P<block>\d+)|in no block)"
    r" \((?P<words>.*)\)"
)
"""A finding of an audit, as its result keeps it for programs (streams/replay/audit_job.py)."""
