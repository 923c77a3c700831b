"""The fields of a form of a rule that need no more than a label and a hint, or a few options: one table of them."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from domain.core.translatable import N_

_SPREAD = N_("So that not all ask the office at once; a day at most.")
_A_DATE = N_("A date as DD.MM.YYYY; from its publication on unless said.")
_LATIN = N_("Small Latin letters; citizens never see it.")


class SimpleField(Struct, frozen=True):
    """A field. `kind`: as of a Control; `options`: value -> words; `means`: the value of a tick."""

    label: str
    kind: str = "short"
    hint: str = ""
    options: Mapping[str, str] = {}
    means: str = ""


FIELDS: Final[Mapping[str, SimpleField]] = {
    "count.nth": SimpleField(
        N_("Which of several records?"),
        hint=N_("Such as 3: only the third of these records starts it, the others count."),
    ),
    "count.within": SimpleField(N_("Counted over so long, up to the record"), "length"),
    "smooth": SimpleField(N_("Spread all messages over"), "length", _SPREAD),
    "act_by.offset": SimpleField(N_("So long after that day"), "length"),
    "catch_up": SimpleField(
        N_("If several steps are overdue already"),
        "select",
        options={
            "": N_("the latest goes (unless said)"),
            "latest": N_("the latest goes"),
            "all": N_("all go"),
            "none": N_("none goes"),
        },
    ),
    "reach": SimpleField(N_("Records from this day on"), hint=_A_DATE),
    "ahead_from": SimpleField(N_("Nothing that was due before this day"), hint=_A_DATE),
    "cascade_after": SimpleField(
        N_("Go on to the next way after a silence of"), "length", N_("Empty: only where the one before fails.")
    ),
    "minors": SimpleField(
        N_("Who is told for a minor?"),
        "select",
        options={
            "": N_("their guardians (unless said)"),
            "guardians": N_("their guardians"),
            "self": N_("they themselves"),
        },
    ),
    "cascade": SimpleField(N_("A message that was not opened counts as a silence"), "tick", means="until_opened"),
    "discreet": SimpleField(N_("Push, SMS and subject say nothing of the substance"), "tick", means="yes"),
    "correction": SimpleField(N_("There are words for taking it back"), "tick", means="yes"),
    "due.name": SimpleField(
        N_("Name of the step"),
        "text",
        N_("Small Latin letters; citizens never see it. Empty: it is made from the time."),
    ),
    "due.offset": SimpleField(N_("How long before or after?"), "signed"),
    "due.at": SimpleField(N_("At what time of day?"), hint=N_("Such as 10:00, where the person lives.")),
    "due.on": SimpleField(N_("On a day of that year"), hint=N_("Month and day, such as 08-15.")),
    "due.working_days": SimpleField(
        N_("Working days after it"), hint=N_("With a minus: before it. It stands in place of a number of days.")
    ),
    "due.repeat.every": SimpleField(N_("Say it again every"), "length"),
    "due.repeat.at_most": SimpleField(N_("How often in all?"), hint=N_("The first included, such as 3.")),
    "due.repeat.until": SimpleField(
        N_("Until when?"),
        "select",
        options={"": N_("nothing else ends it"), "answered": N_("until the person has answered")},
    ),
    "due.smooth": SimpleField(N_("Spread over"), "length", _SPREAD),
    "unless.before": SimpleField(N_("At most so long before the message is due"), "length"),
    "unless.after": SimpleField(N_("At most so long after the message is due"), "length"),
    "unless.grace": SimpleField(N_("Wait so long for late reports"), "length"),
    "actions.url": SimpleField(N_("Where it leads"), "text", N_("An address that begins with https://")),
    "actions.service": SimpleField(N_("Service"), "text", _LATIN),
    "actions.id": SimpleField(
        N_("Name of the button"),
        "text",
        N_("Small Latin letters; citizens never see it. Empty: it is made from the words."),
    ),
}
"""Key of the rule -> its field; of steps, events and buttons without the name or number of the one that has it."""
_GROUPS = ("due", "unless", "actions")


def field_named(name: str) -> SimpleField | None:
    """Return the field of that name on the form, such as `due.first.at`; None for one that is not in the table."""
    group, _, rest = name.partition(".")
    return FIELDS.get(f"{group}.{rest.partition('.')[2]}" if group in _GROUPS else name)
