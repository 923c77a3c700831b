"""The frame of every email: a letterhead, one column, its buttons; light and dark, readable without styles.

The only picture is the agency's emblem, which travels in the letter; a program that shows none draws the first letter
of the agency's name instead. Each part names its letters' colour with its ground, so that programs which know nothing
of a dark mode, or turn colours by themselves, keep them readable.
"""

from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape
from msgspec import Struct

from templates.words import emblems

_TO: Mapping[str, str] = {"kk": "Кімге: {name}", "ru": "Кому: {name}", "en": "To: {name}"}
LONGEST_NAME = 60
_DARK = (
    ".page{background:#101614!important;color:#eef4f1!important}"
    ".sheet{background:#1b2421!important;color:#eef4f1!important;border-color:#3d4a45!important}"
    ".sheet h1,.sheet strong{color:#eef4f1!important}.faint{color:#b4c0bb!important}"
    ".sheet a{color:#8ec5ff!important}"
    ".head,.button{background:#006a4e!important}.sheet .button a{color:#ffffff!important}"
    ".second{border-color:#8b9892!important}.sheet .second a{color:#eef4f1!important}"
    ".rule{border-color:#3d4a45!important}"
)
_NARROW = (
    ".outer{padding:0!important}.sheet{border:0!important;border-radius:0!important}"
    ".inner{padding:20px 16px!important}.head{padding:12px 16px!important}"
)
_TOP = (
    '<!DOCTYPE html>\n<html lang="{language}" dir="ltr">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    '<meta name="color-scheme" content="light dark">\n<meta name="supported-color-schemes" content="light dark">\n'
)
_STYLE = (
    f"<style>:root{{color-scheme:light dark}}@media(prefers-color-scheme:dark){{{_DARK}}}"
    f"@media(max-width:480px){{{_NARROW}}}</style>\n<title>"
)
_FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif"
_MIDDLE = (
    '</title>\n</head>\n<body class="page" style="margin:0;padding:0;background:#eef1f0;color:#12201b">\n<main>\n'
    '<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" style="background:#eef1f0">'
    '<tr><td class="outer" align="center" style="padding:24px 8px">\n'
    '<table role="presentation" class="sheet" width="100%" cellpadding="0" cellspacing="0" style="max-width:600px;'
    "border:1px solid #c3ccc8;border-radius:10px;border-spacing:0;overflow:hidden;background:#ffffff;color:#12201b;"
    'text-align:left;overflow-wrap:anywhere">\n'
)
_HEAD = (
    '<tr><td class="head" style="background:#00563f;color:#ffffff;padding:14px 24px">'
    '<table role="presentation" cellpadding="0" cellspacing="0"><tr>'
    '<td aria-hidden="true" style="padding:0;vertical-align:top"><img src="{emblem}" alt="{letter}" width="40"'
    ' height="40" style="display:block;width:40px;height:40px;line-height:40px;border:0;border-radius:8px;'
    f'background:#ffffff;color:#00563f;text-align:center;{_FONT};font-size:20px;font-weight:700">'
    '</td><td style="padding:4px 0 4px 12px;color:#ffffff;'
    f'{_FONT};font-size:16px;line-height:24px;font-weight:600">{{office}}</td></tr></table></td></tr>\n'
)
_BEGIN = (
    '<tr><td class="inner" style="padding:24px;' + _FONT + ';font-size:16px;line-height:1.5">\n{to}'
    '<h1 style="font-size:22px;line-height:1.3;margin:0 0 16px;color:#12201b">'
)
_ADDRESSEE = '<p class="faint" style="margin:0 0 12px;color:#4a5752">{to}</p>\n'
_BUTTON = (
    '<table role="presentation" cellpadding="0" cellspacing="0" style="margin:16px 0"><tr><td class="button" '
    'style="border-radius:6px;background:#00563f"><a href="{url}" style="display:inline-block;padding:13px 24px;'
    'color:#ffffff;font-weight:600;text-decoration:none">{label}</a></td></tr></table>\n'
)
_SECOND = (
    '<table role="presentation" cellpadding="0" cellspacing="0" style="margin:16px 0"><tr><td class="second"'
    ' style="border:2px solid #6f7b76;border-radius:6px"><a href="{url}" style="display:inline-block;'
    'padding:11px 22px;color:#12201b;font-weight:600;text-decoration:none">{label}</a></td></tr></table>\n'
)
BOTTOM = "</td></tr>\n</table>\n</td></tr></table>\n</main>\n</body>\n</html>\n"
LINK = "color:#0b5394"
"""The style of a link, for what stands below the buttons."""


class Action(Struct, frozen=True):
    """A button: `url` opens when it is chosen."""

    id: str
    url: str
    label: str


class Letterhead(Struct, frozen=True):
    """The title of the agency that writes, and the addressee's name; empty where it is not said."""

    office: str = ""
    name: str = ""


class Layout:
    """Frames emails in one language, with a letterhead above the words and buttons under them."""

    def __init__(self, language: str, actions: Sequence[Action], office: str = "", emblem: str = "") -> None:
        shown = {"emblem": emblems.source(emblem), "letter": escape(office[:1].upper()), "office": escape(office)}
        self._top, self._to = _TOP.format(language=escape(language)), _TO.get(language, _TO["en"])
        self._head = _HEAD.format_map(shown) if office else ""
        buttons = [
            (_SECOND if number else _BUTTON).format(url=escape(each.url), label=escape(each.label))
            for number, each in enumerate(actions)
        ]
        self._html_end = "\n" + "".join(buttons) + BOTTOM
        links = [f"\n{each.label}:\n{each.url}\n" for each in actions]
        self._text_end = "\n" + "".join(links)

    def html(self, subject: str, body: str, name: str = "") -> str:
        """Return the email as HTML; `body` is HTML, `subject` and the addressee's `name` are not."""
        heading = str(escape(subject))
        isolated = Markup("<bdi>{}</bdi>").format(name)
        to = _ADDRESSEE.format(to=escape(self._to).format(name=isolated)) if name else ""
        begin = _BEGIN.format(to=to)
        return f"{self._top}{_STYLE}{heading}{_MIDDLE}{self._head}{begin}{heading}</h1>\n{body}{self._html_end}"

    def text(self, body: str) -> str:
        """Return the email as plain text."""
        return body + self._text_end


def text_head(language: str, head: Letterhead) -> str:
    """Return the letterhead of an email's plain text; empty where it says nothing."""
    said = [head.office] if head.office else []
    said += [_TO.get(language, _TO["en"]).format(name=head.name)] if head.name else []
    return "".join(f"{line}\n" for line in said)


def addressee(recipient: Mapping[str, object]) -> str:
    """Return how a letter names its addressee: the given name and the first letter of the family name.

    No more is said, because a mailbox may be shared and an address may be wrong. Empty where no name is known.
    """
    given, family = (_printable(recipient.get(each)) for each in ("given_name", "family_name"))
    short = given if len(given) <= LONGEST_NAME else given[: LONGEST_NAME - 1].rstrip() + "…"
    return f"{short} {family[0]}." if short and family else short


def _printable(name: object) -> str:
    """Return a name without what cannot be seen or turns what is read around (Unicode TR 36)."""
    return "".join(each for each in name if each.isprintable()).strip() if isinstance(name, str) else ""
