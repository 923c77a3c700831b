"""Facts about nudges: in the past tense, never changed (about rules: domain/facts/governance.py).

Every struct is stored as an array in the order of its fields, those of its base first: new fields go to the end, with
a default; anything else is a new TOPIC. Times are in UTC; `at` is when the fact was recorded.
"""

from datetime import datetime
from typing import ClassVar, Protocol, get_args
from uuid import UUID

from msgspec import Struct

from domain.facts.access_facts import ACCOUNTING_FACTS, ContentRetired, LettersDropped
from domain.facts.governance import GOVERNANCE_FACTS


class Fact(Protocol):
    """Anything the log keeps: its TOPIC names its kind and version, for ever."""

    TOPIC: ClassVar[str]


class AheadMoved(Struct, frozen=True, array_like=True, gc=False):
    """An event came once more by another load, whose `ahead_from` is earlier (None: it came live)."""

    TOPIC: ClassVar[str] = "life-ahead-moved/1"
    ahead_from: datetime | None
    at: datetime


class NudgePlanned(Struct, frozen=True, array_like=True, gc=False):
    """A nudge was planned: see domain.planning.plan.Intent for the meaning of its fields."""

    TOPIC: ClassVar[str] = "nudge-planned/1"
    at: datetime
    person: str
    trigger: str
    version: str
    occurrence: UUID
    step: str
    due: datetime
    expires: datetime | None
    klass: str
    channels: tuple[str, ...]
    cause: UUID
    moot_from: datetime | None = None


class NudgeRescheduled(NudgePlanned, frozen=True, array_like=True, gc=False):
    """A pending nudge changed: its time, its version or its cause."""

    TOPIC: ClassVar[str] = "nudge-rescheduled/1"


class NudgeCancelled(Struct, frozen=True, array_like=True, gc=False):
    """A nudge left the plan: what was not attempted is not sent, and what was is not tried again.

    `reason`: why, where that is not the plan itself.
    """

    TOPIC: ClassVar[str] = "nudge-cancelled/1"
    at: datetime
    reason: str = ""


class RecipientFact(Struct, frozen=True, array_like=True, gc=False):
    """The first fields of a fact about the delivery to one recipient."""

    at: datetime
    recipient: str


class AttemptFact(RecipientFact, frozen=True, array_like=True, gc=False):
    """The first fields of a fact about one attempt: the `attempt`-th for its recipient, from 1, over all channels."""

    attempt: int


class NudgeWithheld(RecipientFact, frozen=True, array_like=True, gc=False):
    """A nudge was withheld from this recipient; `reason` is one of settle's."""

    TOPIC: ClassVar[str] = "nudge-withheld/1"
    reason: str


class NudgeDeferred(RecipientFact, frozen=True, array_like=True, gc=False):
    """A nudge was deferred for this recipient until then."""

    TOPIC: ClassVar[str] = "nudge-deferred/1"
    until: datetime
    reason: str


class NudgeDigested(RecipientFact, frozen=True, array_like=True, gc=False):
    """A nudge was put into a digest for this recipient, which is due at `until`.

    Because `messages` that count towards their cap had reached them within the last `days` days.
    """

    TOPIC: ClassVar[str] = "nudge-digested/1"
    digest: UUID
    until: datetime
    messages: int
    days: int


class NudgeGathered(RecipientFact, frozen=True, array_like=True, gc=False):
    """A fact of a digest: one more nudge goes with it to its recipient."""

    TOPIC: ClassVar[str] = "nudge-gathered/1"
    nudge: UUID


class NudgeExpired(RecipientFact, frozen=True, array_like=True, gc=False):
    """A nudge was no longer worth sending when its turn came."""

    TOPIC: ClassVar[str] = "nudge-expired/1"


class NudgeAttempted(AttemptFact, frozen=True, array_like=True, gc=False):
    """A nudge is about to be handed to a provider, for the `attempt`-th time (from 1, over all channels).

    `until`: the end of the lease; an attempt that has no outcome by then is unknown. `language`: that it is told in;
    empty where nobody knows, or from before it was noted.
    """

    TOPIC: ClassVar[str] = "nudge-attempted/1"
    channel: str
    provider: str
    until: datetime
    language: str = ""


class NudgeSent(AttemptFact, frozen=True, array_like=True, gc=False):
    """The provider took it over; `reference` is that `provider`'s name for it.

    `silent_at`: when the next channel has its turn if nothing was heard until then (None: never); with
    `until_opened`, that it arrived is not enough.
    """

    TOPIC: ClassVar[str] = "nudge-sent/1"
    reference: str
    silent_at: datetime | None = None
    until_opened: bool = False
    provider: str = ""


class NudgeDelivered(AttemptFact, frozen=True, array_like=True, gc=False):
    """The provider reports that it arrived."""

    TOPIC: ClassVar[str] = "nudge-delivered/1"


class NudgeFailed(AttemptFact, frozen=True, array_like=True, gc=False):
    """An attempt failed; `retry_at`: when it is tried again (None: never); `gave_up`: not on this channel."""

    TOPIC: ClassVar[str] = "nudge-failed/1"
    reason: str
    retry_at: datetime | None = None
    gave_up: bool = False


class NudgeUnknown(AttemptFact, frozen=True, array_like=True, gc=False):
    """Nobody can know whether the attempt went out; `retry_at` is set only where a double is harmless or legal.

    Otherwise the next channel has its turn at `silent_at`, if there is one and nothing was heard until then. With
    `ask_at`, its provider is asked first, at that time; what follows if it cannot tell is a later fact like this.
    """

    TOPIC: ClassVar[str] = "nudge-unknown/1"
    reason: str
    retry_at: datetime | None = None
    silent_at: datetime | None = None
    ask_at: datetime | None = None


class NudgeOpened(AttemptFact, frozen=True, array_like=True, gc=False):
    """The recipient opened it."""

    TOPIC: ClassVar[str] = "nudge-opened/1"


class NudgeAnswered(RecipientFact, frozen=True, array_like=True, gc=False):
    """The recipient answered it; `reply` is the stream of the life event that the answer became."""

    TOPIC: ClassVar[str] = "nudge-answered/1"
    reply: UUID


class NudgeDone(AttemptFact, frozen=True, array_like=True, gc=False):
    """The thing itself was done at `done_at`, after it had gone to this recipient, lastly by that attempt.

    That is all it says: not that it was done because of it, nor by whom.
    """

    TOPIC: ClassVar[str] = "nudge-done/1"
    done_at: datetime


class NudgeUndone(NudgeDone, frozen=True, array_like=True, gc=False):
    """A NudgeDone of the same fields no longer holds: the report behind it was annulled or corrected."""

    TOPIC: ClassVar[str] = "nudge-undone/1"


class NudgeRenewed(RecipientFact, frozen=True, array_like=True, gc=False):
    """A nudge that failed by its providers is due again on these channels; `by`: the principal who repaired that."""

    TOPIC: ClassVar[str] = "nudge-renewed/1"
    channels: tuple[str, ...]
    by: str


class NudgeResolved(AttemptFact, frozen=True, array_like=True, gc=False):
    """An operator decided what becomes of an attempt whose outcome is unknown; `by`: who, `why`: in their words.

    `how`: `ask` its provider (once more), send it `again`, as it had surely not left, `close` it as it is, or
    `receipt`: they brought a receipt, which is the next fact of the nudge.
    """

    TOPIC: ClassVar[str] = "nudge-resolved/1"
    how: str
    by: str
    why: str


NudgeFact = (
    NudgePlanned
    | NudgeRescheduled
    | NudgeCancelled
    | NudgeWithheld
    | NudgeDeferred
    | NudgeExpired
    | NudgeAttempted
    | NudgeSent
    | NudgeDelivered
    | NudgeFailed
    | NudgeUnknown
    | NudgeOpened
    | NudgeAnswered
    | NudgeDigested
    | NudgeGathered
    | NudgeRenewed
    | NudgeDone
    | NudgeUndone
    | NudgeResolved
)
NUDGE_FACTS: tuple[type[NudgeFact], ...] = get_args(NudgeFact)
ALL_FACTS = (AheadMoved, *NUDGE_FACTS, *GOVERNANCE_FACTS, *ACCOUNTING_FACTS, ContentRetired, LettersDropped)
