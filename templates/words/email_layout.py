"""The frame of every email: one column, readable by screen readers and without styles, no pictures."""

from collections.abc import Sequence

from markupsafe import escape
from msgspec import Struct

_TOP = (
    '<!DOCTYPE html>\n<html lang="{language}" dir="ltr">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    '<meta name="color-scheme" content="light dark">\n<title>'
)
_MIDDLE = (
    '</title>\n</head>\n<body style="margin:0;padding:16px">\n<main style="max-width:600px;margin:0 auto;'
    "font-family:system-ui,'Segoe UI',Roboto,Arial,sans-serif;font-size:16px;line-height:1.5\">\n"
    '<h1 style="font-size:22px;line-height:1.3;margin:0 0 16px">'
)
_BUTTON = (
    '<p style="margin:24px 0"><a href="{url}" style="display:inline-block;padding:12px 20px;background:#0b5e8a;'
    'color:#ffffff;text-decoration:none;border-radius:4px">{label}</a></p>\n'
)
BOTTOM = "</main>\n</body>\n</html>\n"


class Action(Struct, frozen=True):
    """A button: `url` opens when it is chosen."""

    id: str
    url: str
    label: str


class Layout:
    """Frames emails in one language, with buttons under the words."""

    def __init__(self, language: str, actions: Sequence[Action]) -> None:
        self._top = _TOP.format(language=escape(language))
        buttons = [_BUTTON.format(url=escape(each.url), label=escape(each.label)) for each in actions]
        self._html_end = "\n" + "".join(buttons) + BOTTOM
        links = [f"{each.label}: {each.url}\n" for each in actions]
        self._text_end = "\n" + "".join(["\n", *links] if links else [])

    def html(self, subject: str, body: str) -> str:
        """Return the email as HTML; `body` is HTML, `subject` is not."""
        heading = str(escape(subject))
        return f"{self._top}{heading}{_MIDDLE}{heading}</h1>\n{body}{self._html_end}"

    def text(self, body: str) -> str:
        """Return the email as plain text."""
        return body + self._text_end
