import pytest

from templates.words.markdown import Markdown, mark


def both(words: str, *values: str) -> tuple[str, str]:
    """HTML without styles, and text, of words in which {0} stands for the first value."""
    for index in range(len(values)):
        words = words.replace(f"{{{index}}}", mark(index))
    html, text = Markdown().page(words).fill(values)
    while ' style="' in html:
        before, _, rest = html.partition(' style="')
        html = before + rest.partition('"')[2]
    return html, text


@pytest.mark.parametrize(
    ("words", "html", "text"),
    [
        ("One **two** *three*\nfour", "<p>One <strong>two</strong> <em>three</em>\nfour</p>", "One two three four"),
        ("One\n\nTwo", "<p>One</p>\n<p>Two</p>", "One\n\nTwo"),
        ("One\\\nTwo", "<p>One<br>\nTwo</p>", "One\nTwo"),
        ("- One\n- Two", "<ul>\n<li>One</li>\n<li>Two</li>\n</ul>", "- One\n- Two"),
        ("- One\n\n- Two", "<ul>\n<li>\n<p>One</p>\n</li>\n<li>\n<p>Two</p>\n</li>\n</ul>", "- One\n- Two"),
        ("3. One\n4. Two", '<ol start="3">\n<li>One</li>\n<li>Two</li>\n</ol>', "3. One\n4. Two"),
        ("- One\n  - Two", "<ul>\n<li>One\n<ul>\n<li>Two</li>\n</ul>\n</li>\n</ul>", "- One\n  - Two"),
        ("## Title", "<h2>Title</h2>", "Title"),
        ("> One", "<blockquote>\n<p>One</p>\n</blockquote>", "> One"),
        ("One\n\n---\n\nTwo", "<p>One</p>\n<hr>\n<p>Two</p>", "One\n\n-----\n\nTwo"),
        ("[Apply](https://egov.kz/)", '<p><a href="https://egov.kz/">Apply</a></p>', "Apply: https://egov.kz/"),
        (
            "[**Apply:**](https://egov.kz/)",
            '<p><a href="https://egov.kz/"><strong>Apply:</strong></a></p>',
            "Apply: https://egov.kz/",
        ),
        ("<https://egov.kz/>", '<p><a href="https://egov.kz/">https://egov.kz/</a></p>', "https://egov.kz/"),
        ("[1414](tel:1414)", '<p><a href="tel:1414">1414</a></p>', "1414"),
        ("[Write](mailto:a@egov.kz)", '<p><a href="mailto:a@egov.kz">Write</a></p>', "Write: a@egov.kz"),
        ("A \\* B &amp; C", "<p>A * B &amp; C</p>", "A * B & C"),
    ],
)
def test_both_forms_of_the_small_markdown(words: str, html: str, text: str) -> None:
    """HTML as CommonMark has it; as text, links are "label: address" and lists keep their signs."""
    assert both(words) == (html, text)


@pytest.mark.parametrize(
    "words",
    [
        "[x](javascript:alert(1))",
        "[x](http://egov.kz)",
        "[x](data:text/html,x)",
        "[x](//egov.kz)",
        "[x](/path)",
        "[x](https://egov.kz@evil.example)",
        "[x](https://{0}.kz/)",
        "[x]({0})",
        "<javascript:alert(1)>",
    ],
)
def test_no_other_links(words: str) -> None:
    """Only https with a host that no value chooses, telephone and mail; anything else stays text."""
    assert "<a" not in both(words, "https://evil.example")[0]


@pytest.mark.parametrize(
    "words", ["<b>x</b>", "<script>x</script>", "<!-- x -->", "![x](https://egov.kz/x.png)", "`x`"]
)
def test_no_html_pictures_or_code(words: str) -> None:
    """HTML in words is shown as it was typed, and nothing loads from elsewhere."""
    html, _ = both(words)
    assert not any(tag in html for tag in ("<b>", "<script", "<!--", "<img", "<code"))


HOSTILE = [
    "**bold**",
    "[x](https://evil.example)",
    "# title",
    "- item",
    "1. item",
    "> quote",
    "\\",
    "*",
    "_",
    "`",
    "<b>x</b>",
    "<script>alert(1)</script>",
    "&amp;",
    "\"'",
    "a_b_c",
    "](https://evil.example)",
    "https://evil.example",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_is_never_markdown_nor_html(value: str) -> None:
    """Whatever a registry reports is shown as it is, wherever the words have it."""
    html, text = both("{0} **{0}**\n\n- {0}\n\n# {0}", value)
    shown = (
        value.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace('"', "&#34;")
        .replace("'", "&#39;")
    )
    assert html == f"<p>{shown} <strong>{shown}</strong></p>\n<ul>\n<li>{shown}</li>\n</ul>\n<h1>{shown}</h1>"
    assert text == f"{value} {value}\n\n- {value}\n\n{value}"


def test_a_value_in_an_address_stays_one_piece_of_it() -> None:
    """It can neither end the address, nor climb out of its place in the path, nor add to the query."""
    html, text = both("[x](https://egov.kz/{0}?a={0})", '../"> &b=1')
    encoded = "..%2F%22%3E%20%26b%3D1"
    assert html == f'<p><a href="https://egov.kz/{encoded}?a={encoded}">x</a></p>'
    assert text == f"x: https://egov.kz/{encoded}?a={encoded}"
