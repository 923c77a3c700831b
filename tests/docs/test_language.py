"""docs/language.md is true: its examples pass the check, and it has every key and no other."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from domain.nudges.class_rules import CLASS_RULES, ClassRules
from streams.rehearsal.case_reader import read_cases
from streams.rehearsal.rehearse import rehearse
from streams.rehearsal.stage import stages
from streams.rehearsal.verdict import judge
from templates.checks.loader import BrokenPack, load_packs, shipped
from templates.reading.event_shapes import EventTypeShape, Property
from templates.reading.files import read_document
from templates.reading.findings import Report
from templates.reading.trigger_shapes import (
    CountShape,
    RepeatShape,
    StepShape,
    TriggerShape,
    UnlessShape,
    WithShape,
)
from templates.reading.value_kinds import Shape

PAGE = (Path(__file__).parents[2] / "docs/language.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(\w+)` \| .* \| `(.+)` \|$", re.MULTILINE)
BASE: Mapping[str, Any] = {
    "title": {"kk": "-", "ru": "-", "en": "-"},
    "owner": "interior",
    "legal_basis": "-",
    "category": "transport",
    "class": "service",
    "on": "kz.traffic.fine_issued",
    "due": {"issued": {}},
    "channels": ["push", "sms", "email"],
}
TWO = [{"on": "kz.traffic.fine_paid", "within": "P1D"}, {"on": "kz.residence.registered", "within": "P1D"}]
AREA = {"on": "alatau.utilities.outage_planned"}
WORDS = {"subject": "-", "push": {"title": "-", "body": "-"}, "sms": "-"}
Wrap = Callable[[Any], Mapping[str, Any]]
SECTIONS: Mapping[str, tuple[type[Shape], Wrap]] = {
    "Keys": (TriggerShape, lambda one: (AREA if "residents_at" in one else {"with": TWO}) | one),
    "A step (`due`)": (StepShape, lambda one: {"due": {"issued": one}}),
    "The thing itself happened (`unless`)": (UnlessShape, lambda one: {"unless": [{"on": TWO[0]["on"]} | one]}),
    "Several events (`with`)": (WithShape, lambda one: {"with": [TWO[0] | one]}),
    "The nth event (`count`)": (CountShape, lambda one: {"count": {"nth": 2, "within": "P1D"} | one}),
    "Repetition (`repeat`)": (
        RepeatShape,
        lambda one: {"due": {"issued": {"repeat": {"every": "P1D", "at_most": 2} | one}}},
    ),
}


def _section(title: str) -> str:
    return re.split(r"^## ", PAGE.split(f"## {title}\n")[1], flags=re.MULTILINE)[0]


def _read(folder: Path, text: str) -> Any:
    """The plain data of a text, as the check reads files."""
    (folder / "snippet.yaml").write_text(text, encoding="utf-8")
    report = Report()
    data = read_document(folder / "snippet.yaml", report).data
    assert report.findings == ()
    return data


def _examples() -> Iterator[tuple[str, str, Wrap]]:
    """What each is called, its text, and what makes keys of a trigger of its data."""
    for title, (_, wrap) in SECTIONS.items():
        yield from ((f"{title}: {key}", example, wrap) for key, example in ROW.findall(_section(title)))
    for number, snippet in enumerate(SNIPPETS):
        if not snippet.startswith(("# pack.yaml", "# tests.yaml", "# events/")):
            yield f"snippet {number}", snippet, dict


def _pack(folder: Path, rules: Mapping[str, Any]) -> Path:
    """A pack beside `kz` with one trigger: these keys, and what every trigger needs (JSON is YAML)."""
    trigger = folder / "example" / "shown"
    trigger.mkdir(parents=True)
    pack = {"pack": "example", "title": BASE["title"]}
    (folder / "example" / "pack.yaml").write_text(json.dumps(pack), encoding="utf-8")
    rules = {**BASE, **rules}
    (trigger / "trigger.yaml").write_text(json.dumps(rules), encoding="utf-8")
    words = WORDS | ({"correction": {**WORDS, "body": "-"}} if rules.get("correction") else {})
    words |= {"sms": " ".join(rules["replies"])} if rules.get("replies") else {}
    for language in ("kk", "ru", "en"):
        (trigger / f"{language}.md").write_text(f"---\n{json.dumps(words)}\n---\n-\n", encoding="utf-8")
    return folder / "example"


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    """The shipped packs without their triggers, whose own tests check them: what an example may build on."""
    folder = tmp_path_factory.mktemp("beside")
    for pack in shipped():
        (folder / pack.name).mkdir()
        for path in pack.iterdir():
            if not (path / "trigger.yaml").exists():
                (folder / pack.name / path.name).symlink_to(path)
    return sorted(folder.iterdir())


@pytest.mark.parametrize(("name", "text", "wrap"), list(_examples()), ids=[name for name, _, _ in _examples()])
def test_every_example_passes_the_check(
    tmp_path: Path, beside: Sequence[Path], name: str, text: str, wrap: Wrap
) -> None:
    """What the page shows, an owner may write: `habarshy lint` finds nothing."""
    try:
        load_packs([*beside, _pack(tmp_path, wrap(_read(tmp_path, text)))])
    except BrokenPack as broken:
        pytest.fail(f"{name}: {broken}")


@pytest.mark.parametrize("title", SECTIONS)
def test_the_page_has_every_key_and_no_other(title: str) -> None:
    """Each key of the language has its line and its example, which is about this key."""
    shape = SECTIONS[title][0]
    rows = ROW.findall(_section(title))
    assert {key for key, _ in rows} == {field.alias or name for name, field in shape.model_fields.items()}
    assert [key for key, example in rows if not example.startswith(f"{key}: ")] == []


def test_the_examples_of_event_types_pass_the_check(tmp_path: Path) -> None:
    """What the page says of a field and of everyday words, an event type may say."""
    [field, words] = [_read(tmp_path, each) for each in SNIPPETS if each.startswith("# events")]
    [(_, shown)] = field.items()
    assert Property.model_validate(shown).x_title is not None
    data = {"type": "object", "additionalProperties": False, "properties": field}
    given = {"type": "kz.meter.read", "title": {"en": "A meter was read"}, "agency": "energy", "subject": "user"}
    assert EventTypeShape.model_validate({**given, "data": data, **words}).search_words["en"]


@pytest.mark.parametrize("snippet", [each for each in SNIPPETS if each.startswith("# pack.yaml")])
def test_the_examples_of_pack_yaml_pass_the_check(tmp_path: Path, beside: Sequence[Path], snippet: str) -> None:
    """The keys that the page shows are what pack.yaml may say."""
    pack = _pack(tmp_path, {})
    file = pack / "pack.yaml"
    shown = _read(tmp_path, snippet)
    said = json.loads(file.read_text(encoding="utf-8")) | shown
    for agency in shown.get("emergencies", {}).get("agencies", ()):
        said.setdefault("agencies", {})[agency] = {"title": dict.fromkeys(("kk", "ru", "en"), agency)}
    file.write_text(json.dumps(said), encoding="utf-8")
    load_packs([*beside, pack])


def test_the_example_of_tests_yaml_passes(tmp_path: Path, beside: Sequence[Path]) -> None:
    """The case that the page shows plays with the repetition that it shows, and passes."""
    [text] = [each for each in SNIPPETS if each.startswith("# tests.yaml")]
    rules = next(_read(tmp_path, each) for each in SNIPPETS if "until: answered" in each)
    pack = _pack(tmp_path, rules)
    path, report = pack / "shown" / "tests.yaml", Report()
    path.write_text(text, encoding="utf-8")
    [stage] = [each for each in stages(load_packs([*beside, pack])) if each.trigger.name == "shown"]
    [case] = read_cases(path, stage, report)
    assert report.findings == ()
    assert judge(case, rehearse(stage, case).endings) == []


COLUMNS: Mapping[str, Callable[[ClassRules], bool]] = {
    "goes in quiet hours": lambda rules: rules.ignores_quiet_hours,
    "goes after an opt-out": lambda rules: rules.ignores_opt_out,
    "goes over the cap": lambda rules: rules.ignores_cap,
    "goes over its agency's rate": lambda rules: rules.ignores_rate,
    "counts towards the cap": lambda rules: rules.counts,
    "needs consent": lambda rules: rules.needs_consent,
}


def test_the_table_of_classes_is_true() -> None:
    """The page says of each class what the domain says, under a heading for each."""
    [table] = re.findall(r"(?:^\|.*\n)+", _section("Keys").split("### How urgent it is")[1], re.MULTILINE)
    [(_, *headings), _, *rows] = [[cell.strip(" `") for cell in row.split("|")[1:-1]] for row in table.splitlines()]
    said = {klass: dict(zip(headings, words, strict=True)) for klass, *words in rows}
    assert said == {
        klass: {heading: "yes" if holds(rules) else "no" for heading, holds in COLUMNS.items()}
        for klass, rules in CLASS_RULES.items()
    }
