import json

import pytest
from jinja2 import Environment
from markupsafe import Markup

from app.terminal import compact, print_line, talk
from app.visible import AsWritten, on_page, visible

HIDDEN = [
    "\u202e",
    "\u200b",
    "\u2066",
    "\ufeff",
    "\u061c",
    "\x1b",
    "\x00",
    "\u2028",
    "\u3164",
    "\U000e0041",
    "\u200d",
    "\r",
]
SEEN = ["Қазақша", "русский", "a\n\tb", "a\r\nb", "é", "👩\u200d💻", "❤\ufe0f", "№ 5\u00a0000 ₸"]


@pytest.mark.parametrize("hidden", HIDDEN)
def test_what_cannot_be_seen_is_shown_escaped(hidden: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No hidden character reaches a page or a terminal as it stands, and what is JSON stays the same JSON."""
    text = f"fine{hidden}paid"
    assert hidden not in visible(text)
    page = Environment(autoescape=True, finalize=on_page).from_string("<b>{{ text }}</b>{{ made }}")
    html = page.render(text=text, made=Markup("<i>") + text)
    assert hidden not in html
    assert html.startswith("<b>fine\\u")
    assert "<i>fine" in html
    print_line(text)
    print_line(compact({"text": text}))
    talk(text)
    out, err = capsys.readouterr()
    assert hidden not in out.replace("\n", "") + err
    assert json.loads(out.splitlines()[1])["text"] == text


@pytest.mark.parametrize("text", SEEN)
def test_what_can_be_seen_stays(text: str) -> None:
    """Letters of all languages, lines, tabs and emoji stay as they are."""
    assert visible(text) == text


def test_a_form_gets_its_own_text_back() -> None:
    """What stands in a field of a form goes back as it was written: only its markup is escaped."""
    page = Environment(autoescape=True, finalize=on_page).from_string("{{ text }}")
    assert page.render(text=AsWritten("a\u200b<b>")) == "a\u200b&lt;b&gt;"
