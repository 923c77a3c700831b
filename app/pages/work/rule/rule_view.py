"""The form of a rule, part by part as its page shows it, in the reader's language."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from app.pages.catalogues import LANGUAGES
from app.pages.life import word_for
from app.pages.rule_words import CLASSES
from app.pages.visits import field_of
from app.pages.work.drafts.controls import Control, Length, channels_in, length_of
from app.pages.work.rule.rule_controls import RuleControls
from app.pages.work.rule.sent_rule import ACT, ARTICLES, days_since_the_date
from app.pages.work.rule.simple_fields import field_named
from app.pages.work.words import topics_of
from app.reports.life_words import CHANNELS
from domain.core.translatable import N_, Joined, Said, Words
from templates.authoring.cited_acts import as_typed
from templates.authoring.condition_form import without_after_start
from templates.authoring.rule_sentences import whom
from templates.authoring.trigger_form import NEW, UNITS
from templates.checks.loader import BUILT_IN
from templates.checks.sense_check import ANSWERS

KIND: Final = N_("What kind of message is it, and how urgent?")
URGENCY: Final[Mapping[str, str]] = {
    "emergency": N_("Danger to life or limb, such as a flood: goes at once, also at night, to everybody."),
    "legal": N_(
        "The law demands that people are told: goes also to those who switched such messages off, but not at night."
    ),
    "service": N_(
        "About something that the person has begun, such as their own application: counts towards no limit"
        " of messages."
    ),
    "reminder": N_("Useful to know, such as a tax that is due soon: keeps to the person’s limit of messages."),
    "offer": N_("Something new, such as free courses: only to those who agreed to such messages."),
}
NEEDLESS: Final = N_("4. Do not send if the person has already:")
"""The heading of the part in which an author is asked what makes the message needless."""
_TAKEN_OVER: Final[Mapping[str, str]] = {
    "legal_basis": N_("Legal basis"),
    "category": N_("Topic"),
    "class": N_("Kind of message"),
}
"""Key that may be taken over from another rule -> what its values are called."""
_ENDS: Final = re.compile(r"(^|[._])(expires_on|ends_on|\w+_until|\w+_by)$")
"""Names of dates on which something ends."""
_CAN_SINCE: Final = "event.time"


class InLanguages(NamedTuple):
    """A text in several languages, the reader's own first.

    `seen`: those that are always seen. `folded`: the others, if nothing is to be done there, under that title.
    `above`: what writes it in all of them.
    """

    seen: Sequence[Control]
    title: str
    folded: Sequence[Control]
    above: Sequence[Control] = ()


class RuleView(RuleControls):
    """The parts of the form, each with its controls."""

    def texts(self) -> Iterator[InLanguages]:
        """Yield what it is called, and by which law it is sent."""
        yield self._in_languages("title", "text", N_("Title"), N_("A citizen reads it above the message."))
        yield self._law()

    def _law(self) -> InLanguages:
        """Return the legal basis: an act and its articles, and folded below what that writes in each language."""
        above, hint = self._citation(), N_("The law by which your agency may tell people this.")
        free = self._in_languages("legal_basis", "area", N_("Legal basis"), "" if above else hint)
        fields = [*free.seen, *free.folded]
        asked = [found for each in fields for found in each.findings if found.placeholder]
        if not above or any(each.error for each in fields) or not (asked or above[0].value):
            return free._replace(above=above)
        told = [replace(each, message=Said(N_("Choose the act"))) for each in asked[:1]]
        act = replace(above[0], findings=[*above[0].findings, *told])
        unasked = [
            replace(each, findings=[found for found in each.findings if not found.placeholder]) for each in fields
        ]
        return InLanguages((), self._say("The legal basis in your own words"), unasked, (act, *above[1:]))

    def _citation(self) -> Sequence[Control]:
        """Return the choice of an act, and its articles; nothing where the pack names no acts."""
        say, acts = self._say, self.reading.acts
        if not acts:
            return ()
        cited, is_typed = self.reading.citation(self.values), ACT in self.typed
        named = [(name, self.speech.titled(called)) for name, called in acts.items()]
        options = [("", say("Choose")), *sorted(named, key=lambda each: each[1].lstrip("«“"))]
        return (
            self.control(
                ACT,
                "select_long",
                say("Act"),
                value=field_of(self.typed, ACT) if is_typed else cited.act,
                options=[("", options)],
            ),
            self.control(
                ARTICLES,
                "short",
                say("Articles"),
                value=field_of(self.typed, ARTICLES) if is_typed else as_typed(cited.articles),
                hint=say("Such as 71, or 71, 72, or 71–73."),
            ),
        )

    def _in_languages(self, key: str, kind: str, label: str, hint: str, seen: int = 1) -> InLanguages:
        """Return a text of the rule in all languages; that several are of the sample is said at the first of them.

        `seen`: in how many languages it is always seen.
        """
        first, label = self.reading.languages[0], self._say(label)
        fields = [
            self.control(
                f"{key}.{each}",
                kind,
                f"{label} ({LANGUAGES.get(each, each)})",
                lang=each,
                hint=self._say(hint) if hint and each == first else "",
            )
            for each in self.reading.languages
            if self.can_show(f"{key}.{each}")
        ]
        others, told = fields[seen:], _remarked_once(fields)
        if not all(each.value and not (each.error or each.findings) for each in others):
            return InLanguages(told, "", ())
        called = ", ".join(LANGUAGES.get(each.lang, each.lang) for each in others)
        return InLanguages(told[:seen], f"{label}: {called}", told[seen:])

    def topic_and_urgency(self) -> Iterator[Control]:
        """Yield its topic and how urgent it is."""
        yield self._topic()
        yield self.control(
            "class",
            "radios",
            self._say(KIND),
            options=[(name, self._say(CLASSES[name]), self._say(text)) for name, text in URGENCY.items()],
        )
        yield from self._right_here()

    def _right_here(self) -> Iterator[Control]:
        """Yield the tick that what is taken over from another rule is right here too, while that is asked."""
        ticked = field_of(self.typed, "right")
        asked = map(self._asked_of, self.form.taken_over)
        if left := [each for each in asked if not self.typed or ticked or each.findings]:
            label = self._say("What of this is not changed is right here too: {names}")
            names = ", ".join(each.label for each in left)
            yield replace(left[0], name="right", label=label.format(names=names), value=ticked, more="yes")

    def _asked_of(self, key: str) -> Control:
        return self.control(f"right.{key}", "tick", self._say(_TAKEN_OVER[key]))

    def _topic(self) -> Control:
        options = topics_of(self.reading.rules.governed, self.speech, self.values.get("category", ""))
        return self.control(
            "category",
            "select_or",
            self._say("Topic"),
            options=[("", [*self.unchosen("category"), *options])],
            more=field_of(self.typed, "category.other"),
            hint=self._say("People switch off topics that they do not want to hear of."),
        )

    def starting(self) -> Iterator[Control]:
        """Yield on what it starts, under which conditions, and who is told."""
        yield self.control(
            "on",
            "select",
            self._say("It starts when this is recorded"),
            options=self._starts(),
            more=self.names.search_words,
        )
        hint = self._say(
            "To compare with another record, go to part 4: there such a record makes the message needless."
        )
        yield self.condition("when", self._say("Only if"), hint=hint)
        yield from self._recipients()
        if self._may_have_several_records:
            yield from self._same_matter()

    @property
    def _may_have_several_records(self) -> bool:
        """Return True if the rule says which records are about one matter, or several messages may be due for it."""
        return bool(self.values.get("occurrence")) or len(self.form.yaml.get(("due",)) or ()) > 1

    def _recipients(self) -> Iterator[Control]:
        subject = self.reading.type.subject
        if subject is not None and self.can_show("to"):
            chosen = self.typed.get("to") or self.values.get("to", "").split(",")
            about = subject if subject in chosen else "subject"  # they may stand there by either name
            roles = [about, *(each for each in self.reading.type.roles if each != subject)]
            roles += [each for each in chosen if each and each not in roles]
            named = [(each, self.speech.tell(whom(each))) for each in roles]
            hint = self._say("Such as both parents, where the birth of a child is recorded.")
            hint = hint if len(named) > 1 else ""
            yield self.ticks("to", self._say("Who is told?"), named, hint, usual=self.reading.usual_recipient)

    def _same_matter(self) -> Iterator[Control]:
        if not self.can_show("occurrence"):
            return
        type_ = self.reading.type
        fields = [*type_.fields, *(name for name in type_.roles if name != type_.subject)]
        options = [("person", self._say("Once for a person, ever"))]
        options += [(f"event.{name}", self.reading.name_in_words(f"event.{name}")) for name in fields]
        yield self.ticks(
            "occurrence",
            self._say("Which records are about the same matter?"),
            [*options, *((each, each) for each in self.unknown("occurrence", options))],
            hint=self._say(
                "Usually nothing is ticked: each record is a matter of its own. Tick what is the same in several"
                " records about one matter, such as the number of a fine: of all records with that number only"
                " the latest speaks."
            ),
        )

    def _starts(self) -> list[tuple[str, list[tuple[str, str]]]]:
        say, benefits = self._say, self.reading.rules.catalogue.benefits
        edges = (("becomes", say("Somebody becomes entitled")), ("ceases", say("An entitlement ends")))
        groups = self._events()
        groups += [
            (text, [(f"{edge}:{name}", self.names.benefit(name)) for name in benefits]) for edge, text in edges
        ]
        found = [(text, options) for text, options in groups if options]
        known = {value for _, options in found for value, _ in options}
        start = self.reading.start
        first = [(start, start)] if start and start not in known else self.unchosen("on")
        return [("", first), *found] if first else found

    def _events(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return the events on which a rule may start, under the offices that report them: its own one first."""
        types = [
            each
            for each in self.reading.rules.catalogue.types.values()
            if (each.name not in ANSWERS and not each.name.startswith(f"{BUILT_IN}."))
            or each.name == self.reading.start
        ]
        return self.names.by_office(types, str(self.form.yaml.get(("owner",)) or ""))

    def steps(self) -> Iterator[tuple[str, list[Control], list[Control]]]:
        """Yield each step: its name, its controls, and the rarer ones."""
        due = self.form.yaml.get(("due",))
        for name in due if isinstance(due, dict) else ():
            yield name, *self._step(f"due.{name}")

    def new_steps(self) -> Iterator[tuple[str, list[Control]]]:
        """Yield what adds a step, and what adds another one: a heading, and the controls."""
        for under, title in zip(NEW, (self._say("Add a step"), self._say("Add another step")), strict=True):
            yield title, self._new_step(f"due.{under}")

    def _new_step(self, under: str) -> list[Control]:
        return [*self._step(under)[0], self.simple(f"{under}.name")]

    def _step(self, under: str) -> tuple[list[Control], list[Control]]:
        say = self._say
        counted = self.control(
            f"{under}.from",
            "select",
            say("From which date is it counted?"),
            options=self._dates(*self._moment_of_event(f"{under}.from")),
            hint=self._counted_from(),
        )
        usual = [counted, *self.listed(f"{under}.offset"), self.simple(f"{under}.at")]
        rare = [self.simple(f"{under}.on"), self.simple(f"{under}.working_days")]
        again = self.listed(
            *(f"{under}.{key}" for key in ("repeat.every", "repeat.at_most", "repeat.until", "smooth"))
        )
        return usual, [*rare, self.condition(f"{under}.when", say("Only if")), *again]

    def _counted_from(self) -> str:
        """Return the hint that tells the time of the event from the dates that stand in its record."""
        say = self._say
        if not (dates := self._own_dates()):
            ahead = say("A date that lies ahead, such as the last day of a card, is for a message before that day.")
            usual = say("Most rules count from when it happened.")
            return f"{usual} {ahead}"
        told = say(
            "The time of the event is when the registry recorded it, maybe days later than this date: {dates}."
        )
        named = self.speech.tell(Joined([Words("“{value}”", value=each) for each in dates]))
        return told.format(dates=named)

    def _own_dates(self) -> list[str]:
        """Return what the dates in the record of the event are called, apart from those on which something ends."""
        return [
            self.reading.name_in_words(name)
            for name, kind in self.reading.types().items()
            if kind == "date" and name.startswith("event.") and not _ENDS.search(name)
        ]

    def _moment_of_event(self, name: str) -> list[tuple[str, str]]:
        """Return the option for the time of the event, as the file says it: by its name, or by saying nothing.

        Where the author is asked to choose, nothing is chosen.
        """
        told = self._say("The time of the event, as the registry reports it")
        if name in self.form.to_choose:
            return [*self.unchosen(name), ("event.time", told)]
        return [("event.time" if self.values.get(name, "") == "event.time" else "", told)]

    def _dates(self, *first: tuple[str, str]) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return these options, then the dates that a rule may name, and those that it names though it may not."""
        kinds = self.reading.types().items()
        dates = {name: kind for name, kind in kinds if kind == "date" and not name.startswith("param.")}
        used = {text for name, text in self.values.items() if name.endswith((".from", "expires"))}
        known = {"event.time", *dates, *(value for value, _ in first)}
        odd = [(each, each) for each in sorted(used - known) if "." in each]
        groups = [
            (title, [(name, self._ahead(name, self._of_event(name, text))) for name, text in each])
            for title, each in self.reading.grouped(dates)
        ]
        return [("", [*first, *odd]), *groups]

    def _of_event(self, name: str, called: str) -> str:
        """Return what a date is called; of one of the event, with the event."""
        if not name.startswith("event."):
            return called
        return f"{called} – {self.speech.tell(self.names.event(self.reading.type.name))}"

    def _ahead(self, name: str, called: str) -> str:
        """Return what a date is called; of one that lies ahead, that something ends on it."""
        return self._say("{date} (when it ends)").format(date=called) if _ENDS.search(name) else called

    def ending(self) -> Iterator[Control]:
        """Yield the controls of when a message expires."""
        say, value = self._say, self.values.get("expires", "")
        if self.can_show("expires"):
            typed = field_of(self.typed, "expires.of") if "expires.of" in self.typed else None
            is_date = value.startswith(("event.", "citizen.", "entitled."))
            chosen = typed if typed is not None else value if is_date else "after" if value else ""
            length = self.length("expires", "")
            use = length.value if typed is not None or not is_date else Length()
            first = [("", say("30 days after it is due")), ("after", say("so long after it is due"))]
            yield self.control(
                "expires",
                "until",
                say("Until when may it still be sent?"),
                value=chosen,
                options=self._dates(*first),
                more=use,
                doubt=length.doubt if use else "",
                hint=say(
                    "If sending is delayed, it does not go after that. Example: a discount on a fine holds for 15"
                    " days, so on the 16th day it is too late to tell of it."
                ),
            )
        if self.values.get("act_by.from"):
            yield from self._last_day()

    def _last_day(self) -> Iterator[Control]:
        """Yield the last day to act; few rules name one."""
        if self.can_show("act_by.from"):
            label = self._say("Last day to act, if it is another one")
            options = self._dates(("", self._say("Not said")))
            yield self.control("act_by.from", "select", label, options=options)
            yield self.simple("act_by.offset")

    def needless(self) -> Iterator[tuple[int, list[Control]]]:
        """Yield each event that makes the message needless: its number, and its controls."""
        listed = self.form.yaml.get(("unless",))
        for at in range(len(listed) if isinstance(listed, list) else 0):
            yield at, self.unless(f"unless.{at}")

    def new_needless(self) -> Iterator[tuple[str, list[Control]]]:
        """Yield what adds such an event, and what adds another one: a heading, and the controls."""
        titles = (
            self._say("Add an event that makes it needless"),
            self._say("Add another event that makes it needless"),
        )
        for under, title in zip(NEW, titles, strict=True):
            yield title, self.unless(f"unless.{under}")

    def nothing_needless(self) -> Iterator[Control]:
        """Yield the tick that nothing makes the message needless, while the sample asks that."""
        if self.form.asks_needless:
            ticked = field_of(self.typed, "needless.none")
            label = self._say("Nothing makes it needless")
            yield self.control("needless.none", "tick", label, value=ticked, more="yes")

    def unless(self, under: str) -> list[Control]:
        """Return the controls of such an event."""
        say, later = self._say, field_of(self.typed, f"{under}.on") or self.values.get(f"{under}.on", "")
        options = [("", [("", say("Choose"))]), *self._events()]
        known = {value for _, group in options for value, _ in group}
        if later not in known:
            options[0][1].append((later, self.names.heading(later)))
        found = [
            self.control(
                f"{under}.on", "select", say("This has been recorded"), options=options, more=self.names.search_words
            ),
            *([self._since(under)] if _CAN_SINCE in self.reading.types() else []),
            self.condition(f"{under}.when", say("Only if"), later),
        ]
        return [*found, *self.listed(*(f"{under}.{key}" for key in ("before", "after", "grace")))]

    def _since(self, under: str) -> Control:
        """Return the choice from when on it counts; where the record may come after its date, nothing is preset."""
        say, name = self._say, f"{under}.since"
        options = [
            ("yes", say("only after the record that starts the rule")),
            ("no", say("also before that record")),
        ]
        asks = bool(self._own_dates())
        if asks:
            options.insert(0, ("date", say("since the date from which the message counts")))
        if _is_new(under):
            stands = "" if asks else "yes"
            options = [("", say("Choose")), *options] if asks else options
        else:
            stands = without_after_start(self.values.get(f"{under}.when", ""))[0]
            days = days_since_the_date(self.values, self.reading.types()) if asks and stands == "no" else 0
            stands = "date" if days and self.values.get(f"{under}.before") == f"P{days}D" else stands
        hint = say("The record may come days after the date in it: choose if what happens in between counts too.")
        return self.control(
            name,
            "select",
            say("When has it to happen?"),
            value=field_of(self.typed, name) or stands,
            options=[("", options)],
            hint=hint if asks else "",
        )

    def sending(self) -> Iterator[Control]:
        """Yield the controls of channels and how they follow each other."""
        say = self._say
        chosen = channels_in(self.typed, "channels") or self.values.get("channels", "")
        names = [(name, word_for(CHANNELS, name, self.speech)) for name in ("push", "sms", "email")]
        if not set(chosen.split(",")) <= {*CHANNELS, ""}:  # such a list is mended in the file: lint says so
            return iter(())
        ways, value = say("By which ways, in which order?"), [*chosen.split(","), "", "", ""][:3]
        hint = say(
            "Each person gets one message, by the first way that reaches them; the next way is used only if it did"
            " not arrive."
        )
        ordered = self.control("channels", "order", ways, value=value, options=names, hint=hint)
        return iter([ordered] if self.can_show("channels") else ())

    def rare(self) -> Iterator[Control]:
        """Yield the controls that few rules need."""
        yield from self.listed("count.nth", "count.within", "smooth")
        if not self._may_have_several_records:
            yield from self._same_matter()
        if not self.values.get("act_by.from"):
            yield from self._last_day()
        yield from self.listed("catch_up", "reach", "ahead_from")
        yield from self.listed("cascade_after", "minors", "cascade", "discreet", "correction")

    def buttons(self) -> Iterator[tuple[int, list[Control]]]:
        """Yield each button under the message."""
        listed = self.form.yaml.get(("actions",))
        for at in range(len(listed) if isinstance(listed, list) else 0):
            names = [name for name in self.form.parts if name.startswith(f"actions.{at}.") and self.can_show(name)]
            own = [f"actions.{at}.label.{each}" for each in self.reading.languages]  # in the order of a new button
            others = [name for name in names if name not in own]
            yield at, [self._button(name) for name in (*(each for each in own if each in names), *others)]

    def new_button(self) -> list[Control]:
        """Return the controls of one more button."""
        keys = (*(f"label.{each}" for each in self.reading.languages), "url", "id")
        return [self._button(f"actions.{NEW[0]}.{key}") for key in keys]

    def _button(self, name: str) -> Control:
        if field_named(name) is not None:
            return self.simple(name)
        words, language = self._say("Words on the button"), name.rpartition(".")[2]
        return self.control(name, "text", f"{words} ({LANGUAGES.get(language, language)})", lang=language)

    def labels(self) -> dict[str, str]:
        """Return the label of each field, by its name, in the order of the page."""
        texts = (field for each in self.texts() for field in (*each.above, *each.seen, *each.folded))
        found = {each.name: each.label for each in (*texts, *self.topic_and_urgency(), *self.starting())}
        found |= {f"right.{key}": self._say(_TAKEN_OVER[key]) for key in self.form.taken_over}
        for name, usual, rare in self.steps():
            found |= {each.name: f"{self.reading.step_called(name)}: {each.label}" for each in (*usual, *rare)}
        found |= {each.name: f"{title}: {each.label}" for title, controls in self.new_steps() for each in controls}
        found |= {each.name: each.label for each in (*self.ending(), *self.nothing_needless())}
        for at, controls in self.needless():
            found |= {each.name: f"{at + 1}: {each.label}" for each in controls}
        found |= {each.name: f"{title}: {each.label}" for title, controls in self.new_needless() for each in controls}
        found |= {each.name: each.label for each in self.sending()}
        for at, controls in self.buttons():
            found |= {each.name: f"{at + 1}: {each.label}" for each in controls}
        return found | {each.name: each.label for each in (*self.rare(), *self.new_button())}

    def told_value(self, name: str, text: str) -> str:  # noqa: PLR0911  (one for each kind)
        """Return a field's text in words, as far as there are any."""
        part, field = self.form.parts.get(name), field_named(name)
        options = CLASSES if name == "class" else field.options if field is not None else {}
        match part.kind if part else "":
            case "word" if text in options:
                return self._say(options[text])
            case "condition":
                return self.reading.in_words(text)
            case "start" | "word" if text in self.reading.rules.catalogue.types:
                return self.names.heading(text)
            case "offset" | "duration" | "until" if (length := length_of(text)).number:
                told, before = f"{length.number} {self._say(UNITS[length.unit])}", self._say("before it")
                return f"{told} ({before})" if length.sign else told
            case "list":
                return " → ".join(word_for(CHANNELS, each, self.speech) for each in text.split(",") if each)
            case "names":
                return ", ".join(self.names.heading_of(each) if "." in each else each for each in text.split(","))
            case "flag":
                return self._say("yes") if text else self._say("no")
        return text


def _remarked_once(fields: Sequence[Control]) -> list[Control]:
    """Return the fields; where several hold text of the sample, the first of those says it for all."""
    left = [each.name for each in fields if any(found.placeholder for found in each.findings)]
    if len(left) <= 1:
        return list(fields)
    told = Said(N_("These texts are of the sample: write your own in each language"))
    found = []
    for each in fields:
        others = [finding for finding in each.findings if not finding.placeholder]
        mine = [replace(finding, message=told) for finding in each.findings if finding.placeholder][:1]
        found.append(replace(each, findings=[*(mine if each.name == left[0] else ()), *others]))
    return found


def _is_new(under: str) -> bool:
    return under.rpartition(".")[2] in NEW
