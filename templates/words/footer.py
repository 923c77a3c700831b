"""The footer of every message: a link to the reason why it came, and the code that proves it genuine."""

from collections.abc import Mapping

from markupsafe import escape
from msgspec import Struct

from domain.core.sms import segments
from templates.words.email_layout import BOTTOM, LINK, Letterhead, text_head

_PAGE: Mapping[str, str] = {
    "kk": "Бұл хабарлама сізге неге келді",
    "ru": "Почему вам пришло это сообщение",
    "en": "Why you got this message",
}
_CALENDAR: Mapping[str, str] = {
    "kk": "Күнтізбеге қосу",
    "ru": "Добавить в календарь",
    "en": "Add to calendar",
}
_STOP: Mapping[str, str] = {
    "kk": "Мұндай хабарламаларды тоқтату",
    "ru": "Остановить такие сообщения",
    "en": "Stop such messages",
}
_MANDATORY: Mapping[str, str] = {
    "kk": "Мұндай хабарламаны заң талап етеді, сондықтан оны тоқтатуға болмайды.",
    "ru": "Такие сообщения требует закон, поэтому остановить их нельзя.",
    "en": "The law requires such messages, so they cannot be stopped.",
}
_SENDER: Mapping[str, str] = {
    "kk": "Жіберуші: {office}",
    "ru": "Отправитель: {office}",
    "en": "Sent by: {office}",
}
_CODE: Mapping[str, str] = {
    "kk": "Хабарламаның коды: {code}. Оның шынайылығын мына бетте тексеріңіз: {check} (мекенжайын өзіңіз теріңіз)",
    "ru": "Код сообщения: {code}. Проверьте, настоящее ли оно: {check} (наберите адрес сами)",
    "en": "Code of this message: {code}. Check that it is genuine: {check} (type the address yourself)",
}
_SHORT_CODE: Mapping[str, str] = {"kk": "Код: {code}", "ru": "Код: {code}", "en": "Code: {code}"}
_SIGNED: Mapping[str, str] = {
    "kk": "{office} код {code}",
    "ru": "{office} код {code}",
    "en": "{office} code {code}",
}
CALENDAR_FILE = "calendar.ics"
"""Follows the address of a message's page: its day as a file for calendars (RFC 5545)."""
EXAMPLE_CODE = "7K2MQ-X9DPA"
"""As long as every code: for previews and counts."""
_SMALL = "font-size:14px;margin:0 0 8px"
_RULE = (
    '<hr class="rule" style="border:0;border-top:1px solid #c3ccc8;margin:32px 0 16px">\n'
    "{sender}"
    f'<p style="{_SMALL}"><a href="{{page}}" style="{LINK}">{{why}}</a></p>\n'
    "{stop}"
    '<p class="faint" style="font-size:14px;margin:0;color:#4a5752">{code}</p>\n'
)
_LINE = f'<p class="faint" style="{_SMALL};color:#4a5752">{{words}}</p>\n'
_DAY_LINE = f'<p style="margin:0 0 16px"><a href="{{url}}" style="{LINK}">{{words}}</a></p>\n'
_STOP_LINE = f'<p style="{_SMALL}"><a href="{{stop}}" style="{LINK}">{{words}}</a></p>\n'


class Proof(Struct, frozen=True):
    """A message's own proof: `page`, the link to its page; `code`, which `check` accepts."""

    page: str
    code: str
    check: str


class Foot(Struct, frozen=True):
    """The content of an email's foot: its proof, and links.

    `stop`: the link that stops such messages, which outlasts the page's; None: there is none. `is_mandatory`: the law
    requires them. `has_day`: the message's page offers its day to calendars. `head`: as above the words.
    """

    proof: Proof
    stop: str | None = None
    has_day: bool = False
    is_mandatory: bool = False
    head: Letterhead = Letterhead()

    @property
    def calendar(self) -> str:
        """Return the link to the day of the message as a file for calendars."""
        return f"{self.proof.page}/{CALENDAR_FILE}"


def mail_text(text: str, language: str, foot: Foot) -> str:
    """Return an email's plain text with its head and its foot; each address has a line of its own."""
    head = text_head(language, foot.head)
    day = ["", f"{_in(_CALENDAR, language)}:", foot.calendar] if foot.has_day else []
    said = [*_sender(language, foot), f"{_in(_PAGE, language)}:", foot.proof.page]
    said += [f"{_in(_STOP, language)}:", foot.stop] if foot.stop else []
    said += [_in(_MANDATORY, language)] if foot.is_mandatory else []
    return "\n".join((head, text.rstrip(), *day, "", "-- ", *said, _code(language, foot.proof), "")).lstrip("\n")


def mail_html(html: str, language: str, foot: Foot) -> str:
    """Return an email's HTML with its foot.

    Where to check is no link: whoever forges a message forges its links, too.
    """
    day = _DAY_LINE.format(url=escape(foot.calendar), words=escape(_in(_CALENDAR, language))) if foot.has_day else ""
    senders = "".join(_LINE.format(words=escape(each)) for each in _sender(language, foot))
    stops = _STOP_LINE.format(stop=escape(foot.stop), words=escape(_in(_STOP, language))) if foot.stop else ""
    stops += _LINE.format(words=escape(_in(_MANDATORY, language))) if foot.is_mandatory else ""
    why, code = escape(_in(_PAGE, language)), escape(_code(language, foot.proof))
    rule = _RULE.format(page=escape(foot.proof.page), why=why, sender=senders, stop=stops, code=code)
    return html.removesuffix(BOTTOM) + day + rule + BOTTOM


def _sender(language: str, foot: Foot) -> list[str]:
    return [_in(_SENDER, language).format(office=foot.head.office)] if foot.head.office else []


def _code(language: str, proof: Proof) -> str:
    return _in(_CODE, language).format(code=proof.code, check=proof.check)


def signature(language: str, office: str, code: str) -> str:
    """Return the last line of an SMS: who sends it, as far as it names an office, and its code."""
    said = _in(_SIGNED if office else _SHORT_CODE, language)
    return said.format(office=office, code=code)


def with_page(signed: str, page: str) -> str:
    """Return a signed SMS with its page before the signature, unless that takes a further part."""
    words, _, last = signed.rpartition("\n")
    offer = f"{words}\n{page}\n{last}"
    return offer if len(segments(offer).parts) == len(segments(signed).parts) else signed


def _in(words: Mapping[str, str], language: str) -> str:
    return words.get(language) or words["en"]
