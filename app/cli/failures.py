"""The exit code and sentence with which a failing command ends. Any other exception is a defect."""

from collections.abc import Mapping

from app.executors.errors import NoCluster
from app.identity.key_file import BadKeyFile, MissingKeyFile
from app.identity.principals import BadPrincipals
from app.jobs.kinds import UnknownKind
from app.jobs.replay_jobs import UnknownView
from app.roles.run_lock import AlreadyRunning
from app.settings import BadSettings
from app.terminal import Exit
from domain.facts.principals import NotAllowed
from streams.kafka.errors import (
    KafkaRefused,
    KafkaUnavailable,
    NotGranted,
    TopicMadeAnew,
    TopicRefused,
    WrongPartitions,
    WrongTopicSettings,
)
from streams.kafka.republish import BadRange, BadTopic
from streams.kafka.seats import SeatTaken
from streams.log.damaged import DamagedFact
from streams.log.first_codes import CodesLost
from streams.log.master_key import OlderKeyFile, WrongKeyFile
from streams.log.watermark import OlderLog
from streams.privacy.erasure import NobodyKnown
from streams.queues.jobs import Busy, ForgedJob, NothingToDo, NotNow, Stale, UnknownJob, UnreadableJob
from streams.replay.backfill import NotInForce
from streams.replay.shadow import NoQuietMoment
from streams.rules.aggregates import AlreadyPublished
from streams.rules.approval import NotPublished, NotSubmitted, TwoVersions
from streams.rules.drafts import DoesNotFit
from streams.rules.library import NothingPublished
from streams.rules.ownership import OtherPack
from streams.rules.publishing import BreaksVersions
from streams.rules.switches import UnknownName
from streams.storage.advisory_locks import DatabaseInUse
from streams.storage.errors import UNAVAILABLE_ERRORS, DatabaseUnavailable, NoPrivilege, ReadOnly, summary
from streams.storage.leadership import NeedsPostgres
from streams.storage.schema import NoDatabase, WrongSchema
from streams.storage.server_clock import WrongClock
from templates.checks.loader import BrokenPack
from templates.checks.placeholders import StillPlaceholders
from templates.reading.catalogue import NoDefaults

FAILURES: Mapping[type[BaseException], Exit] = {
    BadSettings: Exit.USAGE,
    BadKeyFile: Exit.USAGE,
    WrongKeyFile: Exit.USAGE,
    OlderKeyFile: Exit.UNAVAILABLE,
    MissingKeyFile: Exit.UNAVAILABLE,
    BrokenPack: Exit.CHECK_FAILED,
    BreaksVersions: Exit.CHECK_FAILED,
    DoesNotFit: Exit.CHECK_FAILED,
    NoDefaults: Exit.CHECK_FAILED,
    DatabaseUnavailable: Exit.UNAVAILABLE,
    WrongClock: Exit.UNAVAILABLE,
    NoPrivilege: Exit.UNAVAILABLE,
    ReadOnly: Exit.UNAVAILABLE,
    NoDatabase: Exit.UNAVAILABLE,
    WrongSchema: Exit.UNAVAILABLE,
    DatabaseInUse: Exit.UNAVAILABLE,
    DamagedFact: Exit.UNAVAILABLE,
    CodesLost: Exit.UNAVAILABLE,
    NothingPublished: Exit.UNAVAILABLE,
    AlreadyRunning: Exit.UNAVAILABLE,
    OlderLog: Exit.UNAVAILABLE,
    NeedsPostgres: Exit.USAGE,
    NoCluster: Exit.UNAVAILABLE,
    KafkaRefused: Exit.UNAVAILABLE,
    KafkaUnavailable: Exit.UNAVAILABLE,
    WrongPartitions: Exit.UNAVAILABLE,
    TopicRefused: Exit.UNAVAILABLE,
    TopicMadeAnew: Exit.UNAVAILABLE,
    NotGranted: Exit.UNAVAILABLE,
    WrongTopicSettings: Exit.UNAVAILABLE,
    SeatTaken: Exit.UNAVAILABLE,
    NotAllowed: Exit.NOT_ALLOWED,
    BadPrincipals: Exit.USAGE,
    NobodyKnown: Exit.CHECK_FAILED,
    AlreadyPublished: Exit.CHECK_FAILED,
    NotSubmitted: Exit.CHECK_FAILED,
    NotPublished: Exit.CHECK_FAILED,
    StillPlaceholders: Exit.CHECK_FAILED,
    TwoVersions: Exit.USAGE,
    OtherPack: Exit.CHECK_FAILED,
    UnknownName: Exit.CHECK_FAILED,
    Busy: Exit.UNAVAILABLE,
    UnknownView: Exit.USAGE,
    BadRange: Exit.USAGE,
    BadTopic: Exit.USAGE,
    NoQuietMoment: Exit.UNAVAILABLE,
    NotNow: Exit.CHECK_FAILED,
    Stale: Exit.CHECK_FAILED,
    ForgedJob: Exit.CHECK_FAILED,
    UnknownJob: Exit.CHECK_FAILED,
    UnreadableJob: Exit.CHECK_FAILED,
    UnknownKind: Exit.UNAVAILABLE,
    NothingToDo: Exit.OK,
    NotInForce: Exit.CHECK_FAILED,
}
"""Exception → exit code."""


def exit_for(failure: BaseException) -> tuple[Exit, str] | None:
    """Return the exit code and the sentence for a failure; None for a defect, which shows its traceback."""
    if (code := FAILURES.get(type(failure))) is not None:
        return code, str(failure)
    return (
        (Exit.UNAVAILABLE, f"the database: {summary(failure)}") if isinstance(failure, UNAVAILABLE_ERRORS) else None
    )
