"""Finding drafts, and laying them out on the bench, for every page about one."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Path as InPath
from pydantic import BeforeValidator

from app.http.problems import Problem
from app.packs.draft_bench import BadDraft, Bench, DraftText, LaidOutDraft
from app.packs.draft_child import TESTS
from app.pages.catalogues import Speech
from app.pages.whole_numbers import whole_number
from domain.core.translatable import N_
from domain.core.translatable import text_of as words_of
from domain.facts.principals import Principal
from streams.rules.drafts import DraftStore, StoredDraft, UnknownDraft
from templates.authoring.yaml_edit import CannotEdit, YamlText
from templates.reading.pack_content import group_at

_PAGES: Final[Mapping[str, str]] = {
    "trigger.yaml": N_("Rule"),
    TESTS: N_("Tests"),
    "kk.md": N_("Texts in Kazakh"),
    "ru.md": N_("Texts in Russian"),
    "en.md": N_("Texts in English"),
}
"""File of a draft -> the page that shows it."""

Id = Annotated[int, InPath(), BeforeValidator(whole_number)]
"""The number of a draft; 0, which no draft has, for anything else."""


def draft_of(drafts: DraftStore, id_: int, who: Principal) -> StoredDraft:
    """Return the draft. Raises NotAllowed, or Problem (404) where there is none."""
    with unknown_as_problem():
        return drafts.find(id_, who)


@contextmanager
def unknown_as_problem() -> Iterator[None]:
    """Turn an unknown draft into a problem (404)."""
    try:
        yield
    except UnknownDraft as unknown:
        raise Problem(HTTPStatus.NOT_FOUND, words_of(unknown), kind="unknown-draft") from None


def text_of(draft: StoredDraft) -> DraftText:
    """Return the draft as the bench takes it."""
    return DraftText(draft.pack, draft.trigger, draft.files)


def rule_of(files: Mapping[str, str]) -> Mapping[str, Any]:
    """Return a draft's rule; an empty one where its file cannot be read, as the rest can be edited even so."""
    try:
        return group_at(YamlText(files.get("trigger.yaml", "")).data)
    except CannotEdit:
        return {}


def steps_of(files: Mapping[str, str]) -> list[str]:
    """Return the names of a draft's steps, in their order."""
    return [str(each) for each in group_at(rule_of(files).get("due"))]


def title_of(draft: StoredDraft, speech: Speech) -> str:
    """Return the title of the draft's rule; its name while it has none or cannot be read."""
    titles = group_at(rule_of(draft.files).get("title"))
    found = {each: text for each, text in titles.items() if isinstance(text, str) and text}
    return speech.titled(found) or draft.trigger


def page_name(file: str, speech: Speech) -> str:
    """Return the name of the page that shows a file of a draft; the file's, where there is none."""
    return speech.say(_PAGES[file]) if file in _PAGES else file


def in_page_order(files: Iterable[str], own: str) -> list[str]:
    """Return files of a draft as pages are listed: the rule first, then the texts in the reader's own language."""
    return sorted(files, key=lambda file: (file != "trigger.yaml", file != f"{own}.md"))


@contextmanager
def laid_out(bench: Bench, text: DraftText) -> Iterator[LaidOutDraft]:
    """Yield the draft, laid out on the bench. Raises Problem (409) where its pack is no longer there."""
    try:
        with bench.laid(text) as laid:
            yield laid
    except BadDraft as bad:
        raise Problem(HTTPStatus.CONFLICT, bad.told, kind="bad-draft") from None
