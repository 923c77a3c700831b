"""A recorded dialogue with an assistant: the questions stand here, the answers come from the demo's own MCP server.

No language model is needed. A question names the tool that an assistant would call. Each time the page is opened the
tool is called over HTTP, with the citizen's own token, and the sentence below it is made from what came back.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import httpx2
from msgspec import Struct

from app.http.assistant_calls import PATH
from app.pages.catalogues import Speech
from domain.core.translatable import N_, Counted, Words

_FEW: Final = 3
Answered = Any
"""The structured content of a tool's answer: a list or a mapping."""


class Exchange(Struct, frozen=True):
    """A question, the call that an assistant made of it, the answer in sentences, and the server's own answer."""

    question: str
    call: str
    sentences: tuple[str, ...]
    raw: str


async def dialogue(base: str, token: str, speech: Speech) -> list[Exchange]:
    """Ask the server at that address all questions, as whoever the token is of."""
    from mcp.client import Client  # noqa: PLC0415  (a second of imports that no other page needs)
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415  (as above)

    headers = {"authorization": f"Bearer {token}"}
    exchanges: list[Exchange] = []
    messages: list[Mapping[str, Any]] = []
    async with (
        httpx2.AsyncClient(headers=headers) as http,
        Client(streamable_http_client(f"{base}{PATH}", http_client=http)) as client,
    ):
        for question, tool, arguments, told in _SCRIPT:
            given = {"nudge": messages[0]["nudge"]} if tool == "why" and messages else arguments
            if tool == "why" and not messages:
                continue
            found = (await client.call_tool(tool, dict(given))).structured_content or {}
            answer = found.get("result", found)
            if tool == "messages":
                messages = answer
            exchanges.append(
                Exchange(
                    speech.say(question),
                    f"{tool}({', '.join(f'{name}={json.dumps(value)}' for name, value in given.items())})",
                    tuple(speech.tell(each) for each in told(answer, speech)),
                    json.dumps(answer, ensure_ascii=False, indent=2),
                )
            )
    return exchanges


def _messages(answer: Answered, speech: Speech) -> Iterator[str]:
    if not answer:
        yield Words("Nothing yet.")
    for each in answer[:_FEW]:
        told = {"day": _day(each["at"], speech), "title": speech.titled(each["title"])}
        yield Words("{day}: {title} ({office}).", office=speech.titled(each["office"]), **told)


def _why(answer: Answered, speech: Speech) -> Iterator[str]:
    title = speech.titled(answer["title"])
    yield Words("About the latest one, “{title}”.", title=title)
    if answer["recorded"]:
        event, day = speech.titled(answer["recorded"]["title"]), _day(answer["recorded"]["time"], speech)
        yield Words("On {day} this was recorded: {event}.", day=day, event=event)
    yield Words("By law: {law}.", law=speech.titled(answer["legal_basis_titles"]).rstrip("."))


def _entitlements(answer: Answered, speech: Speech) -> Iterator[str]:
    yes = [each for each in answer if each["entitled"]]
    if not yes:
        yield Words("To nothing at the moment.")
    for each in yes:
        told = {"title": speech.titled(each["title"]), "amount": speech.money(each["amount"] or 0)}
        if each["amount"] is None:
            yield told["title"] + "."
        elif each["per"] == "month":
            yield Words("{title}: {amount} a month.", **told)
        else:
            yield Words("{title}: {amount}, once.", **told)


def _coming(answer: Answered, speech: Speech) -> Iterator[str]:
    yield Counted("{count} message is planned.", "{count} messages are planned.", len(answer))
    for each in answer[:_FEW]:
        yield Words("{day}: {title}.", day=_day(each["due"], speech), title=speech.titled(each["title"]))


def _day(text: str, speech: Speech) -> str:
    return speech.day_at(datetime.fromisoformat(text))


_Teller = Callable[[Answered, Speech], Iterator[str]]
_SCRIPT: Final[tuple[tuple[str, str, Mapping[str, Any], _Teller], ...]] = (
    (N_("What has the state written to me lately?"), "messages", {"limit": _FEW}, _messages),
    (N_("Why did I get that?"), "why", {}, _why),
    (N_("What am I entitled to?"), "entitlements", {}, _entitlements),
    (N_("What comes next?"), "coming", {}, _coming),
)
"""Question, tool, arguments, and the function that makes sentences of the answer."""
