"""Facts about the rules: who submitted, approved, published and stopped what. They are never changed.

Every struct is stored as an array in the order of its fields, those of its base first: new fields go to the end, with
a default; anything else is a new TOPIC. Times are in UTC; `at` is when the fact was recorded, `by` the principal who
did it. A version is addressed by the hash of its content.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, get_args

from msgspec import Struct


class RuleFact(Struct, frozen=True, array_like=True):
    """The first fields of every fact about the rules."""

    at: datetime
    by: str


class PackSubmitted(RuleFact, frozen=True, array_like=True):
    """A pack's event types, attributes and defaults were put up for approval.

    `owner`: the agency whose they are; empty where several share the pack, and operators decide.
    """

    TOPIC: ClassVar[str] = "pack-submitted/1"
    pack: str
    owner: str
    hash: str
    content: Mapping[str, Any]


class PackApproved(RuleFact, frozen=True, array_like=True):
    """A second person approved that content; `comment`: what they wrote about it."""

    TOPIC: ClassVar[str] = "pack-approved/1"
    pack: str
    hash: str
    comment: str = ""


class PackRefused(RuleFact, frozen=True, array_like=True):
    """An approver refused that content, for that reason; an approval that it had counts no more."""

    TOPIC: ClassVar[str] = "pack-refused/1"
    pack: str
    hash: str
    reason: str


class PackPublished(RuleFact, frozen=True, array_like=True):
    """A pack's event types, attributes and defaults, as plain data."""

    TOPIC: ClassVar[str] = "pack-published/1"
    pack: str
    hash: str
    content: Mapping[str, Any]


class TriggerSubmitted(RuleFact, frozen=True, array_like=True):
    """A trigger version was put up for approval: rules and words (language -> words) as plain data.

    `owner`: the agency whose trigger it is; `written_by`: all who saved its draft, if it was handed in from one.
    """

    TOPIC: ClassVar[str] = "trigger-submitted/1"
    pack: str
    trigger: str
    owner: str
    hash: str
    rules: Mapping[str, Any]
    words: Mapping[str, Any]
    written_by: tuple[str, ...] = ()


class TriggerApproved(RuleFact, frozen=True, array_like=True):
    """A second person of the agency approved that version; `comment`: what they wrote about it."""

    TOPIC: ClassVar[str] = "trigger-approved/1"
    trigger: str
    hash: str
    comment: str = ""


class TriggerRefused(RuleFact, frozen=True, array_like=True):
    """An approver refused that version, for that reason; an approval that it had counts no more."""

    TOPIC: ClassVar[str] = "trigger-refused/1"
    trigger: str
    hash: str
    reason: str


class TriggerCommented(RuleFact, frozen=True, array_like=True):
    """Somebody of the agency wrote about that version, and decided nothing by it."""

    TOPIC: ClassVar[str] = "trigger-commented/1"
    trigger: str
    hash: str
    comment: str


class TriggerPublished(RuleFact, frozen=True, array_like=True):
    """A trigger version: rules and words (language -> words) as plain data, addressed by the hash of both.

    `share`: for which part of all persons, above 0 and up to 1 (see Rulebook.is_for).
    """

    TOPIC: ClassVar[str] = "trigger-published/1"
    pack: str
    trigger: str
    hash: str
    rules: Mapping[str, Any]
    words: Mapping[str, Any]
    reach: datetime
    ahead_from: datetime
    share: float = 1.0


class TriggerReachChanged(RuleFact, frozen=True, array_like=True):
    """The latest publication of that version looks from another event time, and plans from another due time.

    `further`: it stays as it is, and the version looks from there as well; what it reaches only by that is planned
    from `ahead_from`.
    """

    TOPIC: ClassVar[str] = "trigger-reach-changed/1"
    trigger: str
    hash: str
    reach: datetime
    ahead_from: datetime
    further: bool = False


class TriggerWithdrawn(RuleFact, frozen=True, array_like=True):
    """The trigger plans nothing any more."""

    TOPIC: ClassVar[str] = "trigger-withdrawn/1"
    trigger: str
    reason: str = ""


class TriggerPaused(RuleFact, frozen=True, array_like=True):
    """The trigger sends nothing until it is resumed; it goes on planning."""

    TOPIC: ClassVar[str] = "trigger-paused/1"
    trigger: str
    reason: str = ""


class TriggerResumed(RuleFact, frozen=True, array_like=True):
    """The trigger sends again, what waited included."""

    TOPIC: ClassVar[str] = "trigger-resumed/1"
    trigger: str
    reason: str = ""


class ControlSet(RuleFact, frozen=True, array_like=True):
    """A kill switch was set or cleared: `scope` is trigger, agency, channel or all, `name` which of them."""

    TOPIC: ClassVar[str] = "control-set/1"
    scope: str
    name: str
    stopped: bool
    reason: str


class SentAsTest(RuleFact, frozen=True, array_like=True):
    """A trigger's words are about to be sent to a colleague as a test: the principal `to`, never an address."""

    TOPIC: ClassVar[str] = "test-sent/1"
    to: str
    trigger: str
    hash: str
    channel: str


class LogRestored(RuleFact, frozen=True, array_like=True):
    """The log came back from a backup: what was due by `until` may have been sent, although the log does not say so.

    `position`: of the newest fact that came back.
    """

    TOPIC: ClassVar[str] = "log-restored/1"
    until: datetime
    position: int


GovernanceFact = (
    PackSubmitted
    | PackApproved
    | PackRefused
    | PackPublished
    | TriggerSubmitted
    | TriggerApproved
    | TriggerRefused
    | TriggerCommented
    | TriggerPublished
    | TriggerReachChanged
    | TriggerWithdrawn
    | TriggerPaused
    | TriggerResumed
    | ControlSet
    | SentAsTest
    | LogRestored
)
GOVERNANCE_FACTS: tuple[type[GovernanceFact], ...] = get_args(GovernanceFact)

APPROVAL_FACTS = (
    PackSubmitted,
    PackApproved,
    PackRefused,
    TriggerSubmitted,
    TriggerApproved,
    TriggerRefused,
    TriggerCommented,
    SentAsTest,
)
"""Those that leave the rules in force as they are: no plan or attempt is made again because of them."""
