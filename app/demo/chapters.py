"""The chapters of the family's year: what each would have cost to miss, what it brought, and who says so.

Amounts come from the events and the law of the packs. The hours are an assumption, and the page says so.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from msgspec import Struct

from domain.core.translatable import N_, Counted, Words
from domain.planning.entitlement_answers import Answer

VISIT_HOURS: Final = 2
"""The assumed duration of a visit to an office, with the way and the queue."""
_MONTHS = 12
Values = Mapping[str, Any]


class Matter(Struct, frozen=True):
    """A matter of the family: its event, the event that settled it, the law's answer when they were told, and today.

    `day`: says a day in the reader's language.
    """

    values: Values
    settled: Values | None
    answer: Answer | None
    told_on: date
    today: date
    day: Callable[[date], str]

    def day_of(self, name: str) -> date:
        """Return a day of the event."""
        return date.fromisoformat(str(self.values[f"event.{name}"]))

    @property
    def months(self) -> int:
        """Return the whole months since the birth that the event reports."""
        born = self.day_of("born_on")
        months = (self.today.year - born.year) * _MONTHS + self.today.month - born.month
        return max(0, months - (self.today.day < born.day))


def _nothing(_: Matter) -> int:
    return 0


def _granted(matter: Matter) -> int:
    return int(matter.settled["event.amount"]) if matter.settled else 0


def _discount(matter: Matter) -> int:
    return int(matter.values["event.amount"]) - _granted(matter) if matter.settled else 0


def _by_law(matter: Matter) -> int:
    return 0 if matter.answer is None or matter.answer.amount is None else matter.answer.amount


def _half(matter: Matter) -> int:
    whole = int(matter.values["event.amount"])
    return whole - whole // 2


def _birth_missed(matter: Matter) -> str:
    if matter.answer is None or matter.answer.until is None:
        return Words("the right to it ends on the child's first birthday")
    return Words("lost: the right to it ends on {day}", day=matter.day(matter.answer.until))


def _flood_outcome(matter: Matter) -> str:
    days = (matter.day_of("expected_on") - matter.told_on).days
    return Counted("Warned {count} day before the water", "Warned {count} days before the water", days)


class Chapter(Struct, frozen=True):
    """A kind of matter.

    `settled_by`: the type of event that settles it; `same`: fields that it shares with the first event;
    `visits`: to an office, spared; `missed`: what missing it means; `price`: its price in tenge;
    `received`, `saved`: in tenge, the former each month where it is `monthly`;
    `source`: where the price comes from; `outcome`: instead of the event that settles it.
    """

    title: str
    missed: Callable[[Matter], str]
    source: str
    settled_by: str = ""
    same: tuple[str, ...] = ()
    visits: int = 0
    price: Callable[[Matter], int] = _nothing
    received: Callable[[Matter], int] = _nothing
    monthly: bool = False
    saved: Callable[[Matter], int] = _nothing
    outcome: Callable[[Matter], str] | None = None


def _said(text: str) -> Callable[[Matter], str]:
    return lambda _: Words(text)


_BY_LAW: Final = N_("The price of missing it: the amount and the last day by the law in the country's pack.")
_BY_WORDS: Final = N_("The price of missing it: the agency's own words in the country's pack.")
_BY_EVENT: Final = N_("The price of missing it: the amount of the fine as its registry reported it.")
CHAPTERS: Final[Mapping[str, Chapter]] = {
    "birth_allowance": Chapter(
        N_("Amina is born"),
        _birth_missed,
        _BY_LAW,
        settled_by="kz.social.birth_allowance_granted",
        visits=1,
        price=_by_law,
        received=_granted,
    ),
    "childcare_allowance": Chapter(
        N_("Money for the first months"),
        _said(N_("a month, which nobody pays unless somebody applies")),
        _BY_LAW,
        settled_by="kz.social.childcare_allowance_granted",
        visits=1,
        price=_by_law,
        received=_granted,
        monthly=True,
    ),
    "clinic_attachment": Chapter(
        N_("They move to Alatau"),
        _said(N_("A doctor far away: the old clinic goes on seeing them until they choose a new one.")),
        _BY_WORDS,
        settled_by="kz.health.clinic_attached",
        visits=1,
    ),
    "vaccination_due": Chapter(
        N_("Amina's first vaccination"),
        _said(N_("A baby without protection from grave infections.")),
        _BY_WORDS,
        settled_by="kz.health.vaccinated",
        same=("visit",),
    ),
    "kindergarten_queue": Chapter(
        N_("A place in the kindergarten queue"),
        _said(N_("A later place: the queue goes by the date of application.")),
        _BY_WORDS,
        settled_by="kz.education.kindergarten_queue_joined",
        visits=1,
    ),
    "flood_warning": Chapter(
        N_("The river rises"),
        _said(N_("Papers, medicine and everything in the cellar.")),
        N_("The price of missing it: the agency's own words in the city's pack."),
        outcome=_flood_outcome,
    ),
    "traffic_fine_discount": Chapter(
        N_("A camera sees Daniyar"),
        _said(N_("more to pay: half is enough only in the first seven days")),
        _BY_EVENT,
        settled_by="kz.traffic.fine_paid",
        same=("number",),
        visits=1,
        price=_half,
        saved=_discount,
    ),
    "identity_card_expiry": Chapter(
        N_("Aigerim's identity card runs out"),
        _said(N_("A card that a bank, a notary or an airport may refuse.")),
        _BY_WORDS,
        settled_by="kz.document.issued",
        same=("kind",),
        visits=1,
    ),
    "passport_expiry": Chapter(
        N_("A passport in its last months"),
        _said(N_("A journey that ends at the border.")),
        _BY_WORDS,
        settled_by="kz.document.issued",
        same=("kind",),
        visits=1,
    ),
}
"""The chapter of each trigger, by its name."""
