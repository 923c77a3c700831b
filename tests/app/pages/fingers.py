"""How a visitor works at a page: with a mouse, or with the keyboard alone. A flow is written once, for both."""

from typing import Protocol

import pytest
from playwright.sync_api import Locator, Page

PHONE = {"width": 320, "height": 640}
WAYS = pytest.mark.parametrize("keys", [True, False], ids=["keyboard alone", "mouse without scripts"])
"""How a flow is gone through: by keys, with scripts; and with neither."""
FARTHEST = 150
_HERE = "where => document.activeElement === where"
_PLACE = "(where, value) => [...where.options].findIndex(each => each.value === value)"
_SEEN = "where => [getComputedStyle(where)].some(look => look.outlineStyle !== 'none' || look.boxShadow !== 'none')"


class Fingers(Protocol):
    """What a visitor does at a page."""

    def press(self, what: Locator) -> None:
        """Follow the link, press the button, open or close the details."""

    def tick(self, what: Locator) -> None:
        """Tick the box, or take the tick away."""

    def write(self, where: Locator, text: str) -> None:
        """Have that text in the field, and nothing else."""

    def choose(self, where: Locator, value: str) -> None:
        """Choose that value of a list."""


class Mouse:
    """Points at things."""

    def press(self, what: Locator) -> None:
        """Click it."""
        what.click()

    def tick(self, what: Locator) -> None:
        """Click it."""
        what.click()

    def write(self, where: Locator, text: str) -> None:
        """Paste it."""
        where.fill(text)

    def choose(self, where: Locator, value: str) -> None:
        """Pick it."""
        where.select_option(value)


class Keyboard:
    """Tab, arrows, Space, Enter and letters; what has the focus must show that it has.

    A key waits for no page to which it leads: whoever goes on with what both pages have waits for the new one.
    """

    def __init__(self, page: Page) -> None:
        self._page = page

    def press(self, what: Locator) -> None:
        """Tab there, Enter."""
        self._to(what)
        self._page.keyboard.press("Enter")

    def tick(self, what: Locator) -> None:
        """Tab there, Space."""
        self._to(what)
        self._page.keyboard.press("Space")

    def write(self, where: Locator, text: str) -> None:
        """Tab there, select all, type."""
        self._to(where)
        self._page.keyboard.press("Control+A")
        self._page.keyboard.insert_text(text)

    def choose(self, where: Locator, value: str) -> None:
        """Tab there, and press the arrow as often as the value is far from the first one."""
        self._to(where)
        self._page.keyboard.press("Home")
        for _ in range(where.evaluate(_PLACE, value)):
            self._page.keyboard.press("ArrowDown")
        assert where.input_value() == value, f"no arrow leads to {value}"

    def _to(self, what: Locator) -> None:
        for _ in range(FARTHEST):
            if what.evaluate(_HERE):  # looked up each time, for a live page is another one meanwhile
                assert what.evaluate(_SEEN), f"{what} does not show that it has the focus"
                return
            self._page.keyboard.press("Tab")
        raise AssertionError(f"no Tab leads to {what}")


def fingers(page: Page, *, keys: bool) -> Fingers:
    """The keyboard, or the mouse."""
    return Keyboard(page) if keys else Mouse()
