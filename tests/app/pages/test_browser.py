import re

import pytest
from jinja2 import Environment, nodes
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.app.pages.fingers import PHONE, WAYS, Fingers, Keyboard, fingers
from tests.app.pages.site import CITIZEN, HTML, LETTER, LOOKS, Inspector, Site, each_look, templates

PAGES = (
    "/my",
    "/my/coming",
    "/my/entitlements",
    "/my/preferences",
    "/my/devices",
    "/my/data",
    "/my/erase",
    "/check",
    "/check?code=AAAAA-AAAAA",
    "/components",
    "/nowhere",
    "/sign-in",
)


@each_look
def test_every_page_is_for_everybody(
    chromium: Browser, site: Site, look_name: str, language: str, viewport: ViewportSize
) -> None:
    """Every template of a citizen's pages is seen, and on none of them anything is wrong."""
    with site.visit(chromium, language=language, viewport=viewport) as context:
        page = context.new_page()
        seen = Inspector(page, language, look_name)
        message = f"/my/messages/{site.latest()}"
        for path in (*PAGES, message, f"{message}/why", site.stop().removeprefix(site.base)):
            name = re.sub(r"[0-9a-f-]{36}", "nudge", path).partition("?")[0].strip("/").replace("/", "-")[:30]
            seen.go(site.base + path, name or "front")
        page.goto(f"{site.base}/my/data")
        page.locator("form[action$='/my/data'] button").click()
        expect(page.locator(".code")).to_be_visible()
        seen.look("my-data-token")
        page.goto(f"{site.base}/my/preferences")
        other = context.new_page()
        other.goto(f"{site.base}/my")
        other.locator("footer button").click()
        other.wait_for_url(f"{site.base}/sign-in")
        page.locator("main form button").last.click()
        page.wait_for_selector("main a[target=_blank]")
        seen.look("over")
    assert seen.wrong == []
    assert seen.templates == templates("") - {"erased.html", LETTER}


def test_a_table_is_cards_on_a_telephone(chromium: Browser, site: Site) -> None:
    """At 320 px each row is a card, with the column's name beside each cell; screen readers still find a table."""
    with chromium.new_context(viewport={"width": 320, "height": 640}, locale="en") as context:
        page = context.new_page()
        page.goto(f"{site.base}/components")
        table = page.get_by_role("table", name="Channels and providers")
        cell = table.get_by_role("row", name="SMS").get_by_role("cell", name="12")
        label = "each => getComputedStyle(each, '::before').content"
        assert cell.evaluate(label) == '"Sent" / ""'
        head = table.get_by_role("rowheader", name="SMS").bounding_box()
        below = cell.bounding_box()
        assert head is not None
        assert below is not None
        assert below["y"] >= head["y"] + head["height"]
        expect(table.get_by_role("columnheader")).to_have_count(3)
        page.set_viewport_size({"width": 1280, "height": 900})
        assert cell.evaluate(label) == "none"


LIBRARY = ("_parts.html", "_chart.html", "console/_console.html", "work/_work.html", "work/_form.html")


def called(macro: nodes.Node) -> set[str]:
    """The names of the macros that are called in it."""
    found = [each.node for each in macro.find_all(nodes.Call)]
    return {each.attr if isinstance(each, nodes.Getattr) else str(getattr(each, "name", "")) for each in found}


def test_the_page_of_components_has_them_all() -> None:
    """Every macro of the library is called on it, or by one that is; but the top of drafts has a heading."""
    made = Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
    macros: dict[str, set[str]] = {}
    for name in LIBRARY:
        for each in made.parse((HTML / name).read_text(encoding="utf-8")).find_all(nodes.Macro):
            macros[each.name] = macros.get(each.name, set()) | called(each)
    seen: set[str] = set()
    waiting = called(made.parse((HTML / "components.html").read_text(encoding="utf-8")))
    while waiting := waiting & set(macros) - seen:
        seen |= waiting
        waiting = set().union(*(macros[each] for each in waiting))
    assert set(macros) - seen == {"head"}


def painted(page: Page, selector: str, name: str, part: str = "") -> str:
    """How the browser paints the first such element, or a part of it such as `::before`."""
    found: str = page.locator(selector).first.evaluate(
        "(each, [name, part]) => getComputedStyle(each, part || null)[name]", [name, part]
    )
    return found


def test_nothing_depends_on_colours_alone(chromium: Browser, site: Site) -> None:
    """Where a system forces its colours, badges, dots, bars, focus, buttons and the current page are seen."""
    with site.visit(chromium, forced_colors="active", color_scheme="dark") as context:
        page = context.new_page()
        page.goto(f"{site.base}/components")
        ground = painted(page, "body", "backgroundColor")
        for selector in (".tag", ".stops", ".banner", ".card", ".button", "main button", "main button.second"):
            assert painted(page, selector, "borderTopStyle") != "none", selector
            assert painted(page, selector, "borderTopColor") != ground, selector
        assert painted(page, ".timeline > li", "backgroundColor", "::before") != ground
        assert painted(page, ".card.unread > h3", "backgroundColor", "::before") != ground
        assert painted(page, ".stepper .next .mark", "backgroundColor") != ground
        assert len({ground, painted(page, ".bar", "fill"), painted(page, ".bar.most", "fill")}) == 3
        page.keyboard.press("Tab")
        assert painted(page, ":focus", "outlineStyle") == "solid"
        assert painted(page, ":focus", "outlineColor") != ground
        page.goto(f"{site.base}/my")
        assert painted(page, ".places a:not([aria-current])", "borderBottomColor") == ground
        assert painted(page, ".places a[aria-current]", "borderBottomColor") != ground
        page.emulate_media(forced_colors="none", contrast="more")
        assert painted(page, ".faint", "color") == painted(page, "body", "color")


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_telephone_shows_the_choices_at_once(chromium: Browser, site: Site, language: str) -> None:
    """On a telephone the navigation takes two lines, and all preferences stand on one screen, with their button."""
    with site.visit(chromium, language=language, viewport={"width": 375, "height": 812}) as context:
        page = context.new_page()
        page.goto(f"{site.base}/my/preferences")
        tops = page.locator(".places a").evaluate_all("found => found.map(each => each.getBoundingClientRect().top)")
        assert len(set(tops)) == 2
        box = page.locator("main form button").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 812
        for width in (320, 1280):
            page.set_viewport_size({"width": width, "height": 812})
            tops = page.locator(".places a").evaluate_all("all => all.map(each => each.getBoundingClientRect().top)")
            assert len(set(tops)) == (2 if width == 320 else 1)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        seen = Inspector(page, language, "375")
        seen.look(f"preferences-open-{language}")
        assert seen.wrong == []


@WAYS
def test_a_citizen_does_it_all(chromium: Browser, site: Site, keys: bool) -> None:  # noqa: FBT001  (a parameter)
    """Sign in, a message, why, a dispute, preferences, the code and the way out: by keys, or without scripts."""
    with site.visit(chromium, signed_in=False, java_script_enabled=keys, viewport=PHONE) as context:
        page = context.new_page()
        by = fingers(page, keys=keys)
        page.goto(f"{site.base}/sign-in?next=/my&language=en")
        by.press(page.get_by_role("link", name="eGov"))
        page.wait_for_url("**/authorize*")
        by.write(page.locator("input[name=who]"), "aigerim")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site.base}/my")
        if keys:
            by.press(page.locator(".skip"))
            expect(page.locator("#main")).to_be_focused()
        by.press(page.locator(".cards h3 a", has_text="Half price of a traffic fine"))
        code = page.locator(".code").inner_text()
        by.press(page.get_by_role("link", name="Why did I get this?"))
        disputes(page, by, f"That was not me {keys}")
        prefers(page, by)
        by.press(page.get_by_role("link", name="Is a message genuine?"))
        by.write(page.locator("#code"), code.lower())
        by.press(page.get_by_role("button", name="Check"))
        expect(page.locator(".banner")).to_contain_text("We sent a message with this code")
        by.press(page.get_by_role("button", name="Sign out"))
        page.wait_for_url(f"{site.base}/sign-in")
        page.goto(f"{site.base}/my")
        assert page.url == f"{site.base}/sign-in?next=%2Fmy"
    assert any(f"not me {keys}" in str(each.fields) for each in site.said("citizen.disputed"))
    assert site.said("citizen.preferences_changed")


def disputes(page: Page, by: Fingers, words: str) -> None:
    """Says what is not right, once it was said that nothing was said."""
    expect(page.locator("main")).to_contain_text("a traffic fine was issued")
    expect(page.locator("main")).to_contain_text("Ministry of Internal Affairs")
    by.press(page.get_by_role("button", name="Tell the office"))
    expect(page.locator(".errors")).to_contain_text("Write what is not right")
    by.write(page.locator("textarea"), words)
    by.press(page.get_by_role("button", name="Tell the office"))
    expect(page.locator(".banner")).to_contain_text("The office has been told")


def prefers(page: Page, by: Fingers) -> None:
    """Takes a channel away, or wants it again."""
    by.press(page.get_by_role("link", name="Preferences"))
    push = page.locator("#channel-push")
    before = push.is_checked()
    by.tick(push)
    by.press(page.get_by_role("button", name="Save"))
    expect(page.locator(".banner.success")).to_contain_text("Saved")
    assert push.is_checked() is not before


def test_the_keyboard_alone_erases(chromium: Browser, site: Site) -> None:
    """From the inbox to one's data and to their end, which the page asks for by a word; then there is nothing."""
    with site.visit(chromium, "timur", viewport=PHONE) as context:
        page = context.new_page()
        by = Keyboard(page)
        page.goto(f"{site.base}/my")
        by.press(page.get_by_role("link", name="My data"))
        by.press(page.get_by_role("link", name="Erase my data"))
        by.press(page.get_by_role("button", name="Erase my data for ever"))
        expect(page.locator(".errors")).to_contain_text("Type the word ERASE")
        by.write(page.locator("#word"), "ERASE")
        by.press(page.get_by_role("button", name="Erase my data for ever"))
        expect(page.locator("h1")).to_have_text("Certificate of erasure")
        for look_name, (_, viewport) in LOOKS.items():
            page.set_viewport_size(viewport)
            seen = Inspector(page, "en", look_name)
            seen.look("certificate")
            assert seen.wrong == []
            assert seen.templates == {"erased.html"}


def test_a_link_from_a_message_needs_no_sign_in(chromium: Browser, site: Site) -> None:
    """The link in a message shows it, stops it and takes that back, in their language; no cookie, no mouse."""
    with site.visit(chromium, signed_in=False, java_script_enabled=False) as context:
        page = context.new_page()
        by = Keyboard(page)
        page.goto(site.linked())
        assert page.locator("html").get_attribute("lang") == "kk"
        assert CITIZEN not in page.content()
        by.press(page.locator("a[href*='/stop/']"))
        by.press(page.locator("main button"))
        by.press(page.locator("main button.second"))
        expect(page.locator("h1")).to_have_text("Хабарламалар қайтадан келеді")
        assert context.cookies() == []
