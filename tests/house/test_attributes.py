"""The attributes of a person that the code reads by name."""

import re
from pathlib import Path

import pytest

from templates.checks.loader import load_packs, shipped
from templates.reading.catalogue import catalogue_of

ROOT = Path(__file__).parents[2]
READ = re.compile(r"\bperson\.get\(\s*\"(\w+)\"")


@pytest.mark.parametrize("layer", ["domain", "streams", "app"])
def test_what_is_read_of_a_person_is_set_by_an_event(layer: str) -> None:
    """A name that no event type sets is always missing, and nobody would notice."""
    catalogue = catalogue_of([pack.content for pack in load_packs(shipped())])
    known = {one.attribute for type_ in catalogue.types.values() for some in type_.sets.values() for one in some}
    read = {
        name: path.relative_to(ROOT)
        for path in (ROOT / layer).rglob("*.py")
        for name in READ.findall(path.read_text(encoding="utf-8"))
    }
    assert read
    assert {name: path for name, path in read.items() if name not in known} == {}
