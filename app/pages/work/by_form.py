"""A draft's rule as a form, in step with its file: only what changes is written."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response
from msgspec import Struct

from app.http import routes
from app.pages.catalogues import LANGUAGES, Speech
from app.pages.layout import Frame
from app.pages.life import shown
from app.pages.naming import step_called
from app.pages.pack_names import Names, names_of
from app.pages.ruling import CLASSES, in_words
from app.pages.visits import DraftForm, Fields, field_of
from app.pages.work import merging
from app.pages.work.advice import Advice, at_fields
from app.pages.work.beginning import TAKEN_OVER
from app.pages.work.controls import (
    UNITS,
    ConditionRow,
    Control,
    Groups,
    Length,
    channels_in,
    condition_in,
    doubt,
    length_in,
    named,
    names_in,
    rows_in,
    split,
    typed_length,
    was_in,
)
from app.pages.work.form_pages import Edit, FormPages
from app.pages.work.sheets import Id, laid_out, page_called, text_of
from app.pages.work.words import topics_of
from app.reports.life_words import CHANNELS
from domain.core.translatable import N_, Said, Words
from domain.facts.principals import Principal, Role
from domain.rules.event_types import ALONE, EventType
from streams.rules.drafts import StoredDraft
from streams.rules.in_force import Rules
from templates.authoring.condition_form import (
    OF_LISTS,
    OPERATORS,
    BadRow,
    Row,
    Rows,
    after_start,
    operators_of,
    read_condition,
    without_after_start,
)
from templates.authoring.rule_sentences import RuleWords, whom
from templates.authoring.trigger_form import NEW, TriggerForm
from templates.authoring.typed_values import NotANumber
from templates.authoring.yaml_edit import CannotEdit
from templates.checks.loader import BUILT_IN
from templates.checks.sense_check import ANSWERS
from templates.reading.findings import Finding

FILE: Final = "trigger.yaml"
NEXT: Final[Mapping[str, str]] = {"save": "/form?done=saved", "words": "/words", "tests": "/tests"}
_GONE = re.compile(r"(due\.[a-z0-9_]+|(unless|actions)\.[0-9]{1,3})\.gone")
URGENCY: Final[Mapping[str, str]] = {
    "emergency": N_("Danger to life or limb: goes at once, also at night, to everybody."),
    "legal": N_("The law demands it: goes also after an opt-out, but not at night."),
    "service": N_("About something that the person has begun: counts towards no limit."),
    "reminder": N_("Useful to know: keeps to the person’s limit of messages."),
    "offer": N_("Something new: only to those who agreed to such messages."),
}


RESIDENTS: Final[Mapping[str, str]] = {
    "event": N_("It is for those who lived there when it happened."),
    "due": N_("It is for those who live there when the message is due."),
}
_SPREAD = N_("So that not all ask the office at once; a day at most.")


_NEEDED: Final[Mapping[str, str]] = {
    "to": Said("Choose who gets the message"),
    "channels": Said("Choose how it is sent, by one way at least"),
}
"""Fields of which something must be chosen -> what is said where nothing is."""
_BOTH = Said("You ticked this and chose an event that makes it needless: take the tick away, or choose no event")


class Setting(Struct, frozen=True):
    """The sources of a form: the rule, what was typed instead, and what is wrong with it.

    `like`: the title of the rule from which a new draft has its law, topic and urgency.
    """

    form: TriggerForm
    typed: Fields
    wrong: Mapping[str, str]
    findings: Mapping[str, Sequence[Finding]]
    like: str = ""


class ByForm(FormPages[TriggerForm]):
    """Shows and keeps a draft's rule by form."""

    page_at = "/form"
    file_at = FILE

    @routes.get("/work/drafts/{id}/form")
    def page(self, request: Request, id: Id, done: str = "", like: str = "") -> Response:
        """Show the rule in a form. `like`: the rule from which the new draft has its law, topic and urgency."""
        who, frame, sheet = self._enter(request, id)
        return self._show(who, frame, sheet, done=done, like=like)

    def _show(
        self,
        who: Principal,
        frame: Frame,
        sheet: StoredDraft,
        typed: Fields | None = None,
        wrong: Mapping[str, str] | None = None,
        done: str = "",
        like: str = "",
    ) -> Response:
        rules = self._office.platform.rules.library.rules()
        try:
            form = self._form(sheet.files)
        except CannotEdit:
            return self._progress.show("form_not.html", frame, sheet, "write", findings=self._found(sheet))
        findings = [] if typed else self._found(sheet)
        advice, placed = Advice(rules, frame.speech, sheet.files), dict[str, list[Finding]]()
        of_the_rule = [each for each in findings if each.path == FILE]
        for each in of_the_rule:
            for name, found in at_fields(each, form.at(each.line, each.column)):
                placed.setdefault(name, []).append(advice.of_the_form(found))
        fact = rules.governed.current(like) if rules.governed.owners.get(like) == sheet.agency else None
        titled = frame.speech.titled(fact.rules["title"]) if fact is not None else ""
        view = View(rules, frame.speech, Setting(form, typed or {}, wrong or {}, placed, titled))
        own_was = field_of(typed or {}, "was") or json.dumps(form.values, ensure_ascii=False)
        revision = field_of(typed or {}, "revision") or str(sheet.revision)
        return self._progress.show(
            "form.html",
            frame,
            sheet,
            "write",
            view=view,
            errors=view.errors(),
            others=placed.get("", []),
            elsewhere=[
                (page, page_called(page, frame.speech))
                for page in sorted({each.path for each in findings if each.path != FILE})
            ],
            rest=[(key, text, view.told_of(key), form.line(key)) for key, text in form.rest],
            was=own_was,
            revision=revision,
            title=frame.speech.titled(view.titles) or sheet.trigger,
            owner=view.names.office(str(form.yaml.get(("owner",)) or "")),
            author=Role.AUTHOR in who.roles,
            units=[(code, frame.speech.say(text)) for code, text in UNITS.items()],
            done=done,
            unfinished=bool(of_the_rule),
            typed=bool(typed),
            at=frame.speech.moment(sheet.changed_at),
        )

    def _found(self, sheet: StoredDraft) -> Sequence[Finding]:
        with laid_out(self._bench, text_of(sheet)) as laid:
            return laid.findings

    @routes.post("/work/drafts/{id}/form")
    def save(self, request: Request, id: Id, fields: DraftForm) -> Response:
        """Write what was changed into the file; what a field does not take is told at it, and stays there."""
        who, frame, sheet = self._enter(request, id, fields)
        rules, opened = self._office.platform.rules.library.rules(), self._opened(sheet, fields, who)
        try:
            form = self._form(opened.files)
        except CannotEdit:
            return self._office.go(f"/work/drafts/{sheet.id}/form")
        view = View(rules, frame.speech, Setting(form, fields, {}, {}))
        changes, wrong = view.changes(was_in(fields, form.values))
        text, refused = form.with_changes(changes)
        wrong |= refused
        again = field_of(fields, "then") == "again"
        if wrong or again:
            return self._show(who, frame, opened, fields, {} if again else wrong)
        then = f"/work/drafts/{sheet.id}{NEXT.get(field_of(fields, 'then'), NEXT['save'])}"
        return self._save(opened, fields, Edit(who, frame, form, changes), {**sheet.files, FILE: text}, then)

    @routes.post("/work/drafts/{id}/form/merge")
    def merge(self, request: Request, id: Id, fields: DraftForm) -> Response:
        """Keep what was chosen of two editors' changes."""
        return self._chosen(request, id, fields)

    def _form(self, files: Mapping[str, str], spoken: str = "") -> TriggerForm:  # noqa: ARG002  (a rule has no language)
        return TriggerForm(files.get(FILE, ""), self._office.platform.rules.library.rules().defaults.languages)

    def _telling(self, form: TriggerForm, frame: Frame) -> merging.Telling:
        view = View(self._office.platform.rules.library.rules(), frame.speech, Setting(form, {}, {}, {}))
        labels = view.labels()
        return merging.Telling(lambda name: labels.get(name, name), view.told_value)


class View:
    """The controls for a rule, in the reader's language."""

    def __init__(self, rules: Rules, speech: Speech, setting: Setting) -> None:
        self._rules, self.speech, self._setting = rules, speech, setting
        self._say, self._form, self._typed = speech.say, setting.form, setting.typed
        self.languages = rules.defaults.languages

    # What the rule reads

    @cached_property
    def start(self) -> str:
        """Return what it starts on, as its control shows it."""
        return field_of(self._typed, "on") or self._form.values.get("on", "")

    @cached_property
    def names(self) -> Names:
        """Return the names of what the rule reads, as the event type that it starts on has them."""
        return names_of(self._rules, self.speech, self.type.name)

    def _words(self) -> RuleWords:
        contents = self._rules.governed.contents
        return in_words(contents, self._rules.catalogue, self.speech.language, self.type.name)

    def _type(self, start: str) -> EventType | None:
        edge, _, benefit = start.partition(":")
        if benefit:
            known = self._rules.catalogue.benefits.get(benefit)
            return None if known is None else self._rules.catalogue.kinds.get(known.on)
        return self._rules.catalogue.types.get(edge)

    @cached_property
    def type(self) -> EventType:
        """Return the event type on which it starts; nobody's where it is not known."""
        return self._type(self.start) or ALONE

    def types(self, later: str = "") -> dict[str, str]:
        """Return what a condition may read: dotted name -> type. `later`: the type of the other event."""
        catalogue = self._rules.catalogue
        known = {f"event.{name}": type_ for name, type_ in self.type.variables().items()}
        if (other := catalogue.types.get(later)) is not None:
            known |= {f"later.{name}": type_ for name, type_ in other.variables().items()}
        if ":" in self.start:
            known |= {"entitled.from": "date", "entitled.until": "date"}
        return {**known, **catalogue.citizen_variables(), **catalogue.parameter_variables()}

    def _choices(self, name: str, later: str = "") -> Sequence[str]:
        """Return the values of a field that has a list of them."""
        root, _, path = name.partition(".")
        type_ = self._rules.catalogue.types.get(later) if root == "later" else self.type
        if name == "citizen.sex":
            return ("female", "male")
        schema: Any = type_.schema if type_ is not None and root in ("event", "later") else {}
        for key in path.split("."):
            schema = schema.get("properties", {}).get(key, {})
        listed = schema.get("enum") or schema.get("items", {}).get("enum") or ()
        return [each for each in listed if isinstance(each, str)]

    def _words_of(self, later: str = "") -> dict[str, dict[str, str]]:
        """Return for each field with a list of values: the word of each in small letters -> the value."""
        return {
            name: {self.names.value(each).lower(): each for each in choices}
            for name in self.types(later)
            if (choices := self._choices(name, later))
        }

    # What was sent

    def changes(self, was: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Return the fields that were changed with their texts, and what is wrong with fields."""
        changed, wrong = dict[str, str](), dict[str, str]()
        for name in [*self._form.values, *_new_parts(self._typed, self.languages)]:
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
        if field_of(self._typed, "needless.none"):
            changed["needless.none"] = "yes"
            if any(changed.get(f"unless.{each}.on") for each in NEW):
                wrong["needless.none"] = _BOTH
        changed |= {name: "yes" for name in self._typed if _GONE.fullmatch(name)}
        return changed, wrong

    def _told_of_row(self, name: str, bad: BadRow) -> str:
        """Return what is wrong with a row of a condition: with what it compares, or else its number."""
        rows = rows_in(self._typed, name, {})
        field = rows.rows[bad.at].field if rows is not None else ""
        about = self.names.heading_of(field) if field else str(bad.at + 1)
        return Words("{about}: {problem}", about=about, problem=bad.problem)

    def _sent(self, name: str, before: str) -> str | None:  # noqa: PLR0911  (one for each kind)
        """Return the text that a field's controls send; None where the page did not have them."""
        part = self._form.parts.get(name)
        kind = part.kind if part else _kind_of(name)
        fields = self._typed
        match kind:
            case "offset" | "duration":
                return length_in(fields, name)
            case "until":
                chosen = field_of(fields, f"{name}.of")
                return (length_in(fields, name) if chosen == "after" else chosen) if f"{name}.of" in fields else None
            case "names":
                sent = names_in(fields, name, before or (self._usual_recipient if name == "to" else ""))
                return None if name == "to" and not before and sent == self._usual_recipient else sent
            case "list":
                return channels_in(fields, name)
            case "flag":
                return field_of(fields, name) if f"{name}.shown" in fields else None
            case "condition" if name.startswith("unless."):
                return self._sent_of_later(name, before)
            case "condition":
                return condition_in(fields, name, before, self.types(), self._words_of())
            case "name" if field_of(fields, f"{name}.other"):
                return field_of(fields, f"{name}.other")
        return field_of(fields, name) if name in fields else None

    def _sent_of_later(self, name: str, before: str) -> str | None:
        """Return the condition of a later event, with whether it comes after the event that starts the rule."""
        under = name.removesuffix(".when")
        was_since, rest = without_after_start(before)
        later, since = field_of(self._typed, f"{under}.on"), field_of(self._typed, f"{under}.since") or was_since
        sent = condition_in(self._typed, name, rest, self.types(later), self._words_of(later))
        if sent in (None, rest) and since == was_since:
            return None if sent is None else before
        sent = rest if sent is None else sent
        return after_start(sent) if since == "yes" and later else sent

    # Controls

    def errors(self) -> dict[str, str]:
        """Return what is wrong with which field, by the id of its control."""
        wrong = {name: self.speech.tell(text) for name, text in self._setting.wrong.items()}
        return named(wrong, self.labels() if wrong else {})

    def _control(self, name: str, kind: str, label: str, **more: Any) -> Control:
        error = self._setting.wrong.get(name, "")
        return Control(
            name=name,
            kind=kind,
            label=label,
            value=more.pop("value", self._value(name)),
            error=self.speech.tell(error) if error else "",
            findings=self._setting.findings.get(name, ()),
            **{"doubt": self._taken_over(name), **more},
        )

    def _taken_over(self, name: str) -> str:
        """Return the question at a field whose value a new draft has from another rule."""
        fields = [f"legal_basis.{self.languages[0]}", "category"]
        fields += ["class"] if self._form.values.get("class") in TAKEN_OVER else []
        if not self._setting.like or name not in fields:
            return ""
        asked = self._say("Taken over from “{title}”: is it right here too?")
        return asked.format(title=self._setting.like)

    def _value(self, name: str) -> str:
        if name in self._typed:
            return (self._typed[name] or [""])[0]
        return self._form.values.get(name, "")

    def _can(self, name: str) -> bool:
        """Return True if a field can show its value."""
        return name in self._form.values

    def _fitting(self, *controls: Control) -> Iterator[Control]:
        """Yield those of the controls that can show the value of their field."""
        return (each for each in controls if self._can(each.name))

    @property
    def titles(self) -> Mapping[str, str]:
        """Return the titles that are stored, by language."""
        return {each: text for each in self.languages if (text := self._form.values.get(f"title.{each}", ""))}

    def about(self) -> Iterator[Control]:
        """Yield what it is called, by which law, for whom."""
        for key, label, hint in (
            ("title", N_("Title"), N_("A citizen reads it above the message.")),
            ("legal_basis", N_("Legal basis"), N_("The law by which your agency may tell people this.")),
        ):
            for each in self.languages:
                if self._can(f"{key}.{each}"):
                    named = f"{self._say(label)} ({LANGUAGES.get(each, each)})"
                    told = self._say(hint) if each == self.languages[0] else ""
                    yield self._control(
                        f"{key}.{each}", "text" if key == "title" else "area", named, lang=each, hint=told
                    )
        yield self._topic()
        yield self._control(
            "class",
            "radios",
            self._say("How urgent is it?"),
            options=[(name, self._say(CLASSES[name]), self._say(text)) for name, text in URGENCY.items()],
        )

    def _topic(self) -> Control:
        options = topics_of(self._rules.governed, self.speech, self._form.values.get("category", ""))
        return self._control(
            "category",
            "select_or",
            self._say("Topic"),
            options=[("", [*self._unchosen("category"), *options])],
            more=field_of(self._typed, "category.other"),
            hint=self._say("People switch off topics that they do not want to hear of."),
        )

    def rare(self) -> Iterator[Control]:
        """Yield what few rules need."""
        say = self._say
        hint = say("Such as 3: only the third of these records starts it, the others count.")
        yield from self._fitting(
            self._control("count.nth", "short", say("Which of several records?"), hint=hint),
            self._length("count.within", say("Counted over so long, up to the record")),
            self._length("smooth", say("Spread all messages over"), hint=say(_SPREAD)),
        )
        if not self._form.values.get("act_by.from"):
            yield from self._last_day()
        yield from self._limits()
        yield from self._ways()

    def starting(self) -> Iterator[Control]:
        """Yield on what it starts, under which conditions, and who is told."""
        yield self._control(
            "on",
            "select",
            self._say("It starts when this is recorded"),
            options=self._starts(),
            more=self.names.search_words,
        )
        hint = self._say(
            "To compare with another record, go to part 4: there such a record makes the message needless."
        )
        yield self._condition("when", self._say("Only if"), hint=hint)
        if self.type.subject is not None and self._can("to"):
            chosen = self._typed.get("to") or self._form.values.get("to", "").split(",")
            # Whom the event is about may stand there by either name.
            about = self.type.subject if self.type.subject in chosen else "subject"
            roles = [about, *(each for each in self.type.roles if each != self.type.subject)]
            roles += [each for each in chosen if each and each not in roles]
            named = [(each, self.speech.tell(whom(each))) for each in roles]
            hint = self._say("Such as both parents, where the birth of a child is recorded.")
            yield self._ticks("to", self._say("Who is told?"), named, hint, usual=self._usual_recipient)
        own = [(f"event.{name}", self.names.heading_of(f"event.{name}")) for name in self.type.fields]
        own += [
            (f"event.{name}", self._called(f"event.{name}")) for name in self.type.roles if name != self.type.subject
        ]
        person = ("person", self._say("Once for a person, ever"))
        if self._can("occurrence"):
            yield self._ticks(
                "occurrence",
                self._say("Which records are about the same matter?"),
                [person, *own, *((each, each) for each in self._unknown("occurrence", [person, *own]))],
                hint=self._say(
                    "Tick what is the same in them, such as the number of a fine: of all records with that number"
                    " only the latest speaks. Nothing ticked: each record is a matter of its own."
                ),
            )

    def _unknown(self, name: str, options: Sequence[tuple[str, str]]) -> list[str]:
        """Return what stands in the file and is none of the options."""
        known = {value for value, _ in options}
        return [each for each in self._form.values.get(name, "").split(",") if each and each not in known]

    def _unchosen(self, name: str) -> list[tuple[str, str]]:
        """Return the option that nothing is chosen, where the file says nothing that the field can show."""
        return [] if self._form.values.get(name) else [("", self._say("Choose"))]

    @property
    def _usual_recipient(self) -> str:
        """Return who is told where the file does not say: whose benefit it is, or whom the event is about."""
        benefit = self._rules.catalogue.benefits.get(self.start.partition(":")[2])
        role = (benefit.to if benefit is not None else None) or "subject"
        return "subject" if role == self.type.subject else role

    def _ticks(
        self, name: str, label: str, options: Sequence[tuple[str, str]], hint: str = "", usual: str = ""
    ) -> Control:
        typed = f"{name}.shown" in self._typed
        chosen = self._typed.get(name, []) if typed else (self._form.values.get(name, "") or usual).split(",")
        return self._control(name, "ticks", label, value=chosen, options=options, hint=hint)

    def _starts(self) -> list[tuple[str, list[tuple[str, str]]]]:
        say, benefits = self._say, self._rules.catalogue.benefits
        edges = (("becomes", say("Somebody becomes entitled")), ("ceases", say("An entitlement ends")))
        groups = self._events()
        groups += [
            (text, [(f"{edge}:{name}", self.names.benefit(name)) for name in benefits]) for edge, text in edges
        ]
        found = [(text, options) for text, options in groups if options]
        known = {value for _, options in found for value, _ in options}
        first = self._unchosen("on") if self.start in known or not self.start else [(self.start, self.start)]
        return [("", first), *found] if first else found

    def _events(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return the events on which a rule may start, under the offices that report them: its own one first."""
        types = [
            each
            for each in self._rules.catalogue.types.values()
            if (each.name not in ANSWERS and not each.name.startswith(f"{BUILT_IN}.")) or each.name == self.start
        ]
        return self.names.by_office(types, str(self._form.yaml.get(("owner",)) or ""))

    def _condition(self, name: str, label: str, later: str = "", hint: str = "") -> Control:
        types, text = self.types(later), self._form.values.get(name, "")
        if name.startswith("unless."):
            _, text = without_after_start(text)
        typed = rows_in(self._typed, name, self._words_of(later))
        rows = typed if typed is not None else Rows() if not text else read_condition(text, types)
        if rows is None or (name in self._form.parts and not self._can(name)):
            return self._control(name, "text_only", label, value=text, told=self._in_words(text))
        shown_rows = [
            ConditionRow(
                row.field,
                row.operator,
                "" if row.of else row.value,
                row.value if row.of else "",
                self._operators(types.get(row.field, "string")),
                [(each, self.names.value(each)) for each in self._choices(row.field, later)],
                types.get(row.field, "string"),
                self._others(row, types),
            )
            for row in rows.rows
        ]
        more = {
            "rows": shown_rows,
            "joint": rows.joint,
            "fields": self._fields(types, later),
            "operators": self._operators(""),
            "others": self._fields({key: kind for key, kind in types.items() if key.startswith("event.")})
            if later
            else (),
        }
        told = self._in_words(text) if typed is None else ""
        return self._control(name, "condition", label, value=text, more=more, told=told, hint=hint)

    def _others(self, row: Row, types: Mapping[str, str]) -> Groups:
        """Return the values with which a row can compare its field: those of the same kind."""
        kind = types.get(row.field, "")
        listed = not row.of and not row.field.startswith("later.") and self._choices(row.field)
        if kind not in _ORDERED or listed:
            return ()
        same = {key: of for key, of in types.items() if _ORDERED.get(of) == _ORDERED[kind] and key != row.field}
        return self._fields(
            {key: of for key, of in same.items() if not key.startswith("later.") or (row.of and key == row.value)}
        )

    def _in_words(self, text: str) -> str:
        words = self._words()
        return self.speech.tell(words.condition(text)) if text else ""

    def _operators(self, type_: str) -> list[tuple[str, str]]:
        """Return the operators of a type; all, once each, where it is not known yet."""
        if type_:
            return [(sign, self._say(text)) for sign, text in operators_of(type_).items()]
        found: dict[str, str] = {}
        for of_type in ("string", "integer", "date", "strings"):
            for sign, text in OPERATORS[of_type].items():
                if sign in OF_LISTS and OF_LISTS[sign] in found:
                    continue  # a list contains a value as a text does
                found.setdefault(f"{sign}", text if of_type != "date" else found.get(sign, text))
        return [(sign, self._say(text)) for sign, text in found.items()]

    def _fields(self, types: Mapping[str, str], later: str = "") -> list[tuple[str, list[tuple[str, str]]]]:
        say = self._say
        headings = {
            "event": say("The event"),
            "later": say("The later event"),
            "citizen": say("The person"),
            "entitled": say("The entitlement"),
            "param": say("The law"),
        }
        order = ("later", "event", "entitled", "citizen", "param")
        groups = {
            root: [(name, self._called(name, later)) for name in types if name.partition(".")[0] == root]
            for root in order
        }
        return [(headings[root], options) for root, options in groups.items() if options]

    def _called(self, name: str, later: str = "") -> str:
        """Return what a condition may read in words: a role as it is called where it is told."""
        root, _, role = name.partition(".")
        types = {"event": self.type, "later": self._rules.catalogue.types.get(later)}
        type_ = types.get(root)
        if type_ is not None and role in type_.roles:
            return _begun(self.speech.tell(whom(role)))
        return self.names.heading_of(name)

    def nothing_needless(self) -> Iterator[Control]:
        """Yield the tick that nothing makes the message needless, while the sample asks that."""
        if self._form.asks_needless:
            asked = self._setting.findings.get("needless.none")
            hint = "" if asked else self._say("The sample asks this. Tick it, or add an event below.")
            ticked = field_of(self._typed, "needless.none")
            label = self._say("Nothing makes it needless")
            yield self._control("needless.none", "tick", label, value=ticked, more="yes", hint=hint)

    def steps(self) -> Iterator[tuple[str, str, list[Control], list[Control]]]:
        """Yield each step: its name, when it is due in words, its controls, and the rarer ones."""
        due = self._form.yaml.get(("due",))
        for name in due if isinstance(due, dict) else ():
            usual, rare = self._step(f"due.{name}")
            yield name, self._due(due[name]), usual, rare

    def step_called(self, name: str) -> str:
        """Return the name of a step as a heading."""
        due = self._form.yaml.get(("due",))
        return step_called(name, list(due) if isinstance(due, dict) else (), self.speech)

    def new_steps(self) -> Iterator[tuple[str, list[Control]]]:
        """Yield what adds a step, and what adds another one: a heading, and the controls."""
        for under, title in zip(NEW, (self._say("Add a step"), self._say("Add another step")), strict=True):
            yield title, self._new_step(f"due.{under}")

    def _new_step(self, under: str) -> list[Control]:
        name = self._control(
            f"{under}.name",
            "text",
            self._say("Name of the step"),
            hint=self._say("Small Latin letters; citizens never see it. Empty: it is made from the time."),
        )
        return [*self._step(under)[0], name]

    def _step(self, under: str) -> tuple[list[Control], list[Control]]:
        say = self._say
        usual = [
            self._control(
                f"{under}.from",
                "select",
                say("From which date is it counted?"),
                options=self._dates(self._moment_of_event(f"{under}.from")),
                hint=say(
                    "Most rules count from when it happened. A date that lies ahead, such as the last day of a card,"
                    " is for a message before that day."
                ),
            )
        ]
        if _is_new(under) or self._can(f"{under}.offset"):
            usual.append(self._length(f"{under}.offset", say("How long before or after?"), signed=True))
        usual.append(
            self._control(
                f"{under}.at",
                "short",
                say("At what time of day?"),
                hint=say("Such as 10:00, where the person lives."),
            )
        )
        rare = [
            self._control(
                f"{under}.on", "short", say("On a day of that year"), hint=say("Month and day, such as 08-15.")
            ),
            self._control(
                f"{under}.working_days",
                "short",
                say("Working days after it"),
                hint=say("With a minus: before it. It stands in place of a number of days."),
            ),
            self._condition(f"{under}.when", say("Only if")),
        ]
        if not _is_new(under):
            rare += self._repeated(under)
        return usual, rare

    def _repeated(self, under: str) -> Iterator[Control]:
        """Yield how a step is said again, and spread over some time."""
        say = self._say
        hint = say("The first included, such as 3.")
        ends = [("", say("nothing else ends it")), ("answered", say("until the person has answered"))]
        yield from self._fitting(
            self._length(f"{under}.repeat.every", say("Say it again every")),
            self._control(f"{under}.repeat.at_most", "short", say("How often in all?"), hint=hint),
            self._control(f"{under}.repeat.until", "select", say("Until when?"), options=[("", ends)]),
            self._length(f"{under}.smooth", say("Spread over"), hint=self._say(_SPREAD)),
        )

    def _moment_of_event(self, name: str) -> tuple[str, str]:
        """Return the option for the time of the event, as the file says it: by its name, or by saying nothing."""
        written = self._form.values.get(name, "") == "event.time"
        return ("event.time" if written else "", self._say("When it happened (the time of the event)"))

    def _dates(self, *first: tuple[str, str]) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return these options, then the dates that a rule may name, and those that it names though it may not."""
        kinds = self.types().items()
        dates = {name: kind for name, kind in kinds if kind == "date" and not name.startswith("param.")}
        used = {text for name, text in self._form.values.items() if name.endswith((".from", "expires"))}
        known = {"event.time", *dates, *(value for value, _ in first)}
        odd = [(each, each) for each in sorted(used - known) if "." in each]
        groups = [
            (title, [(name, self._ahead(name, text)) for name, text in each]) for title, each in self._fields(dates)
        ]
        return [("", [*first, *odd]), *groups]

    def _ahead(self, name: str, called: str) -> str:
        """Return what a date is called; of one that lies ahead, that something ends on it."""
        return self._say("{date} (when it ends)").format(date=called) if _ENDS.search(name) else called

    def _length(self, name: str, label: str, *, signed: bool = False, hint: str = "") -> Control:
        typed = f"{name}.number" in self._typed or f"{name}.raw" in self._typed
        value: Length = typed_length(self._typed, name) if typed else split(self._form.values.get(name, ""))
        asked = self.speech.tell(doubt(value, signed=signed))
        return self._control(name, "length", label, value=value, more=signed, hint=hint, doubt=asked)

    def _due(self, step: Mapping[str, Any] | None) -> str:
        return self._sentence(lambda words: words.due(step or {}))

    def _sentence(self, make: Callable[[RuleWords], str]) -> str:
        """Return a sentence about a part of the rule; nothing where that part is not as it should be."""
        return "".join(self._told(lambda words: [make(words)]))

    def _told(self, make: Callable[[RuleWords], Iterable[str]]) -> list[str]:
        """Return sentences about the rule as it is stored; none where it is not as it should be."""
        try:
            return [self.speech.tell(each) for each in make(self._words())]
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return []

    def sentences(self) -> list[str]:
        """Return the whole rule in words, as it is stored; nothing where it is not as it should be."""
        return self._told(lambda words: words.sentences(self._form.yaml.data))

    def labels(self) -> dict[str, str]:
        """Return the label of each field, by its name, in the order of the page."""
        found = {each.name: each.label for each in (*self.about(), *self.starting())}
        for name, _, usual, rare in self.steps():
            found |= {each.name: f"{self.step_called(name)}: {each.label}" for each in (*usual, *rare)}
        found |= {each.name: f"{title}: {each.label}" for title, controls in self.new_steps() for each in controls}
        found |= {each.name: each.label for each in (*self.ending(), *self.nothing_needless())}
        for at, _, controls in self.needless():
            found |= {each.name: f"{at + 1}: {each.label}" for each in controls}
        found |= {each.name: f"{title}: {each.label}" for title, controls in self.new_needless() for each in controls}
        found |= {each.name: each.label for each in self.sending()}
        for at, controls in self.buttons():
            found |= {each.name: f"{at + 1}: {each.label}" for each in controls}
        return found | {each.name: each.label for each in (*self.rare(), *self.new_button())}

    def told_value(self, name: str, text: str) -> str:  # noqa: PLR0911  (one for each kind)
        """Return a field's text in words, as far as there are any."""
        part = self._form.parts.get(name)
        match part.kind if part else "":
            case "condition":
                return self._in_words(text)
            case "start" | "word" if text in self._rules.catalogue.types:
                return self.names.heading(text)
            case "offset" | "duration" | "until" if (length := split(text)).number:
                told, before = f"{length.number} {self._say(UNITS[length.unit])}", self._say("before it")
                return f"{told} ({before})" if length.sign else told
            case "list":
                return " → ".join(shown(CHANNELS, each, self.speech) for each in text.split(",") if each)
            case "names":
                return ", ".join(self.names.heading_of(each) if "." in each else each for each in text.split(","))
            case "flag":
                return self._say("yes") if text else self._say("no")
        return text

    def told_of(self, key: str) -> list[str]:
        """Return in words what a key says that no field shows; nothing where there are no words for it."""
        data = self._form.yaml.data
        if key == "residents_at" and data.get(key) in RESIDENTS:
            return [self._say(RESIDENTS[data[key]])]
        without = {name: each for name, each in data.items() if name != key.partition(".")[0]}

        def only_here(words: RuleWords) -> list[str]:
            others = [str(each) for each in words.sentences(without)]
            return [each for each in words.sentences(data) if str(each) not in others]

        return self._told(only_here)

    def ending(self) -> Iterator[Control]:
        """Yield until when it is of use."""
        say, value = self._say, self._form.values.get("expires", "")
        if self._can("expires"):
            typed = field_of(self._typed, "expires.of") if "expires.of" in self._typed else None
            is_date = value.startswith(("event.", "citizen.", "entitled."))
            chosen = typed if typed is not None else value if is_date else "after" if value else ""
            length = self._length("expires", "")
            use = length.value if typed is not None or not is_date else Length()
            first = [("", say("30 days after it is due")), ("after", say("so long after it is due"))]
            yield self._control(
                "expires",
                "until",
                say("Until when is it of use?"),
                value=chosen,
                options=self._dates(*first),
                more=use,
                doubt=length.doubt if use else "",
                hint=say("Later than that it is not sent any more."),
            )
        if self._form.values.get("act_by.from"):
            yield from self._last_day()

    def _last_day(self) -> Iterator[Control]:
        """Yield the last day to act; few rules name one."""
        if self._can("act_by.from"):
            label = self._say("Last day to act, if it is another one")
            options = self._dates(("", self._say("Not said")))
            yield self._control("act_by.from", "select", label, options=options)
            yield self._length("act_by.offset", self._say("So long after that day"))

    def _limits(self) -> Iterator[Control]:
        say = self._say
        overdue = [
            ("", say("the latest goes (unless said)")),
            ("latest", say("the latest goes")),
            ("all", say("all go")),
            ("none", say("none goes")),
        ]
        hint = say("A date such as 2025-01-31; from its publication on unless said.")
        yield from self._fitting(
            self._control("catch_up", "select", say("If several steps are overdue already"), options=[("", overdue)]),
            self._control("reach", "short", say("Records from this day on"), hint=hint),
            self._control("ahead_from", "short", say("Nothing that was due before this day"), hint=hint),
        )

    def needless(self) -> Iterator[tuple[int, str, list[Control]]]:
        """Yield each event that makes the message needless: its number, in words, its controls."""
        listed = self._form.yaml.get(("unless",))
        for at, each in enumerate(listed if isinstance(listed, list) else ()):
            yield at, self._sentence(lambda words, each=each: words.unless(each)), self.unless(f"unless.{at}")  # type: ignore[misc]

    def new_needless(self) -> Iterator[tuple[str, list[Control]]]:
        """Yield what adds such an event, and what adds another one: a heading, and the controls."""
        titles = (
            self._say("Add an event that makes it needless"),
            self._say("Add another event that makes it needless"),
        )
        for under, title in zip(NEW, titles, strict=True):
            yield title, self.unless(f"unless.{under}")

    def unless(self, under: str) -> list[Control]:
        """Return the controls of such an event."""
        say, later = self._say, field_of(self._typed, f"{under}.on") or self._form.values.get(f"{under}.on", "")
        options = [("", [("", say("Choose"))]), *self._events()]
        known = {value for _, group in options for value, _ in group}
        if later not in known:
            options[0][1].append((later, self.names.heading(later)))
        found = [
            self._control(
                f"{under}.on", "select", say("This has been recorded"), options=options, more=self.names.search_words
            ),
            *([self._since(under)] if _CAN_SINCE in self.types() else []),
            self._condition(f"{under}.when", say("Only if"), later),
        ]
        for key, label in (
            ("before", say("At most so long before the message is due")),
            ("after", say("At most so long after the message is due")),
            ("grace", say("Wait so long for late reports")),
        ):
            if _is_new(under) or self._can(f"{under}.{key}"):
                found.append(self._length(f"{under}.{key}", label))
        return found

    def _since(self, under: str) -> Control:
        say, name = self._say, f"{under}.since"
        options = [("yes", say("since the record that starts the rule")), ("no", say("also before it"))]
        stands = "yes" if _is_new(under) else without_after_start(self._form.values.get(f"{under}.when", ""))[0]
        chosen = field_of(self._typed, name) or stands
        return self._control(name, "select", say("When has it to happen?"), value=chosen, options=[("", options)])

    def sending(self) -> Iterator[Control]:
        """Return how it is sent."""
        say = self._say
        chosen = channels_in(self._typed, "channels") or self._form.values.get("channels", "")
        names = [(name, shown(CHANNELS, name, self.speech)) for name in ("push", "sms", "email")]
        if not set(chosen.split(",")) <= {*CHANNELS, ""}:  # such a list is mended in the file: lint says so
            return iter(())
        ways, value = say("By which ways, in which order?"), [*chosen.split(","), "", "", ""][:3]
        return self._fitting(self._control("channels", "order", ways, value=value, options=names))

    def _ways(self) -> Iterator[Control]:
        say = self._say
        silence, hint = (
            say("Go on to the next way after a silence of"),
            say("Empty: only where the one before fails."),
        )
        told = [
            ("", say("their guardians (unless said)")),
            ("guardians", say("their guardians")),
            ("self", say("they themselves")),
        ]
        yield from self._fitting(
            self._length("cascade_after", silence, hint=hint),
            self._control("minors", "select", say("Who is told for a minor?"), options=[("", told)]),
            self._tick("cascade", say("A message that was not opened counts as a silence"), "until_opened"),
            self._tick("discreet", say("Push, SMS and subject say nothing of the substance"), "yes"),
            self._tick("correction", say("There are words for taking it back"), "yes"),
        )

    def _tick(self, name: str, label: str, means: str) -> Control:
        stands = self._form.values.get(name, "")
        ticked = field_of(self._typed, name) if f"{name}.shown" in self._typed else stands
        return self._control(name, "tick", label, value=ticked, more=stands or means)

    def buttons(self) -> Iterator[tuple[int, list[Control]]]:
        """Yield each button under the message."""
        listed = self._form.yaml.get(("actions",))
        for at in range(len(listed) if isinstance(listed, list) else 0):
            names = [name for name in self._form.parts if name.startswith(f"actions.{at}.") and self._can(name)]
            yield at, [self._button(name) for name in names]

    def new_button(self) -> list[Control]:
        """Return the controls of one more button."""
        keys = (*(f"label.{each}" for each in self.languages), "url", "id")
        return [self._button(f"actions.{NEW[0]}.{key}") for key in keys]

    def _button(self, name: str) -> Control:
        key = name.rpartition(".")[2]
        if key == "url":
            return self._control(
                name, "text", self._say("Where it leads"), hint=self._say("An address that begins with https://")
            )
        if key in ("id", "service"):
            label = self._say("Name of the button") if key == "id" else self._say("Service")
            hint = self._say("Small Latin letters; citizens never see it.")
            if key == "id":
                hint = self._say("Small Latin letters; citizens never see it. Empty: it is made from the words.")
            return self._control(name, "text", label, hint=hint)
        words = self._say("Words on the button")
        return self._control(name, "text", f"{words} ({LANGUAGES.get(key, key)})", lang=key)


_ENDS: Final = re.compile(r"(^|[._])(expires_on|ends_on|\w+_until|\w+_by)$")
"""Names of dates on which something ends."""
_CAN_SINCE: Final = "event.time"
_ORDERED: Final[Mapping[str, str]] = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "date": "date",
    "instant": "moment",
}
"""Type of a value that is compared with another one -> the kind that both have."""


def _is_new(under: str) -> bool:
    return under.rpartition(".")[2] in NEW


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def _new_parts(fields: Fields, languages: Sequence[str]) -> list[str]:
    names = {f"{group}.{each}" for group in ("due", "unless", "actions") for each in NEW}
    keys = {
        "due": ("name", "from", "offset", "at"),
        "unless": ("on", "when", "before", "after", "grace"),
        "actions": ("id", "url", *(f"label.{each}" for each in languages)),
    }
    return [f"{under}.{key}" for under in sorted(names) for key in keys[under.partition(".")[0]] if fields]


def _kind_of(name: str) -> str:
    return {
        "offset": "offset",
        "before": "duration",
        "after": "duration",
        "grace": "duration",
        "when": "condition",
    }.get(name.rpartition(".")[2], "text")
