"""How a command ends that fails: what went wrong is said in a sentence. Everything else is a defect."""

from collections.abc import Mapping

from app.job_kinds import UnknownKind
from app.keyfile import BadKeyFile, MissingKeyFile
from app.principals import BadPrincipals
from app.replaying import UnknownView
from app.runlock import AlreadyRunning
from app.settings import BadSettings
from app.terminal import Exit
from domain.principals import NotAllowed
from streams.at_work import StillAtWork
from streams.backfilling import NotInForce
from streams.damaged import DamagedFact
from streams.database import DatabaseUnavailable
from streams.drafting import DoesNotFit
from streams.erasing import NobodyKnown
from streams.first_codes import CodesLost
from streams.governing import AlreadyPublished, NotSubmitted, TwoVersions
from streams.jobs import Busy, NothingToDo, NotNow, Stale, UnknownJob
from streams.kafka_failures import (
    KafkaRefused,
    KafkaUnavailable,
    KeptOtherwise,
    NotGranted,
    TopicRefused,
    WrongPartitions,
)
from streams.keyring import WrongKeyFile
from streams.library import NothingPublished
from streams.migrating import WrongSchema
from streams.not_here import NoPrivilege, ReadOnly
from streams.one_active import NeedsPostgres
from streams.outages import STORE_AWAY, told
from streams.ownership import OtherPack
from streams.presence import NoDatabase
from streams.publishing import BreaksVersions
from streams.releasing import NotPublished
from streams.republish import BadRange, BadTopic
from streams.seats import SeatTaken
from streams.shadow import NoQuietMoment
from streams.switches import UnknownName
from streams.watermark import OlderLog
from templates.catalogue import NoDefaults
from templates.loader import BrokenPack
from templates.placeholders import StillPlaceholders

FAILURES: Mapping[type[BaseException], Exit] = {
    BadSettings: Exit.USAGE,
    BadKeyFile: Exit.USAGE,
    WrongKeyFile: Exit.USAGE,
    MissingKeyFile: Exit.UNAVAILABLE,
    BrokenPack: Exit.CHECK_FAILED,
    BreaksVersions: Exit.CHECK_FAILED,
    DoesNotFit: Exit.CHECK_FAILED,
    NoDefaults: Exit.CHECK_FAILED,
    DatabaseUnavailable: Exit.UNAVAILABLE,
    NoPrivilege: Exit.UNAVAILABLE,
    ReadOnly: Exit.UNAVAILABLE,
    NoDatabase: Exit.UNAVAILABLE,
    WrongSchema: Exit.UNAVAILABLE,
    StillAtWork: Exit.UNAVAILABLE,
    DamagedFact: Exit.UNAVAILABLE,
    CodesLost: Exit.UNAVAILABLE,
    NothingPublished: Exit.UNAVAILABLE,
    AlreadyRunning: Exit.UNAVAILABLE,
    OlderLog: Exit.UNAVAILABLE,
    NeedsPostgres: Exit.USAGE,
    KafkaRefused: Exit.UNAVAILABLE,
    KafkaUnavailable: Exit.UNAVAILABLE,
    WrongPartitions: Exit.UNAVAILABLE,
    TopicRefused: Exit.UNAVAILABLE,
    NotGranted: Exit.UNAVAILABLE,
    KeptOtherwise: Exit.UNAVAILABLE,
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
    UnknownJob: Exit.CHECK_FAILED,
    UnknownKind: Exit.UNAVAILABLE,
    NothingToDo: Exit.OK,
    NotInForce: Exit.CHECK_FAILED,
}
"""What went wrong → how the command ends."""


def ended_by(failure: BaseException) -> tuple[Exit, str] | None:
    """How a command ends by that, and what it says; None: it is a defect, and shows its traceback."""
    if (code := FAILURES.get(type(failure))) is not None:
        return code, str(failure)
    return (Exit.UNAVAILABLE, f"the database: {told(failure)}") if isinstance(failure, STORE_AWAY) else None
