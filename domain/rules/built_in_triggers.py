"""Triggers that no pack has: the platform's own."""

from domain.core.timing import Offset
from domain.rules.steps import Step
from domain.rules.triggers import Trigger

DIGEST, DIGEST_VERSION, DIGEST_STEP = "digest", "digest/1", "day"
"""The name of the digest's trigger (and what a citizen opts out of), its version, and its only step."""

DIGEST_TRIGGER = Trigger(
    name=DIGEST,
    owner="",
    category=DIGEST,
    klass="service",
    on="",
    when=None,
    to=frozenset(),
    occurrence=(),
    steps=(Step(DIGEST_STEP, "event.time", Offset(), None, None),),
    unless=(),
    expiry=None,
    catch_up="all",
    channels=("push", "email", "sms"),
    minors="self",
    has_correction=False,
    content={
        "title": {"kk": "Хабарламалар жинағы", "ru": "Сводка сообщений", "en": "Digest of messages"},
        "legal_basis": {
            "kk": "жоқ: белгілі бір күн ішінде шектен асқан хабарламалар күніне бір рет бірге жіберіледі",
            "ru": "нет: сообщения сверх предела за несколько дней отправляются вместе раз в день",
            "en": "none: what exceeds so many messages in so many days goes together once a day",
        },
        "category": DIGEST,
        "class": "service",
        "due": {DIGEST_STEP: {"at": "18:00"}},
    },
)
"""Nudges beyond a person's cap go with it. The SMS comes last, because it is paid for and says the least."""
