"""Loads packs: reads their files, checks everything, and gives them as plain data for the log."""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from msgspec import Struct

from domain.core.translatable import Words
from domain.rules.triggers import Trigger
from templates.checks.declarations import CheckCache, Declarations
from templates.checks.event_check import Known
from templates.checks.link_check import check_front_pages, check_links, check_one_action
from templates.checks.other_packs import Elsewhere
from templates.checks.pack_check import (
    check_title_length,
    check_titles,
    domains_of,
    sms_limit_of,
)
from templates.checks.placeholders import check_placeholders
from templates.checks.reply_check import check_circles, check_replies
from templates.checks.retention_check import check_limits
from templates.checks.sample_check import check_samples
from templates.checks.services_check import link_actions
from templates.checks.trigger_check import check_rules
from templates.checks.words_check import check_words, context_of
from templates.reading.files import DocumentCache, PackFiles, TriggerFiles, plain, read_pack
from templates.reading.findings import BrokenPack, Finding, Report, closest, unknown_agency
from templates.reading.yaml_file import Document

__all__ = ["BUILT_IN", "BrokenPack", "Finding", "Pack", "TriggerSource", "load_packs", "shipped"]

BUILT_IN = "citizen"
"""The pack that is always loaded: what citizens say about themselves."""


class TriggerSource(Struct, frozen=True):
    """A trigger as its owner wrote it: plain data, and the hash by which the log knows this version."""

    name: str
    rules: dict[str, Any]
    words: dict[str, dict[str, Any]]
    hash: str


class Pack(Struct, frozen=True):
    """A pack without findings: `content` is pack.yaml with its `events` and `services`; so it goes into the log."""

    name: str
    content: dict[str, Any]
    hash: str
    triggers: tuple[TriggerSource, ...]


def shipped() -> tuple[Path, ...]:
    """Return the folders of the packs shipped beside this code, without the built-in one."""
    beside = Path(__file__).parents[1]
    return tuple(sorted(path.parent for path in beside.glob("*/pack.yaml") if path.parent.name != BUILT_IN))


def load_packs(paths: Sequence[Path]) -> tuple[Pack, ...]:
    """Return the built-in pack and the packs in the given folders, in this order.

    Raises:
        BrokenPack: anything is wrong with any of them; it has all findings.
    """
    packs, report = examine(paths)
    report.close()
    return tuple(pack_of(files) for files in packs)


def examine(
    paths: Sequence[Path],
    elsewhere: Elsewhere | None = None,
    *,
    only: str | None = None,
    cache: CheckCache | None = None,
) -> tuple[list[PackFiles], Report]:
    """Return the files of the built-in pack and of the packs in the given folders, and the report on them.

    `elsewhere`: packs that may have what these lack; `only`: the trigger whose words are checked, instead of all;
    `cache`: what is not of that trigger, as it was read and checked before.
    """
    report = Report()
    packs = _read(paths, report, only, None if cache is None else cache.documents)
    _check(packs, report, elsewhere or Elsewhere(), only, cache or CheckCache())
    return packs, report


def _read(paths: Sequence[Path], report: Report, only: str | None, kept: DocumentCache | None) -> list[PackFiles]:
    folders: dict[Path, Path] = {}
    for path in (Path(__file__).parents[1] / BUILT_IN, *paths):
        folders.setdefault(path.resolve(), path)
    return [read_pack(path, report, kept, only) for path in folders.values()]


def _check(packs: list[PackFiles], report: Report, elsewhere: Elsewhere, only: str | None, cache: CheckCache) -> None:
    declared = cache.declarations(packs, report)
    triggers = [trigger for files in packs for trigger in files.triggers]
    _check_names(triggers)
    check_circles(triggers)
    compiled: list[Trigger] = []
    for files in packs:
        for trigger in files.triggers:
            made = _compiled(trigger, declared, elsewhere, cache)
            compiled += [made] if made is not None else []
            if only in (None, trigger.name):
                _check_words(trigger, made, plain(files.pack), declared)
    check_limits(packs, compiled, declared.catalogue)


def _compiled(
    trigger: TriggerFiles, declared: Declarations, elsewhere: Elsewhere, cache: CheckCache
) -> Trigger | None:
    """Return the trigger as its rules compile; they are checked unless they were, and had no findings."""
    made = cache.trigger(trigger.name, trigger.rules.data)
    if made is None:
        before = len(trigger.rules.report)
        made = _check_rules(trigger, declared, elsewhere)
        if made is not None and len(trigger.rules.report) == before:
            cache.keep(trigger.name, trigger.rules.data, made)
    return made


def _check_rules(trigger: TriggerFiles, declared: Declarations, elsewhere: Elsewhere) -> Trigger | None:
    """Report what is wrong with trigger.yaml; the trigger, where it can be compiled as it is."""
    _check_owner(trigger.rules, declared.known)
    made = check_rules(trigger.rules, trigger.name, declared.catalogue, declared.broken, elsewhere)
    check_titles(trigger.rules, declared.languages)
    check_title_length(trigger.rules)
    check_front_pages(trigger)
    link_actions(trigger.rules, declared.services)
    check_one_action(trigger)
    return made


def _check_names(triggers: Iterable[TriggerFiles]) -> None:
    seen: set[str] = set()
    for trigger in triggers:
        if trigger.name in seen:
            trigger.rules.note((), Words("another trigger is called {name!r} too", name=trigger.name))
        seen.add(trigger.name)


def _check_owner(rules: Document, known: Known) -> None:
    owner = plain(rules).get("owner")
    if isinstance(owner, str) and owner not in known.agencies and known.complete:
        message, meant = unknown_agency(owner, known.agencies), closest(owner, known.agencies)
        rules.note(("owner",), message, meant)


def _check_words(
    trigger: TriggerFiles,
    made: Trigger | None,
    pack: Mapping[str, Any],
    declared: Declarations,
) -> None:
    check_words(trigger, context_of(plain(trigger.rules), declared.catalogue, declared.languages))
    check_placeholders(trigger, trigger.rules.report)
    check_replies(trigger, declared.catalogue)
    check_samples(trigger, made, declared.catalogue, sms_limit_of(pack))
    check_links(trigger, domains_of(pack))


def pack_of(files: PackFiles) -> Pack:
    """Return the pack in these files, in which nothing is wrong."""
    events = sorted((document.data for document in files.events), key=lambda event: str(event["type"]))
    content = {**files.pack.data, "events": events} | {name: each.data for name, each in files.extra.items()}
    return Pack(content["pack"], content, _hash(content), tuple(_source(trigger) for trigger in files.triggers))


def _source(trigger: TriggerFiles) -> TriggerSource:
    rules, words = trigger.rules.data, {language: document.data for language, document in trigger.words.items()}
    return TriggerSource(trigger.name, rules, words, _hash({"rules": rules, "words": words}))


def _hash(content: dict[str, Any]) -> str:
    """Return the same for the same content, whatever the order of keys and the layout of the file."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return sha256(canonical.encode()).hexdigest()
