"""The data that a form of a rule sent: the changed fields, with their texts, and what is wrong with fields."""

import re
from collections.abc import Mapping
from typing import Final

from app.pages.visits import field_of
from app.pages.work.drafts.controls import channels_in, condition_in, length_in, names_in, rows_in
from app.pages.work.rule.rule_reading import RuleReading
from domain.core.timing import InvalidTime, parse_offset
from domain.core.translatable import Said, Words
from templates.authoring.cited_acts import BadArticles, Citation, articles_in, as_typed, legal_basis
from templates.authoring.condition_form import BadRow, after_start, without_after_start
from templates.authoring.trigger_form import MOST_TEXT, NEW
from templates.authoring.typed_values import NotANumber

ACT: Final = "law.act"
ARTICLES: Final = "law.articles"
"""The fields that write the legal basis; the file has only what they write."""
_GONE = re.compile(r"(due\.[a-z0-9_]+|(unless|actions)\.[0-9]{1,3})\.gone")
_NEEDED: Final[Mapping[str, str]] = {
    "to": Said("Choose who gets the message"),
    "channels": Said("Choose how it is sent, by one way at least"),
}
"""Fields of which something must be chosen -> what is said where nothing is."""
_HOW_LONG = Said("Write how many days before or after that date it goes; 0 is the day itself")
_WHEN = Said("Choose when it has to happen")
_NO_DATE = Said(
    "No message goes some days after a date of this record: say first from which date, or choose something else"
)
_BOTH = Said("You ticked this and chose an event that makes it needless: take the tick away, or choose no event")
_NO_ACT = Said("Choose the act that has these articles, or empty the field of the articles")
_NOT_LISTED = Said("Choose an act of the list")
_TOO_LONG = Said("The act and its articles have more than 300 characters: write fewer articles, or write it below")


class SentRule:
    """Compares what was sent with what the form was filled with."""

    def __init__(self, reading: RuleReading) -> None:
        self._reading = reading

    def changes(self, was: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Return the fields that were changed with their texts, and what is wrong with fields."""
        changed, wrong = dict[str, str](), dict[str, str]()
        for name in [*self._reading.form.values, *self._reading.form.new_parts]:
            before = was.get(name, "")
            try:
                sent = self._sent(name, before)
            except (BadRow, NotANumber) as bad:
                wrong[name] = self._told_of_row(name, bad) if isinstance(bad, BadRow) else bad.problem
                continue
            if sent == "" and name in _NEEDED:
                wrong[name] = _NEEDED[name]
            elif sent is not None and sent != before:
                changed[name] = sent
        self._cite(was, changed, wrong)
        self._ask_for_days(changed, wrong)
        self._needless(was, changed, wrong)
        changed |= {name: "yes" for name in self._reading.typed if _GONE.fullmatch(name)}
        if field_of(self._reading.typed, "right"):
            changed |= {f"right.{key}": "yes" for key in self._reading.form.taken_over}
        return changed, wrong

    def _ask_for_days(self, changed: Mapping[str, str], wrong: dict[str, str]) -> None:
        """Ask for the days of each step whose date was chosen just now."""
        asked = self._reading.form.to_choose
        for step in (name.removesuffix("from") for name in changed if name.endswith(".from") and name in asked):
            if not (changed.get(f"{step}offset") or changed.get(f"{step}working_days")):
                wrong[f"{step}offset"] = _HOW_LONG

    def _needless(self, was: Mapping[str, str], changed: dict[str, str], wrong: dict[str, str]) -> None:
        """Take that nothing makes the message needless, or from when on each event that does so counts."""
        if field_of(self._reading.typed, "needless.none"):
            changed["needless.none"] = "yes"
            if any(changed.get(f"unless.{each}.on") for each in NEW):
                wrong["needless.none"] = _BOTH
        for since in (f"unless.{each}.since" for each in NEW if changed.get(f"unless.{each}.on")):
            if since in self._reading.typed and not field_of(self._reading.typed, since):
                wrong[since] = _WHEN
        chosen = (name for name in self._reading.typed if name.startswith("unless.") and name.endswith(".since"))
        for since in (name for name in chosen if field_of(self._reading.typed, name) == "date"):
            under = since.removesuffix("since")
            if (under.split(".")[1] in NEW and not changed.get(f"{under}on")) or changed.get(f"{under}before"):
                continue
            if not (days := days_since_the_date({**was, **changed}, self._reading.types())):
                wrong[since] = _NO_DATE
            elif was.get(f"{under}before") != f"P{days}D":
                changed[f"{under}before"] = f"P{days}D"

    def _cite(self, was: Mapping[str, str], changed: dict[str, str], wrong: dict[str, str]) -> None:
        """Write the legal basis by the act and the articles, where they were changed.

        What was written by hand in one of the languages stays.
        """
        fields, acts, before = self._reading.typed, self._reading.acts, self._reading.citation(was)
        act, sent = field_of(fields, ACT), field_of(fields, ARTICLES)
        if ACT not in fields or (act, sent) == (before.act, as_typed(before.articles)):
            return
        try:
            articles = articles_in(sent)
        except BadArticles as bad:
            wrong[ARTICLES] = bad.problem
            return
        if not act:
            if articles not in ((), before.articles):  # those of the act that was taken away say nothing
                wrong[ACT] = _NO_ACT
        elif act not in acts:
            wrong[ACT] = _NOT_LISTED
        elif Citation(act, articles) != before:
            self._write(legal_basis(acts[act], articles), changed, wrong)

    @staticmethod
    def _write(law: Mapping[str, str], changed: dict[str, str], wrong: dict[str, str]) -> None:
        if any(len(text) > MOST_TEXT for text in law.values()):
            wrong[ARTICLES] = _TOO_LONG
            return
        for language, text in law.items():
            name = f"legal_basis.{language}"
            changed[name] = changed.get(name) or text

    def _told_of_row(self, name: str, bad: BadRow) -> str:
        """Return what is wrong with a row of a condition: with what it compares, or else its number."""
        rows = rows_in(self._reading.typed, name, {})
        field = rows.rows[bad.at].field if rows is not None else ""
        about = self._reading.names.heading_of(field) if field else str(bad.at + 1)
        return Words("{about}: {problem}", about=about, problem=bad.problem)

    def _sent(self, name: str, before: str) -> str | None:  # noqa: PLR0911  (one for each kind)
        """Return the text that a field's controls send; None where the page did not have them."""
        fields, form = self._reading.typed, self._reading.form
        match (form.parts.get(name) or form.new_parts[name]).kind:
            case "offset" | "duration":
                return length_in(fields, name)
            case "until":
                chosen = field_of(fields, f"{name}.of")
                return (length_in(fields, name) if chosen == "after" else chosen) if f"{name}.of" in fields else None
            case "names":
                sent = names_in(fields, name, before or (self._reading.usual_recipient if name == "to" else ""))
                return None if name == "to" and not before and sent == self._reading.usual_recipient else sent
            case "list":
                return channels_in(fields, name)
            case "flag":
                return field_of(fields, name) if f"{name}.shown" in fields else None
            case "condition" if name.startswith("unless."):
                return self._sent_of_later(name, before)
            case "condition":
                return condition_in(fields, name, before, self._reading.types(), self._reading.words_of())
            case "name" if field_of(fields, f"{name}.other"):
                return field_of(fields, f"{name}.other")
        return field_of(fields, name) if name in fields else None

    def _sent_of_later(self, name: str, before: str) -> str | None:
        """Return the condition of a later event, with whether it comes after the event that starts the rule."""
        under = name.removesuffix(".when")
        was_since, rest = without_after_start(before)
        later, since = (
            field_of(self._reading.typed, f"{under}.on"),
            field_of(self._reading.typed, f"{under}.since") or was_since,
        )
        sent = condition_in(
            self._reading.typed, name, rest, self._reading.types(later), self._reading.words_of(later)
        )
        if sent in (None, rest) and since == was_since:
            return None if sent is None else before
        sent = rest if sent is None else sent
        return after_start(sent) if since == "yes" and later else sent


def days_since_the_date(values: Mapping[str, str], types: Mapping[str, str]) -> int:
    """Return so many days before a message is due lies all of the day from which it counts; 0 if that is no day.

    `values`: name of a field -> its text; `types`: those of what a rule may name. A month counts as 31 days.
    """
    found = list[int]()
    for name, date in values.items():
        if name.startswith("due.") and name.endswith(".from"):
            try:
                offset = parse_offset(values.get(f"{name.removesuffix('from')}offset") or "P0D")
            except InvalidTime:
                return 0
            days = 31 * offset.months + offset.days
            if types.get(date) != "date" or not date.startswith("event.") or days <= 0 or offset.seconds:
                return 0
            found.append(days + 1)
    return max(found, default=0)
