"""Icons: each drawing stands in a page once, and each name that a pack may choose has one."""

import re
from typing import get_args

import pytest

from app.pages.icons import DEFAULT_ICON, DRAWINGS, Icons, drawings
from app.pages.layout import _HERE as PAGES
from templates.reading.value_kinds import Emblem


def test_every_emblem_is_drawn() -> None:
    """Whatever emblem a pack may choose for an agency has a drawing, and so have the icons that pages name."""
    named = {
        name
        for page in PAGES.glob("html/**/*.html")
        for line in re.findall(r"part\.(?:icon|place)\(.*", page.read_text())
        for name in re.findall(r'icon\("([a-z0-9-]+)"\)|, "([a-z0-9-]+)"\) \}\}', line)
        for name in name
        if name
    }
    assert named
    assert {*get_args(Emblem), *named, DEFAULT_ICON} <= set(drawings())


@pytest.mark.parametrize("name", ["", "no-such-icon", '"><script>'])
def test_what_has_no_drawing_shows_another(name: str) -> None:
    """An agency without an emblem, or with one of a later release, gets the usual one; nothing is let in."""
    icons = Icons()
    assert icons.use(name) == icons.use(DEFAULT_ICON)
    assert icons.drawn().count("<symbol") == 1


def test_a_page_draws_what_it_uses_once() -> None:
    """Two uses of an icon are one drawing; a page without icons has none. The drawings keep their licence."""
    icons = Icons()
    assert icons.drawn() == ""
    for name in ("shield", "scale", "shield"):
        assert f'href="#icon-{name}"' in icons.use(name)
    assert re.findall(r'<symbol id="icon-([a-z]+)"', icons.drawn()) == ["scale", "shield"]
    assert "ISC License" in DRAWINGS.read_text()
