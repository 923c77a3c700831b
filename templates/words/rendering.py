"""Renders a trigger's words for one recipient: compiled once, filled in thousands of times a second."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, tzinfo
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from domain.core.sms import spelt
from domain.core.translatable import Said
from domain.nudges.class_rules import is_named
from domain.rules.event_types import NO_OFFICE, Office
from domain.rules.steps import repetition_of
from templates.words.compiled_texts import NO_VALUE, BadWords, Compiler, MarkdownText, PlainText
from templates.words.email_layout import Action, Layout, Letterhead, addressee
from templates.words.environment import Group, group
from templates.words.filters import one_stop
from templates.words.footer import EXAMPLE_CODE, signature

PLATFORM = "platform"
"""The agency of the built-in pack: it writes what goes together, and what names no other agency."""
LAW = ("param", "benefit", "entitled")
"""What words call the values of the law: parameters, amounts, the period of an entitlement."""
SHORT = "short"
"""All texts but the body of the email, for a telephone's screen or a list of mails."""
AnswerUrl = Callable[[str], str]
"""Makes the link of a button that answers, from the code of its reply."""


def placeholder_answer_url(code: str) -> str:
    """Return the link of such a button where nobody is there to answer: in previews, tests and explanations."""
    return f"answer:{code}"


class WordsFailed(Exception):
    """Raised when a trigger's words cannot be rendered for an event."""

    def __init__(self, trigger: str, variable: str, problem: Said = NO_VALUE) -> None:
        super().__init__(
            f"The words of {trigger} cannot be rendered: {variable} {problem}. Mend the words or the event, "
            "then repair."
        )
        self.trigger, self.variable, self.problem = trigger, variable, problem


class Rendered(Struct, frozen=True):
    """A message in all its forms; what the trigger has no words for is empty.

    `office`: what an SMS calls who sends it; empty where that has no short name, or must not be read over a shoulder.
    `head`: who writes an email, and to whom.
    """

    language: str
    subject: str
    push_title: str
    push_body: str
    sms: str
    text: str
    html: str
    actions: tuple[Action, ...]
    office: str = ""
    head: Letterhead = Letterhead()

    def signed(self) -> str:
        """Return the SMS as it is sent, with its office and a code: this is what is counted and paid."""
        return signed(self.sms, self.language, self.office)


def signed(sms: str, language: str, office: str, code: str = EXAMPLE_CODE) -> str:
    """Return an SMS with its office and its code; where there are no words, there is no SMS."""
    return f"{sms}\n{signature(language, office, code)}" if sms else ""


def context(
    event: Mapping[str, Any],
    citizen: Mapping[str, Any],
    recipient: Mapping[str, Any],
    due: datetime,
    law: Callable[[], Mapping[str, Any]] = dict,
) -> dict[str, Any]:
    """Return the values for words, from values by dotted name; `due` is local and aware, and times are in its zone.

    `law`: gives parameters (param.…), amounts (benefit.….amount) and the entitlement (entitled.…), when they are
    read.
    """
    about = group("citizen", citizen, due.tzinfo)
    return {
        "event": group("event", event, due.tzinfo),
        "citizen": about,
        "recipient": Group("recipient", lambda: about.made)
        if recipient is citizen
        else group("recipient", recipient, due.tzinfo),
        "due": due,
        **{root: _under(root, law, due.tzinfo) for root in LAW},
    }


def _under(root: str, law: Callable[[], Mapping[str, Any]], zone: tzinfo | None) -> Group:
    """Return the values of the law with that root."""

    def made() -> Mapping[str, Any]:
        values = {name: value for name, value in law().items() if name.startswith(f"{root}.")}
        return group(root, values, zone).made

    return Group(root, made)


class Renderer:
    """A trigger's words in all languages, compiled.

    `words`, `rules`: as a TriggerSource has them; `default`: the language for those who have no words in their own;
    `trigger`: its name, for errors; `offices`: agency -> what messages call it.

    Raises:
        BadWords: the words ask for what words may not do. Words that load_packs passed never do.
    """

    def __init__(
        self,
        words: Mapping[str, Any],
        rules: Mapping[str, Any],
        default: str = "",
        *,
        trigger: str = "a trigger",
        offices: Mapping[str, Office] | None = None,
    ) -> None:
        self._trigger, self._default = trigger, default
        owner = PLATFORM if rules.get("discreet") else str(rules.get("owner"))
        office = (offices or {}).get(owner, NO_OFFICE)
        self._languages = {language: _Language(language, texts, rules, office) for language, texts in words.items()}
        self.reads = frozenset(name for each in self._languages.values() for name in each.reads)
        """The dotted names of the values that words in any language read."""
        self.reads_law = any(name.partition(".")[0] in LAW for name in self.reads)
        """True if some of them are values of the law, which rest on the person's history."""

    def render(
        self,
        language: str,
        step: str,
        values: Mapping[str, Any],
        *,
        correction: bool = False,
        answer: AnswerUrl = placeholder_answer_url,
        only: str | None = None,
    ) -> Rendered:
        """Return the words of a step, or of its correction, for values made by `context`.

        `answer`: the link of a reply.

        `only`: a channel, or SHORT; what is not read there is left empty, but fails all the same where it would.

        A repetition ("ask.2") has the words of its step, which may read its number as `repetition`. In the language
        asked for, else the default one, else the first that there is.

        Raises:
            WordsFailed: a variable has no value, or the words come out too long.
        """
        spoken, (name, number) = self._spoken(language), repetition_of(step)
        try:
            said = {**values, "step": name, "repetition": number}
            return spoken.render(name, said, correction=correction, answer=answer, only=only)
        except BadWords as bad:
            raise WordsFailed(self._trigger, bad.variable, bad.problem) from None

    def _spoken(self, language: str) -> "_Language":
        if (found := self._languages.get(language)) is not None:
            return found
        choice = [each for each in (language, self._default, *self._languages) if each in self._languages]
        if not choice:
            raise WordsFailed(self._trigger, Said("every language"), Said("is missing"))
        return self._languages[choice[0]]


class _Parts(Struct, frozen=True):
    """The compiled texts of a step."""

    subject: PlainText
    push_title: PlainText
    push_body: PlainText
    sms: PlainText
    body: MarkdownText


class _Language:
    def __init__(self, language: str, words: Mapping[str, Any], rules: Mapping[str, Any], office: Office) -> None:
        is_discreet = bool(rules.get("discreet"))
        self._language = language
        self._office = "" if is_discreet else office.short.get(language, "")
        self._writer, self._emblem = office.title.get(language, ""), office.emblem
        self._names = not is_discreet and is_named(rules.get("class"))
        self._compiler = Compiler(language)
        self._usual = self._parts(words, {})
        self._steps = {step: self._parts(words, other) for step, other in (words.get("steps") or {}).items()}
        self._correction = self._parts(words["correction"], {}) if words.get("correction") else None
        actions = rules.get("actions") or ()
        self._replies = tuple(each.get("reply") for each in actions)
        self._actions = tuple(_action(each, language) for each in actions)
        self._layout, self._bare = (
            Layout(language, each, self._writer, self._emblem) for each in (self._actions, ())
        )

    @property
    def reads(self) -> AbstractSet[str]:
        """Return the dotted names of all values that the words read."""
        return self._compiler.reads

    def _parts(self, words: Mapping[str, Any], other: Mapping[str, Any]) -> _Parts:
        compiler = self._compiler
        texts = {**words, **other}
        push = {**(words.get("push") or {}), **(other.get("push") or {})}
        return _Parts(
            compiler.plain(texts.get("subject", "")),
            compiler.plain(push.get("title", "")),
            compiler.plain(push.get("body", "")),
            compiler.plain(texts.get("sms", "")),
            compiler.markdown(texts.get("body", "")),
        )

    def render(
        self, step: str, values: Mapping[str, Any], *, correction: bool, answer: AnswerUrl, only: str | None
    ) -> Rendered:
        parts = self._chosen(step, correction=correction)
        # What takes a message back must not invite to do what it said.
        layout, actions = (self._bare, ()) if correction else self._buttons(answer)
        subject, title, push, sms = (
            part.render(values) for part in (parts.subject, parts.push_title, parts.push_body, parts.sms)
        )
        text = html = ""
        head = Letterhead(self._writer)
        if only in (None, "email"):
            head = Letterhead(self._writer, addressee(values["recipient"]) if self._names else "")
            body, text = parts.body.render(values)
            text, html = layout.text(text), layout.html(subject, body, head.name)
        else:
            parts.body.check(values)
        if only not in (None, "email", SHORT):
            subject = ""
        if only not in (None, "push", SHORT):
            title = push = ""
        sms = spelt(sms) if only in (None, "sms", SHORT) else ""
        subject, title, push, sms, text, html = map(one_stop, (subject, title, push, sms, text, html))
        return Rendered(self._language, subject, title, push, sms, text, html, actions, self._office, head)

    def _buttons(self, answer: AnswerUrl) -> tuple[Layout, tuple[Action, ...]]:
        """Return the frame with its buttons; one that answers leads where only this recipient may go."""
        if not any(self._replies):
            return self._layout, self._actions
        actions = tuple(
            replace(action, url=answer(reply)) if reply else action
            for action, reply in zip(self._actions, self._replies, strict=True)
        )
        return Layout(self._language, actions, self._writer, self._emblem), actions

    def _chosen(self, step: str, *, correction: bool) -> _Parts:
        parts = self._correction if correction else self._steps.get(step, self._usual)
        if parts is None:
            raise BadWords(Said("the correction"), Said("has no words"))
        return parts


def _action(action: Mapping[str, Any], language: str) -> Action:
    labels = action["label"]
    return Action(action["id"], action.get("url", ""), labels.get(language) or next(iter(labels.values())))
