"""Packs and triggers that the log has, written as files again."""

from pathlib import Path

from templates.checks.loader import examine, pack_of, shipped
from templates.reading.writing import as_yaml, pack_texts, trigger_texts


def test_what_is_written_anew_has_the_same_hash(tmp_path: Path) -> None:
    """Every shipped pack, and each of its triggers, is read back from what was written as the very same version."""
    packs = {pack.name: pack for pack in map(pack_of, examine(shipped())[0])}
    for name, pack in packs.items():
        files = pack_texts(pack.content)
        for each in pack.triggers:
            texts = trigger_texts(each.rules, each.words)
            files |= {f"{each.name}/{file}": text for file, text in texts.items()}
        for path, text in files.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text(text, "utf-8")
    again, report = examine([tmp_path / path.name for path in shipped()])
    report.close()
    for pack in map(pack_of, again):
        assert pack.hash == packs[pack.name].hash
        assert {each.name: each.hash for each in pack.triggers} == {
            each.name: each.hash for each in packs[pack.name].triggers
        }


def test_words_of_yaml_stay_words() -> None:
    """`on` and `no` need no quotes, for they are words here; dates and numbers that are text keep theirs."""
    assert as_yaml({"on": "no", "at": "10:00", "day": "2025-01-01", "is": True}) == (
        "on: no\nat: '10:00'\nday: '2025-01-01'\nis: true\n"
    )
