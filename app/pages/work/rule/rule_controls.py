"""The kinds of controls of a form about a rule: what each shows of the rule, and of what was typed over it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from app.pages.catalogues import Speech
from app.pages.pack_names import Names
from app.pages.visits import Fields, field_of
from app.pages.work.drafts.controls import (
    ConditionRow,
    Control,
    Groups,
    Length,
    doubt_about,
    labelled_errors,
    length_of,
    rows_in,
    typed_length,
)
from app.pages.work.rule.rule_reading import RuleReading
from app.pages.work.rule.simple_fields import field_named
from streams.rules.in_force import Rules
from templates.authoring.cited_acts import Acts
from templates.authoring.condition_form import (
    OF_LISTS,
    OPERATORS,
    Row,
    Rows,
    operators_of,
    read_condition,
    without_after_start,
)
from templates.authoring.trigger_form import TriggerForm
from templates.reading.findings import Finding

_ORDERED: Final[Mapping[str, str]] = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "date": "date",
    "instant": "moment",
}
"""Type of a value that is compared with another one -> the kind that both have."""


class Setting(Struct, frozen=True):
    """The sources of a form: the rule, what was typed instead, and what is wrong with it.

    `acts`: those of its pack.
    """

    form: TriggerForm
    typed: Fields
    wrong: Mapping[str, str]
    findings: Mapping[str, Sequence[Finding]]
    acts: Acts = {}


class RuleControls:
    """Makes controls, of each kind one, in the reader's language."""

    def __init__(self, rules: Rules, speech: Speech, setting: Setting) -> None:
        self.reading = RuleReading(rules, speech, setting.form, setting.typed, setting.acts)
        self.speech, self.form, self.typed = speech, setting.form, setting.typed
        self._say, self._setting, self.values = speech.say, setting, setting.form.values

    @property
    def names(self) -> Names:
        """Return the names of what the rule reads."""
        return self.reading.names

    def errors(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Return what is wrong with which field, by the id of its control."""
        wrong = {name: self.speech.tell(text) for name, text in self._setting.wrong.items()}
        return labelled_errors(wrong, labels)

    def control(self, name: str, kind: str, label: str, **more: Any) -> Control:
        """Return the control of a field, with what is wrong with it and what was typed into it."""
        error = self._setting.wrong.get(name, "")
        return Control(
            name=name,
            kind=kind,
            label=label,
            value=more.pop("value", self.value(name)),
            error=self.speech.tell(error) if error else "",
            findings=self._setting.findings.get(name, ()),
            **more,
        )

    def value(self, name: str) -> str:
        """Return what a field shows: what was typed, else what is stored."""
        if name in self.typed:
            return (self.typed[name] or [""])[0]
        return self.values.get(name, "")

    def can_show(self, name: str) -> bool:
        """Return True if a field can show its value."""
        return name in self.values

    def unknown(self, name: str, options: Sequence[tuple[str, str]]) -> list[str]:
        """Return what stands in the file and is none of the options."""
        known = {value for value, _ in options}
        return [each for each in self.values.get(name, "").split(",") if each and each not in known]

    def unchosen(self, name: str) -> list[tuple[str, str]]:
        """Return the option that nothing is chosen, where the file says nothing that the field can show."""
        return [] if self.values.get(name) else [("", self._say("Choose"))]

    def ticks(
        self, name: str, label: str, options: Sequence[tuple[str, str]], hint: str = "", usual: str = ""
    ) -> Control:
        """Return a field of which several options may be chosen; `usual`: the one where the file says none."""
        typed = f"{name}.shown" in self.typed
        chosen = self.typed.get(name, []) if typed else (self.values.get(name, "") or usual).split(",")
        return self.control(name, "ticks", label, value=[*filter(None, chosen)], options=options, hint=hint)

    def tick(self, name: str, label: str, means: str) -> Control:
        """Return a field that is ticked or not; `means`: what a tick writes."""
        stands = self.values.get(name, "")
        ticked = field_of(self.typed, name) if f"{name}.shown" in self.typed else stands
        return self.control(name, "tick", label, value=ticked, more=stands or means)

    def length(self, name: str, label: str, *, signed: bool = False, hint: str = "") -> Control:
        """Return a field of a length of time; `signed`: before or after something."""
        typed = f"{name}.number" in self.typed or f"{name}.raw" in self.typed
        value: Length = typed_length(self.typed, name) if typed else length_of(self.values.get(name, ""))
        asked = self.speech.tell(doubt_about(value, signed=signed))
        return self.control(name, "length", label, value=value, more=signed, hint=hint, doubt=asked)

    def simple(self, name: str) -> Control:
        """Return the control of a field of the table."""
        field = field_named(name)
        assert field is not None
        label, hint = self._say(field.label), self._say(field.hint) if field.hint else ""
        match field.kind:
            case "length" | "signed":
                return self.length(name, label, signed=field.kind == "signed", hint=hint)
            case "tick":
                return self.tick(name, label, field.means)
        options = [("", [(value, self._say(text)) for value, text in field.options.items()])] if field.options else ()
        return self.control(name, field.kind, label, options=options, hint=hint)

    def listed(self, *names: str) -> list[Control]:
        """Return the controls of those fields of the table that can show their values, or are of a new entry."""
        return [self.simple(name) for name in names if self.can_show(name) or name in self.form.new_parts]

    def condition(self, name: str, label: str, later: str = "", hint: str = "") -> Control:
        """Return the rows of a condition, or its text where it makes none. `later`: the type of the other event."""
        types, text = self.reading.types(later), self.values.get(name, "")
        if name.startswith("unless."):
            _, text = without_after_start(text)
        typed = rows_in(self.typed, name, self.reading.words_of(later))
        rows = typed if typed is not None else Rows() if not text else read_condition(text, types)
        if rows is None or (name in self.form.parts and not self.can_show(name)):
            return self.control(name, "text_only", label, value=text, told=self.reading.in_words(text))
        shown_rows = [
            ConditionRow(
                row.field,
                row.operator,
                "" if row.of else row.value,
                row.value if row.of else "",
                self._operators(types.get(row.field, "string")),
                [(each, self.names.value(each)) for each in self.reading.choices(row.field, later)],
                types.get(row.field, "string"),
                self._others(row, types),
            )
            for row in rows.rows
        ]
        more = {
            "rows": shown_rows,
            "joint": rows.joint,
            "fields": self.reading.grouped(types, later),
            "operators": self._operators(""),
            "others": self.reading.grouped({key: kind for key, kind in types.items() if key.startswith("event.")})
            if later
            else (),
        }
        told = self.reading.in_words(text) if typed is None else ""
        return self.control(name, "condition", label, value=text, more=more, told=told, hint=hint)

    def _others(self, row: Row, types: Mapping[str, str]) -> Groups:
        """Return the values with which a row can compare its field: those of the same kind."""
        kind = types.get(row.field, "")
        listed = not row.of and not row.field.startswith("later.") and self.reading.choices(row.field)
        if kind not in _ORDERED or listed:
            return ()
        same = {key: of for key, of in types.items() if _ORDERED.get(of) == _ORDERED[kind] and key != row.field}
        return self.reading.grouped(
            {key: of for key, of in same.items() if not key.startswith("later.") or (row.of and key == row.value)}
        )

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
