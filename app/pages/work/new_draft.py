"""A new draft: from the scaffold that `habarshy new` writes, or from the version that is published."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from fastapi import Request
from fastapi.responses import Response
from msgspec.structs import replace

from app.first_packs import pack_folders
from app.http import routes
from app.http.rule_refusals import refusals_as_problems
from app.packs.draft_bench import LONGEST_NAME, Bench, DraftText
from app.packs.draft_child import TESTS
from app.pages.catalogues import LANGUAGES, own_first
from app.pages.layout import Frame, RoutedPages
from app.pages.pack_names import names_of
from app.pages.visits import DraftForm, field_of, tell_once
from app.pages.work.all_texts import NOTE, GivenTexts, given_texts
from app.pages.work.drafts.text_fields import AllWords
from app.pages.work.office import Office
from domain.facts.governance import TriggerPublished
from domain.facts.principals import Principal, Role, require
from streams.rules.drafts import DraftExists, DraftStore, StoredDraft
from streams.rules.switches import owner_of
from templates.authoring.internal_names import proposed
from templates.authoring.scaffold import Plan, trigger_files
from templates.checks.loader import BUILT_IN
from templates.checks.pack_check import TITLE
from templates.checks.scaffold_text import TAKEN_OVER, TO_CHOOSE
from templates.checks.sense_check import ANSWERS
from templates.reading.value_kinds import NAME
from templates.reading.writing import trigger_texts

_NO_TESTS = "# The log keeps no tests, so those of this version are not known here. Write some before you submit.\n"
_SCHEMAS = "../.."
_FIELDS = ("name", "pack", "on", "like", NOTE)
_MOST_TOLD: Final = 5
"""The most remarks on a document that are told at once."""
_TAKEN_OVER: Final = ("service", "reminder")
"""Classes that a new draft has from a rule that it is like; any other one its author chooses."""


class NewDraft(RoutedPages):
    """Makes drafts."""

    def __init__(self, office: Office, drafts: DraftStore, bench: Bench) -> None:
        self._office, self._drafts, self._bench = office, drafts, bench

    @routes.get("/work/new")
    def page(self, request: Request) -> Response:
        """Ask for the new trigger's title and the event on which it starts."""
        who, frame = self._office.enter(request)
        return self._page(who, frame, {}, {"pack": self._only_pack(who)})

    def _only_pack(self, who: Principal) -> str:
        """Return the only pack with rules of the principal's agency; without rules, with the agency; else of all.

        Nothing where there are several.
        """
        packs = self._office.platform.rules.library.rules().governed.packs
        offered = {name: pack.content.get("agencies") or {} for name, pack in packs.items() if name != BUILT_IN}
        ruled = {fact.pack for fact in self._theirs(who)} & offered.keys()
        theirs = [*(ruled or {name for name, agencies in offered.items() if who.agency in agencies} or offered)]
        return theirs[0] if len(theirs) == 1 else ""

    def _page(self, who: Principal, frame: Frame, wrong: Mapping[str, str], given: Mapping[str, str]) -> Response:
        rules = self._office.platform.rules.library.rules()
        types = [
            each
            for each in rules.catalogue.types.values()
            if each.name not in ANSWERS and not each.name.startswith(f"{BUILT_IN}.")
        ]
        languages = rules.defaults.languages
        chosen = {**dict.fromkeys((*_FIELDS, *map(_titled, languages)), ""), **given}
        packs = [
            (name, frame.speech.titled(pack.content.get("title") or {}) or name)
            for name, pack in rules.governed.packs.items()
            if name != BUILT_IN
        ]
        names = names_of(rules, frame.speech)
        return self._office.show(
            "new.html",
            frame,
            errors=wrong,
            published=self._is_mine(chosen["name"], who),
            longest=TITLE,
            chosen=chosen,
            titles=[
                (_titled(each), LANGUAGES.get(each, each), each) for each in own_first(frame.language, languages)
            ],
            packs=packs,
            alike=sorted(
                ((fact.trigger, frame.speech.titled(fact.rules["title"])) for fact in self._theirs(who)),
                key=lambda each: each[1],
            ),
            types=names.by_office(types, who.agency),
            search_words=names.search_words,
        )

    @routes.post("/work/new")
    def make(self, request: Request, fields: DraftForm) -> Response:
        """Make it, with the texts of a document if one is given, and go on with writing."""
        who, frame = self._office.enter(request, fields)
        try:
            if live := field_of(fields, "from"):
                draft = self._from_live(live, who)
            else:
                given = {name: field_of(fields, name).strip() for name in (*_FIELDS, *map(_titled, self._languages))}
                texts = self._texts(given[NOTE], frame) if given[NOTE] else None
                whole = self._titled_by(texts, given)
                whole["name"] = given["name"] or self._proposed(whole, who)
                wrong = self._wrong(whole, who, frame)
                if texts is not None and texts.wrong:
                    wrong[NOTE] = " ".join(texts.wrong[:_MOST_TOLD])
                if wrong:
                    return self._page(who, frame, wrong, given)
                draft = self._scaffolded(whole, who, texts)
                if texts is not None:
                    form = AllWords(draft.files, self._languages)
                    tell_once(request, NOTE, texts.told(form, texts.ways))
                    return self._office.go(f"/work/drafts/{draft.id}/form?done={NOTE}")
        except DraftExists as exists:
            return self._office.go(f"/work/drafts/{exists.there.id}/form?done=exists")
        return self._office.go(f"/work/drafts/{draft.id}/form")

    @property
    def _languages(self) -> Sequence[str]:
        return self._office.platform.rules.library.rules().defaults.languages

    def _texts(self, note: str, frame: Frame) -> GivenTexts:
        languages = own_first(frame.language, self._languages)
        return given_texts(note, AllWords({}, languages), languages, frame.speech)

    def _titled_by(self, texts: GivenTexts | None, given: Mapping[str, str]) -> dict[str, str]:
        """Return what was given; a title that is left out is the subject of the email."""
        subjects = (
            {} if texts is None else {each: texts.changes.get(f"{each}.subject", "") for each in self._languages}
        )
        return {**given, **{_titled(each): given[_titled(each)] or text for each, text in subjects.items()}}

    def _like(self, name: str, who: Principal) -> TriggerPublished | None:
        """Return what the principal's agency has published by that name."""
        return next((fact for fact in self._theirs(who) if fact.trigger == name), None)

    def _theirs(self, who: Principal) -> Iterator[TriggerPublished]:
        """Yield what the principal's agency has published."""
        now = self._office.platform.rules.library.rules().governed
        for name, owner in now.owners.items():
            if owner == who.agency and (fact := now.current(name)) is not None:
                yield fact

    def _proposed(self, given: Mapping[str, str], who: Principal) -> str:
        """Return an internal name, by the title, that neither a trigger nor a draft of the agency has.

        The title with Latin letters comes first; empty where no title has letters that can be told.
        """
        titles = [given[_titled(each)] for each in self._languages]
        title = next(iter(sorted(filter(None, titles), key=lambda each: not each.isascii())), "")
        published = self._office.platform.rules.library.rules().governed.publications
        drafts = self._drafts.all(who.agency)
        return proposed(title, {each.fact.trigger for each in published} | {each.trigger for each in drafts})

    def _wrong(self, given: Mapping[str, str], who: Principal, frame: Frame) -> dict[str, str]:
        say, rules = frame.speech.say, self._office.platform.rules.library.rules()
        wrong: dict[str, str] = {}
        titles = [_titled(each) for each in self._languages]
        if not given["name"] and not any(given[each] for each in titles):
            own = _titled(frame.language)
            wrong[own if own in titles else titles[0]] = say("Write the title in at least one language")
        elif not re.fullmatch(NAME, given["name"]) or len(given["name"]) > LONGEST_NAME:
            wrong["name"] = say("Write a name of small Latin letters, digits and underscores, such as lost_passport")
        for each in titles:
            if (count := len(given[each])) > TITLE:
                wrong[each] = say("Shorten it to {most} characters: it has {count}").format(most=TITLE, count=count)
        if given["name"] in rules.governed.owners:
            wrong["name"] = (
                say("It is published already; make the draft on its page")
                if self._is_mine(given["name"], who)
                else say("The name is taken; choose another")
            )
        if given["pack"] not in rules.governed.packs or given["pack"] == BUILT_IN:
            wrong["pack"] = say("Choose the country or the city")
        if given["on"] not in rules.catalogue.types or given["on"] in ANSWERS:
            wrong["on"] = say("Choose what it starts on")
        return wrong

    def _is_mine(self, name: str, who: Principal) -> bool:
        """Return True if a trigger of that name was published for the principal's agency."""
        return self._office.platform.rules.library.rules().governed.owners.get(name) == who.agency

    def _scaffolded(self, given: Mapping[str, str], who: Principal, texts: GivenTexts | None) -> StoredDraft:
        rules = self._office.platform.rules.library.rules()
        type_, attributes = rules.catalogue.types[given["on"]], frozenset(rules.catalogue.attributes)
        titles = {each: title for each in self._languages if (title := given[_titled(each)])}
        plan = Plan(
            given["name"], type_, who.agency, attributes, rules.defaults, _SCHEMAS, titles, to_choose=TO_CHOOSE
        )
        if (fact := self._like(given["like"], who)) is not None:
            like = fact.rules
            law, urgency, usual = like["legal_basis"], str(like["class"]), like["class"] in _TAKEN_OVER
            plan = replace(
                plan,
                law=law if isinstance(law, dict) else dict.fromkeys(self._languages, str(law)),
                topic=str(like["category"]),
                urgency=urgency if usual else plan.urgency,
                like=fact.trigger,
                taken_over=TAKEN_OVER if usual else [each for each in TAKEN_OVER if each != "class"],
            )
        if texts is None:
            return self._drafts.add(who, given["pack"], given["name"], trigger_files(plan))
        files = trigger_files(replace(plan, channels=texts.ways))
        written, _ = AllWords(files, self._languages).with_changes(texts.changes)
        return self._drafts.add(who, given["pack"], given["name"], {**files, **written})

    def _from_live(self, name: str, who: Principal) -> StoredDraft:
        now = self._office.platform.rules.approval.governed()
        with refusals_as_problems():
            require(who, Role.AUTHOR, owner_of(now, name, who), name)
        fact = [each.fact for each in now.publications if each.fact.trigger == name][-1]
        return self._drafts.add(who, fact.pack, name, self._files(fact))

    def _files(self, fact: TriggerPublished) -> Mapping[str, str]:
        """Return the files as their author wrote them, if they are still stored; else written anew from the log."""
        kept = self._drafts.of(fact.trigger, fact.hash)
        return (kept.files if kept else self._shipped(fact)) or {
            **trigger_texts(fact.rules, fact.words),
            TESTS: _NO_TESTS,
        }

    def _shipped(self, fact: TriggerPublished) -> Mapping[str, str] | None:
        """Return the files of a pack on this machine, if they are that version."""
        for pack in pack_folders(self._office.platform.settings):
            folder = pack / fact.trigger
            if not (folder / "trigger.yaml").is_file():
                continue
            found = [path for path in sorted(folder.iterdir()) if path.suffix in (".md", ".yaml")]
            files = {path.name: path.read_text("utf-8-sig") for path in found}
            with self._bench.laid(DraftText(fact.pack, fact.trigger, files)) as laid:
                if not laid.broken and [each.hash for each in laid.pack().triggers] == [fact.hash]:
                    return files
        return None


def _titled(language: str) -> str:
    """Return the name of the field of the title in a language."""
    return f"title.{language}"
