"""The words of a digest: what goes together on a day, each named in every channel."""

from collections.abc import Callable, Mapping, Sequence

from markupsafe import escape
from msgspec import Struct

from domain.core.sms import segments, spelt
from domain.rules.event_types import NO_OFFICE, Office
from templates.words.email_layout import Action, Layout, Letterhead
from templates.words.rendering import Rendered, signed

SMS_PARTS, PUSH_LONGEST, TITLE_LONGEST, TITLE_SHORTEST = 2, 150, 50, 8


class _Words(Struct, frozen=True):
    subject: str
    push: str
    why: str


WORDS: Mapping[str, _Words] = {
    "kk": _Words(
        "Сізге арналған хабарламалар: {count}",
        "Хабарламалар: {count}",
        "Соңғы күндері сізге хабарлама көп келді, сондықтан қалғандарын бірге жіберіп отырмыз.",
    ),
    "ru": _Words(
        "Сообщения для вас: {count}",
        "Сообщений: {count}",
        "За последние дни вам пришло много сообщений, поэтому остальные мы отправляем вместе.",
    ),
    "en": _Words(
        "Messages for you: {count}",
        "Messages: {count}",
        "You have had many messages in the last days, so we send the others together.",
    ),
}
"""Language -> the platform's own words; whoever reads another language gets the first."""


def render_digest(language: str, members: Sequence[Rendered], platform: Office = NO_OFFICE) -> Rendered:
    """Return one message that names each of these, in a language that the platform has words in.

    `platform`: what messages call the platform. It names its addressee if each of these does.
    """
    known = language if language in WORDS else next(iter(WORDS))
    words, count, titles = WORDS[known], len(members), [_title(each) for each in members]
    subject, push = words.subject.format(count=count), words.push.format(count=count)
    writer, office = platform.title.get(known, ""), platform.short.get(known, "")
    layout, names = Layout(known, (), writer, platform.emblem), [each.head.name for each in members]
    head = Letterhead(writer, names[0] if names and all(names) else "")

    def fits(text: str) -> bool:
        return len(segments(signed(spelt(text), known, office)).parts) <= SMS_PARTS

    return Rendered(
        language=known,
        subject=subject,
        push_title=push,
        push_body=_fitting("", titles, lambda text: len(text) <= PUSH_LONGEST),
        sms=spelt(_fitting(f"{push}. ", titles, fits)),
        text=layout.text(_text(words.why, members)),
        html=layout.html(subject, _html(words.why, members), head.name),
        actions=(),
        office=office,
        head=head,
    )


def _title(member: Rendered) -> str:
    return member.push_title or member.subject or member.sms


def _fitting(before: str, titles: Sequence[str], fits: Callable[[str], bool]) -> str:
    """Return all titles, each as long as possible for all to fit."""
    lengths = range(TITLE_LONGEST, TITLE_SHORTEST, -1)
    texts = (before + "; ".join(_shortened(title, length) for title in titles) for length in lengths)
    return next((text for text in texts if fits(text)), before.strip())


def _shortened(title: str, length: int) -> str:
    return title if len(title) <= length else title[: length - 3].rstrip() + "..."


def _text(why: str, members: Sequence[Rendered]) -> str:
    return "\n\n".join([why, *("\n".join(_lines(each)) for each in members)])


def _lines(member: Rendered) -> list[str]:
    said = [f"- {_title(member)}", *([f"  {member.push_body}"] if member.push_body else [])]
    return [*said, *(f"  {line}" for each in member.actions for line in (f"{each.label}:", each.url))]


def _html(why: str, members: Sequence[Rendered]) -> str:
    items = "".join(f'<li style="margin:0 0 12px">{_item(each)}</li>\n' for each in members)
    return f'<p style="margin:0 0 16px">{escape(why)}</p>\n<ul style="margin:0;padding-left:20px">\n{items}</ul>'


def _item(member: Rendered) -> str:
    said = [
        f"<strong>{escape(_title(member))}</strong>",
        *([str(escape(member.push_body))] if member.push_body else []),
    ]
    return "<br>\n".join([*said, *(_link(each) for each in member.actions)])


def _link(action: Action) -> str:
    return f'<a href="{escape(action.url)}">{escape(action.label)}</a>'
