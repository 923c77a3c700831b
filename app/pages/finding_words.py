"""Findings as sentences: what is wrong, and what to do about it."""

import shlex
from collections.abc import Mapping

from msgspec import Struct

from app.pages.catalogues import Speech
from app.reports.findings import AHEAD, BEHIND, Finding, FindingKind, Holdup, QueueCause
from app.reports.life_words import CHANNELS, REASON_WORDS
from domain.core.translatable import N_
from domain.nudges.settle import PAUSED
from notifiers.port.interface import Reason


class FindingWords(Struct, frozen=True):
    """A finding in words: what is wrong; since when, by whom, why; what to do, and the command for it."""

    sentence: str
    details: tuple[str, ...]
    todo: str
    command: str


_RENEW = N_("Put it back from the copy that is kept apart from the backups of the database.")
_JOB = N_("Go on with it, or cancel it.")
_START = N_("Start one.")
_GROWS = N_("Check that everything is running and every provider works. Add workers or dispatchers if it goes on.")
WORDS: Mapping[FindingKind, tuple[str, str]] = {
    FindingKind.OLDER_COPY: (
        N_("The database is an older copy: nothing is sent."),
        N_(
            "Nothing is sent until somebody says up to what time messages may have gone out that it has no record of."
        ),
    ),
    FindingKind.LOG_ALTERED: (
        N_("The log is not as it was written: the audit, job {count}, found differences."),
        N_("Keep the database as it is. Find out who wrote to it, and compare the named positions with a backup."),
    ),
    FindingKind.JOB_ALTERED: (
        N_("Somebody without our key wrote or changed job {count} ({about}) in the database."),
        N_(
            "Nothing of it is done, and its result counts for nothing. Find out who wrote to the database, then "
            "cancel the job. One from before an upgrade is asked for again."
        ),
    ),
    FindingKind.CLOCK_BEHIND: (
        N_("The clock of this machine is wrong: the latest record was made {time} later than it shows."),
        N_(
            "Have the time set by the network (NTP) on every machine. A role more than a minute off waits until then."
        ),
    ),
    FindingKind.CLOCKS_APART: (
        N_("The clock of this machine is wrong: it and the clock of the database differ by {time}."),
        N_(
            "Have the time set by the network (NTP) on every machine. A role more than a minute off waits until then."
        ),
    ),
    FindingKind.DATABASE_CLOCK: (
        N_("The clock of the database is wrong: it differs from the clocks of all other machines by {time}."),
        N_(
            "Have the time set by the network (NTP) on the database’s machine. While it is more than a minute off, "
            "nothing is planned, sent or deleted; then it goes on by itself."
        ),
    ),
    FindingKind.PROCESS_CLOCK: (
        N_("The clock of {about} is wrong: it differs from the clock of the database by {time}."),
        N_("Have the time set by the network (NTP) on that machine. A role more than a minute off waits until then."),
    ),
    FindingKind.KEY_FILE: (
        N_("The key file cannot be used. What is running continues, but nothing can start again."),
        _RENEW,
    ),
    FindingKind.KEY_LOST: (
        N_("A master key is missing from the key file (version {about}): the data of some people cannot be read."),
        _RENEW,
    ),
    FindingKind.KEY_EXPIRES: (
        N_("A certificate or key expires soon, or cannot be read."),
        N_("Put a new one in its place, then restart the dispatchers."),
    ),
    FindingKind.SCHEDULED_FAILED: (
        N_("The scheduled job {about} failed."),
        N_("It runs again at its next time. If it fails again, mend what it names."),
    ),
    FindingKind.SCHEDULED_LATE: (
        N_("The scheduled job {about} did not run at its time."),
        N_("No process keeps the schedule, or the job before it does not end."),
    ),
    FindingKind.NOT_ADMITTED: (
        N_("The provider {about} ({channel}) does not let us in: our key for it is missing, wrong or expired."),
        N_("Renew the key or password in the settings, then restart the dispatchers."),
    ),
    FindingKind.PROVIDER_DOWN: (
        N_("The provider {about} ({channel}) is down: {cause}."),
        N_("Its messages use another provider or are tried again. When it is back, list what failed permanently."),
    ),
    FindingKind.KAFKA_AWAY: (
        N_("Kafka does not answer."),
        N_("It recovers by itself; nothing is lost meanwhile."),
    ),
    FindingKind.PLANNING_LATE: (
        N_("Events not processed yet: {count}, the oldest for {time}."),
        N_("Does a worker run? After five minutes the reconciler plans who waits; then look for gaps."),
    ),
    FindingKind.SENDING_LATE: (
        N_("Messages are due and do not go: {count}, the oldest for {time}."),
        N_("Does a dispatcher run? Look at the providers below, and at what is stopped."),
    ),
    FindingKind.WORKERS_LATE: (
        N_("The workers are behind: {count} events wait in Kafka, the oldest for {time}."),
        N_("All partitions: start more workers. A single one: end its worker, another takes over."),
    ),
    FindingKind.RELAY_LATE: (
        N_("The relay to Kafka is behind: {count} facts wait, the oldest for {time}."),
        N_("Does a relay run, and is Kafka there? With both gone the reconciler still plans."),
    ),
    FindingKind.VERIFICATION_FAILED: (
        N_("Not all is as the log says: job {count} ({about}) found differences."),
        N_("Its page says what differs, and which views to rebuild."),
    ),
    FindingKind.PLANS_DIFFER: (
        N_("The last sample found people whose messages are not as planned: {count}. Triggers: {about}."),
        N_(
            "List what is missing, then have it planned: `habarshy repair`. `habarshy replay --verify` looks at "
            "everybody."
        ),
    ),
    FindingKind.JOB_FAILED: (N_("Job {count} ({about}) failed."), _JOB),
    FindingKind.JOB_GONE: (N_("Job {count} ({about}) stands still: its process is gone."), _JOB),
    FindingKind.JOBS_WAIT: (
        N_("Jobs wait, and no process works on them: {count}."),
        N_("Start the role that works on jobs."),
    ),
    FindingKind.DEAD_LETTERS: (
        N_("Records or people were put aside and wait for a human: {count}."),
        N_("Mend the cause, then have them handled once more."),
    ),
    FindingKind.VIEWS_LATE: (
        N_("Trails and figures are behind the log: {count} facts, the oldest for {time}."),
        N_("The process that does the upkeep follows the log; what it logs says why it does not."),
    ),
    FindingKind.PLANNING_GROWS: (N_("The queue for planning grows: {count} wait."), _GROWS),
    FindingKind.SENDING_GROWS: (N_("The queue for sending grows: {count} wait."), _GROWS),
    FindingKind.UNKNOWN_OUTCOMES: (
        N_("Nobody knows whether some messages went: {count}."),
        N_("Ask the provider, or decide what becomes of them."),
    ),
    FindingKind.PROVIDER_FAILS_ALL: (
        N_("Every attempt by the provider {about} ({channel}) failed: {cause}."),
        N_("The table below says why. Ask the provider; if addresses are wrong, ask who reports them."),
    ),
    FindingKind.PROVIDER_FAILED: (
        N_("The last attempt by the provider {about} ({channel}) failed: {cause}."),
        N_("The table below says why. Ask the provider; if addresses are wrong, ask who reports them."),
    ),
    FindingKind.PROVIDERS_UNSEEN: (
        N_("Whether these providers work is not known: {about}."),
        N_("Others sent more than is looked at here. The dispatchers’ own counts tell: habarshy_attempts_total."),
    ),
    FindingKind.STARTING: (
        N_("The platform is starting."),
        N_("The platform has just started: its maintenance process reports within a minute."),
    ),
    FindingKind.EVENTS_REFUSED: (
        N_("Events from Kafka were refused: {count} so far."),
        N_("Read life-events.dead while it keeps them, and have the registry send them anew."),
    ),
    FindingKind.RECONCILED: (
        N_("People were planned only because the reconciler looked: {count} so far."),
        N_("No record woke them. Look at the lag of relay and workers."),
    ),
    FindingKind.JOB_INCOMPLETE: (
        N_("Job {count} ({about}) could not do everything."),
        N_("Its page says what it left out."),
    ),
    FindingKind.JOB_PAUSED: (
        N_("Job {count} ({about}) is paused."),
        N_("It keeps others of its kind from starting."),
    ),
    FindingKind.ANSWERS_WAIT: (
        N_("Answers of citizens wait until their agencies are told: {count}."),
        N_("They wait for the webhook of their agency, or it has none."),
    ),
    FindingKind.REVISIONS: (
        N_("Registries corrected events that never came: {count}."),
        N_("Ask them to send these."),
    ),
    FindingKind.CHAIN_LATE: (
        N_("The chain of the log is behind: {count} facts are in no block."),
        N_("The process that does the upkeep makes its blocks."),
    ),
}
"""Kind -> what is wrong, and what to do. The words of stops and of a platform that does not run: below."""
_BEGIN_ANEW = N_("Have the time set by the network (NTP), then restart `habarshy run`.")
_WAIT_OR_SPREAD = N_(
    "Check that every provider works. If it goes on, one process is too few: use PostgreSQL and several processes."
)
EMBEDDED: Mapping[FindingKind, str] = {
    FindingKind.CLOCK_BEHIND: _BEGIN_ANEW,
    FindingKind.KEY_EXPIRES: N_("Put a new one in its place, then restart `habarshy run`."),
    FindingKind.NOT_ADMITTED: N_("Renew the key or password in the settings, then restart `habarshy run`."),
    FindingKind.PLANNING_LATE: N_("Does `habarshy run` run, and what does it say? Then look for gaps."),
    FindingKind.SENDING_LATE: N_("Does `habarshy run` run? Look at the providers below, and at what is stopped."),
    FindingKind.PLANNING_GROWS: _WAIT_OR_SPREAD,
    FindingKind.SENDING_GROWS: _WAIT_OR_SPREAD,
    FindingKind.VIEWS_LATE: N_("`habarshy run` follows the log; what it says tells why it does not."),
    FindingKind.PROVIDERS_UNSEEN: N_("Others sent more than is looked at here. The trail of one message tells more."),
    FindingKind.RECONCILED: N_("They had waited for five minutes. Look at what `habarshy run` says."),
    FindingKind.CHAIN_LATE: N_("`habarshy run` makes its blocks."),
    FindingKind.SCHEDULED_LATE: N_("`habarshy run` does not run, or the job before it does not end."),
}
"""Kind -> what to do where one process does everything and no other role runs."""
CLOCKS: Mapping[tuple[FindingKind, str], str] = {
    (FindingKind.CLOCKS_APART, AHEAD): N_(
        "The clock of this machine is wrong: it is {time} ahead of the database’s clock."
    ),
    (FindingKind.CLOCKS_APART, BEHIND): N_(
        "The clock of this machine is wrong: it is {time} behind the database’s clock."
    ),
    (FindingKind.DATABASE_CLOCK, AHEAD): N_(
        "The clock of the database is wrong: it is {time} ahead of the clocks of all other machines, which agree."
    ),
    (FindingKind.DATABASE_CLOCK, BEHIND): N_(
        "The clock of the database is wrong: it is {time} behind the clocks of all other machines, which agree."
    ),
    (FindingKind.PROCESS_CLOCK, AHEAD): N_(
        "The clock of {about} is wrong: it is {time} ahead of the database’s clock."
    ),
    (FindingKind.PROCESS_CLOCK, BEHIND): N_(
        "The clock of {about} is wrong: it is {time} behind the database’s clock."
    ),
}
"""Kind and what is wrong with a clock -> what is wrong."""
ALL_DOWN: Mapping[tuple[bool, bool], str] = {
    (True, True): N_("The providers {about} cannot be reached, so nothing is sent by these channels: {channels}."),
    (True, False): N_("The providers {about} cannot be reached."),
    (False, True): N_("The providers {about} are down, so nothing is sent by these channels: {channels}."),
    (False, False): N_("The providers {about} are down."),
}
"""Whether all of them cannot be reached, and whether channels have no other provider -> what is wrong."""
PLANNING = (FindingKind.PLANNING_LATE, FindingKind.PLANNING_GROWS)
NOBODY_ALIVE: Mapping[str, str] = {
    "worker": N_("Likely cause: no worker is alive. Start one."),
    "dispatch": N_("Likely cause: no dispatcher is alive. Start one."),
    "relay": N_("Likely cause: no relay is alive. Start one."),
    "run": N_("Likely cause: `habarshy run` does not run. Start it."),
}
"""Role of which nobody lives -> that it is the likely cause of a queue, and what to do. run: it does everything."""
GONE: Mapping[str, str] = {
    "relay": N_("No relay is running: nobody wakes the workers, and new events will wait for minutes."),
    "dispatch": N_("No dispatcher is running: no message is sent."),
    "api": N_("No web server is running: pages and links of messages do not open, and nobody reports over HTTP."),
    "intake": N_("No intake is running: what registries send through Kafka waits, and is kept for a while only."),
    "jobs": N_("No process works on jobs: what somebody asks for will wait."),
}
"""Role of which nobody lives -> what is wrong."""
TOO_SLOW: Mapping[str, str] = {
    "worker": N_(
        "Likely cause: the workers are alive ({number}), but slower than what comes in: {comes} a minute come in, "
        "{goes} are done. Start more workers."
    ),
    "dispatch": N_(
        "Likely cause: the dispatchers are alive ({number}), but slower than what comes in: {comes} a minute come "
        "in, {goes} are done. Start more dispatchers."
    ),
    "run": N_(
        "Likely cause: the process is alive, but slower than what comes in: {comes} a minute come in, {goes} are "
        "done. If it goes on, use PostgreSQL and several processes."
    ),
}
"""Role that is slower than what comes in -> that it is the likely cause, and what to do."""
HOLDUPS: Mapping[QueueCause, str] = {
    QueueCause.KAFKA: N_("Likely cause: Kafka does not answer. After five minutes the reconciler plans who waits."),
    QueueCause.DOWN: N_(
        "Likely cause: the provider {about} does not work. Mend that first; what waits then goes by itself."
    ),
    QueueCause.LIMIT: N_(
        "Likely cause: the provider {about} sends as much as its rate limit lets it, {number} a second. Raise its "
        "`rate` in the settings if the contract allows more, or add a provider."
    ),
    QueueCause.SLOW: N_(
        "Likely cause: the provider {about} is slow: it takes {number} s for an answer. Ask there why, or add a "
        "provider."
    ),
}
"""Any other likely cause -> its words, and what to do."""
STOPS: Mapping[str, str] = {
    "all": N_("Everything is stopped: no message goes out."),
    "channel": N_("All messages of a channel are stopped: {channel}."),
    "agency": N_("All messages of the agency {about} are stopped."),
    "trigger": N_("The messages of the trigger {about} are stopped."),
    PAUSED: N_("The messages of the trigger {about} are paused."),
}
CAUSES: Mapping[str, str] = {
    "unreachable": N_("it cannot be reached"),
    "timed_out": N_("it does not answer in time"),
    "link_lost": N_("the connection breaks off"),
    "garbled": N_("its answers make no sense"),
    "busy": N_("it says that it is busy"),
    "not_admitted": N_("it does not let us in"),
    "bad_address": N_("the addresses lead to nobody"),
    "rejected": N_("it refuses the messages"),
    "undelivered": N_("it could not bring them"),
}


CAUSE_SHOWN = (
    FindingKind.KEY_FILE,
    FindingKind.KAFKA_AWAY,
    FindingKind.EVENTS_REFUSED,
    FindingKind.KEY_EXPIRES,
    FindingKind.SCHEDULED_FAILED,
)
"""Kinds whose cause is shown as it is, besides their sentence."""


def finding_in_words(finding: Finding, speech: Speech) -> FindingWords:
    """Return the finding in the words of a language."""
    sentence, todo = _words(finding)
    values = {
        "about": speech.joined([name for name, _, _ in finding.providers]) if finding.providers else finding.about,
        "channel": _channel(finding.channel or finding.about, speech) or finding.channel,
        "channels": speech.joined([_channel(each, speech) for each in finding.without]),
        "cause": cause_in_words(finding.cause, speech),
        "count": speech.number(finding.count),
        "time": speech.duration(finding.seconds),
    }
    said = speech.say(sentence).format(**values)
    todo = speech.say(todo) if finding.holds is None else _holdup(finding, finding.holds, speech)
    return FindingWords(said, tuple(_details(finding, speech)), todo, shlex.join(finding.command))


def cause_in_words(cause: str, speech: Speech) -> str:
    """Return our word for the reason of a failure, as a sentence about a provider; "?" if there is none."""
    words = CAUSES.get(cause) or REASON_WORDS.get(cause)
    return speech.say(words) if words else cause.replace("_", " ") or "?"


def _channel(channel: str, speech: Speech) -> str:
    return speech.say(CHANNELS[channel]) if channel in CHANNELS else ""


def _holdup(finding: Finding, cause: Holdup, speech: Speech) -> str:
    """Return the likely cause of a queue, and what to do about it."""
    if cause.why is QueueCause.NOBODY:
        words = NOBODY_ALIVE["run" if finding.embedded else cause.about]
    elif cause.why is QueueCause.BEHIND:
        words = TOO_SLOW["run" if finding.embedded else "worker" if finding.kind in PLANNING else "dispatch"]
    else:
        words = HOLDUPS[cause.why]
    return speech.say(words).format(
        about=cause.about,
        number=speech.number(round(cause.number, 1)),
        comes=speech.number(round(cause.comes)),
        goes=speech.number(round(cause.goes)),
    )


def _words(finding: Finding) -> tuple[str, str]:
    if finding.stop is not None:
        return STOPS[finding.stop.scope], N_("Resume once the problem is fixed.")
    if finding.kind is FindingKind.NOT_RUNNING and finding.about == "run":
        return N_("The platform is not running: nothing is planned or sent."), N_("Start it.")
    if finding.kind is FindingKind.NOT_RUNNING:
        return N_("No worker is running: new events will wait, and nothing is planned."), _START
    if finding.kind is FindingKind.ROLE_GONE:
        return GONE[finding.about], _START
    if finding.kind is FindingKind.CLOCK_BEHIND and finding.about:
        return N_("The latest record is {time} ahead: a process wrote it whose clock was wrong. It is gone."), N_(
            "Have the time set by the network (NTP) on the machine where it ran."
        )
    sentence, todo = WORDS[finding.kind]
    if finding.providers:
        unreachable = all(cause == Reason.UNREACHABLE for _, _, cause in finding.providers)
        sentence = ALL_DOWN[unreachable, bool(finding.without)]
    sentence = CLOCKS.get((finding.kind, finding.cause), sentence)
    return sentence, EMBEDDED.get(finding.kind, todo) if finding.embedded else todo


def _details(finding: Finding, speech: Speech) -> list[str]:
    """Return what else is known: since when, by whom and why, and whether it grows."""
    say, found = speech.say, []
    if finding.stop is not None:
        by = {"time": speech.moment(finding.stop.since), "name": finding.stop.by}
        found.append(say("Since %(time)s, by %(name)s") % by)
        found.append(_why(finding.stop.reason, speech) if finding.stop.reason else say("No reason was given"))
    elif finding.since is not None:
        found.append(say("Since %(time)s") % {"time": speech.moment(finding.since)})
    if finding.kind in CAUSE_SHOWN and finding.cause:
        plain = speech.language_of(finding.cause) != speech.language
        found.append(_why(finding.code if plain and finding.code else speech.tell(finding.cause), speech))
    if finding.without and not finding.providers:
        channels = speech.joined([_channel(each, speech) for each in finding.without])
        found.append(say("Nothing is sent by {channels}").format(channels=channels))
    found += [
        f"{name} ({_channel(channel, speech) or channel}): {cause_in_words(cause, speech)}"
        for name, channel, cause in finding.providers
    ]
    if finding.trend is not None:
        found += _trend(finding, speech)
    return found


def _why(reason: str, speech: Speech) -> str:
    return speech.say("Why: {reason}").format(reason=reason)


def _trend(finding: Finding, speech: Speech) -> list[str]:
    trend = finding.trend
    assert trend is not None
    by = speech.number(round(abs(trend.a_minute), 1))
    if trend.empty_in is not None:
        left = speech.duration(trend.empty_in.total_seconds())
        return [
            speech.say("fewer by {count} a minute").format(count=by),
            speech.say("done in {time}").format(time=left),
        ]
    if trend.a_minute > 0:
        return [speech.say("more by {count} a minute").format(count=by)]
    return [speech.say("neither more nor fewer")]
