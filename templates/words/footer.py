"""The footer of every message: a link to the reason why it came, and the code that proves it genuine."""

from collections.abc import Mapping, Sequence

from markupsafe import escape
from msgspec import Struct

from domain.core.sms import segments
from templates.words.email_layout import BOTTOM

_PAGE: Mapping[str, str] = {
    "kk": "Бұл хабарлама сізге неге келді",
    "ru": "Почему вам пришло это сообщение",
    "en": "Why you got this message",
}
_STOP: Mapping[str, str] = {
    "kk": "Мұндай хабарламаларды тоқтату",
    "ru": "Остановить такие сообщения",
    "en": "Stop such messages",
}
_CODE: Mapping[str, str] = {
    "kk": "Хабарламаның коды: {code}. Оның шынайылығын мына бетте тексеріңіз: {check} (мекенжайын өзіңіз теріңіз)",
    "ru": "Код сообщения: {code}. Проверьте, настоящее ли оно: {check} (наберите адрес сами)",
    "en": "Code of this message: {code}. Check that it is genuine: {check} (type the address yourself)",
}
_SHORT_CODE: Mapping[str, str] = {"kk": "Код: {code}", "ru": "Код: {code}", "en": "Code: {code}"}
_RULE = (
    '<hr style="border:0;border-top:1px solid #767676;margin:32px 0 16px">\n'
    '<p style="font-size:14px;margin:0 0 8px"><a href="{page}">{why}</a></p>\n'
    "{stop}"
    '<p style="font-size:14px;margin:0">{code}</p>\n'
)
_STOP_LINE = '<p style="font-size:14px;margin:0 0 8px"><a href="{stop}">{words}</a></p>\n'


class Proof(Struct, frozen=True):
    """A message's own proof: `page`, the link to its page; `code`, which `check` accepts."""

    page: str
    code: str
    check: str


def mail_text(text: str, language: str, proof: Proof, stop: str | None) -> str:
    """Return an email's plain text with its foot.

    `stop`: the link that stops such messages, which outlasts the page's.
    """
    said = [f"{_in(_PAGE, language)}: {proof.page}"]
    said += [f"{_in(_STOP, language)}: {stop}"] if stop else []
    return "\n".join((text.rstrip(), "", "-- ", *said, _code(language, proof), ""))


def mail_html(html: str, language: str, proof: Proof, stop: str | None) -> str:
    """Return an email's HTML with its foot.

    Where to check is no link: whoever forges a message forges its links, too.
    """
    stops = _STOP_LINE.format(stop=escape(stop), words=escape(_in(_STOP, language))) if stop else ""
    why, code = escape(_in(_PAGE, language)), escape(_code(language, proof))
    foot = _RULE.format(page=escape(proof.page), why=why, stop=stops, code=code)
    return html.removesuffix(BOTTOM) + foot + BOTTOM


def _code(language: str, proof: Proof) -> str:
    return _in(_CODE, language).format(code=proof.code, check=proof.check)


def sms(text: str, language: str, proof: Proof) -> str:
    """Return an SMS with its page and its code, or with one of them, as far as there is room for it.

    Never a part more.
    """
    code = _in(_SHORT_CODE, language).format(code=proof.code)
    parts = len(segments(text).parts)
    offers: Sequence[str] = (f"{text}\n{proof.page}\n{code}", f"{text}\n{proof.page}", f"{text}\n{code}")
    return next((offer for offer in offers if len(segments(offer).parts) == parts), text)


def _in(words: Mapping[str, str], language: str) -> str:
    return words.get(language) or words["en"]
