"""The letter of proof: what the file of proof says, in three languages, for eyes and for paper."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from html import unescape
from typing import NamedTuple

import pytest
import uvloop
from playwright.sync_api import Browser, ViewportSize

from app.pages.catalogues import LANGUAGES
from app.pages.proof import ProofFile, proof_letter
from app.reports.evidence_file import signed_file
from streams.queries.evidence import Evidence, evidence
from tests.app.pages.shipped_rules import speech_of
from tests.app.pages.site import LETTER, Inspector, each_look
from tests.docs.test_evidence import KEY, SIGNER, lived
from tests.world import World

HEADINGS = {
    "en": ("Proof of a message", "What was sent", "The facts in the log", "How to check it"),
    "ru": ("Доказательство сообщения", "Что было отправлено", "Факты в журнале", "Как проверить"),
    "kk": ("Хабарламаның дәлелі", "Не жіберілді", "Журналдағы фактілер", "Қалай тексеруге болады"),
}


class Proven(NamedTuple):
    """A message, its evidence, and the file of it."""

    world: World
    found: Evidence
    file: str

    def letter(self, language: str) -> str:
        """The letter in that language."""
        digest = sha256(self.file.encode()).hexdigest()
        file = ProofFile("evidence.txt", digest, KEY, self.world.clock())
        return proof_letter(self.found, file, self.world.platform.rules.library.rules(), speech_of(language))


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proven]:
    """A reminder that was sent, with its evidence."""
    world = World(tmp_path_factory.mktemp("proven"))
    with ThreadPoolExecutor(1) as beside:  # Playwright has a loop of its own in this thread
        nudge = beside.submit(uvloop.run, lived(world)).result()
    rules = world.platform.rules.library.rules()
    with world.platform.database.reading() as connection:
        found = evidence(connection, world.platform.log, rules, nudge, world.clock(), SIGNER.public)
    yield Proven(world, found, signed_file(found, SIGNER, world.clock()))
    world.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_letter_says_what_the_file_says_and_how_to_check_it(proven: Proven, language: str) -> None:
    """Its parts stand there in the language; the message, every fact with its block, and the way to verify it."""
    letter = unescape(proven.letter(language))
    assert f'<html lang="{language}">' in letter
    assert [each for each in HEADINGS[language] if each not in letter] == []
    content = json.loads(proven.file.splitlines()[0])
    [words] = content["why"]["words"].values()
    assert words["text"].strip()[:40] in letter or words["sms"] in letter or words["push"][1] in letter
    rows = [re.sub(r"<[^>]+>|\s+", " ", each).split() for each in re.findall(r"<tr.*?</tr>", letter, re.DOTALL)]
    told = {(row[0], row[-2], row[-1]) for row in rows}
    assert told >= {(str(each["position"]), each["topic"], str(each["block"])) for each in content["facts"]}
    assert f"verify_evidence.py evidence.txt --key {KEY}" in letter


def test_the_letter_states_no_digest_or_name_that_the_file_does_not(proven: Proven) -> None:
    """Every long number in hexadecimal digits is in the file, but for the digest of the file itself."""
    body = proven.letter("en").partition("</style>")[2]
    known = proven.file.replace("-", "")
    strange = {each for each in re.findall(r"[0-9a-f-]{16,}", body) if each.replace("-", "") not in known}
    assert strange == {sha256(proven.file.encode()).hexdigest()}


def test_the_letter_needs_nothing_else(proven: Proven) -> None:
    """Nothing in it is loaded or run, so it can be kept and passed on."""
    letter = proven.letter("kk")
    assert "default-src 'none'" in letter
    assert not re.search(r"<script|<link|<img|@import|url\(|<[^>]+\son\w+=", letter)


@each_look
def test_the_letter_is_read_on_every_screen_and_on_paper(
    chromium: Browser, proven: Proven, look_name: str, language: str, viewport: ViewportSize
) -> None:
    """Nothing is wrong with it in light and dark, and paper has all of it in black."""
    with chromium.new_context(viewport=viewport) as context:
        page = context.new_page()
        page.set_content(proven.letter(language))
        seen = Inspector(page, language, look_name)
        seen.look("proof")
        assert seen.wrong == []
        assert seen.templates == {LETTER}
        page.emulate_media(media="print")
        assert page.locator("main").evaluate("main => getComputedStyle(main).color") == "rgb(0, 0, 0)"
        assert page.locator("table").is_visible()
