"""Emails of a preview as one page: a single one as it is, several each in a frame of its own."""

from collections.abc import Iterator, Sequence

from markupsafe import escape

from templates.authoring.preview import Hearing
from templates.checks.loader import TriggerSource

_TOP = (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Emails of a preview</title>\n<style>'
    "body{font-family:system-ui,sans-serif;margin:24px;background:#eee}iframe{width:640px;max-width:100%;height:640px;"
    "border:1px solid #767676;background:#fff}h2{font-size:16px;margin:32px 0 8px}"
    "@media print{body{margin:0}h2{break-after:avoid}iframe{break-inside:avoid}}</style>\n</head>\n<body>\n"
)
_FRAME = '<h2>{title}</h2>\n<iframe sandbox="allow-same-origin" title="{title}" srcdoc="{html}"></iframe>\n'
_BOTTOM = """<script>
const fit = () => document.querySelectorAll("iframe").forEach((frame) => {
  frame.style.height = "0";
  frame.style.height = `${frame.contentDocument.documentElement.scrollHeight + 2}px`;
});
addEventListener("load", fit);
addEventListener("resize", fit);
</script>
</body>
</html>
"""
"""Frames as high as their emails, or paper would show their beginnings only; within them no script runs."""


def preview_page(heard: Sequence[tuple[TriggerSource, list[Hearing]]]) -> str:
    """Return the page, of what the first person of each trigger hears."""
    emails = [email for source, hearings in heard for email in _emails(source, hearings)]
    if len(emails) == 1:
        return emails[0][1]
    frames = [_FRAME.format(title=escape(title), html=escape(html)) for title, html in emails]
    return f"{_TOP}{''.join(frames)}{_BOTTOM}"


def _emails(source: TriggerSource, hearings: Sequence[Hearing]) -> Iterator[tuple[str, str]]:
    shown = next((each for each in hearings if each.messages), None)
    for message in shown.messages if shown else ():
        for words in message.words:
            if words.rendered is not None:
                yield f"{source.name}: {message.title}, {words.language}", words.rendered.html
