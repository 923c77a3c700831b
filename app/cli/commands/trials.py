"""habarshy test-send: a trigger's words to a colleague, by the real provider."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
import uvloop

from app.cli.commands.preview import LoadedPacks, require_known
from app.cli.pack_paths import With, is_folder, target_of
from app.cli.platform_options import PlatformOptions
from app.cli.principal_session import PrincipalSession, principal_session
from app.compose import Platform
from app.compose_sending import compose_routes
from app.identity.principals import colleague
from app.terminal import Exit, print_line, stop
from domain.facts.governance import TriggerSubmitted
from domain.facts.principals import Principal, require_reader
from domain.rules.errors import BadTrigger
from domain.rules.trigger_compiling import compile_trigger
from notifiers.port.fake import FakeNotifier
from notifiers.port.interface import Accepted, Outcome
from notifiers.port.routes import Route
from streams.delivery.send.trial_send import TrialMessage
from streams.rules.approval import NotSubmitted, reference
from streams.rules.switches import owner_of
from templates.authoring.preview import Previewer
from templates.checks.loader import TriggerSource
from templates.checks.personas import Persona, built_in
from templates.words.rendering import Rendered

What = Annotated[
    str,
    typer.Argument(metavar="TRIGGER_FOLDER|TRIGGER", help="The folder of a trigger, or the name of one in the log."),
]
To = Annotated[str, typer.Option("--to", metavar="NAME", help="A colleague: a principal of your agency.")]
Channel = Annotated[
    str | None, typer.Option("--channel", help="The channel; by default the first that reaches them.")
]
Language = Annotated[str | None, typer.Option("--language", metavar="kk", help="The language of the message.")]
Who = Annotated[str, typer.Option("--persona", metavar="NAME", help="The sample person for whom it is rendered.")]
Step = Annotated[str | None, typer.Option("--step", help="The step; by default the first.")]


def trial(
    what: What,
    to: To,
    channel: Channel = None,
    language: Language = None,
    persona: Who = "adult",
    step: Step = None,
    others: With = None,
    *,
    on: PlatformOptions,
) -> None:
    """Send a trigger's message to a colleague's registered contact, marked as a test."""
    with principal_session(on) as at:
        receiver = colleague(at.platform.settings.principals, to, at.who)
        play = _in_folder(at, what, others, persona) if is_folder(Path(what)) else _in_log(at, what, persona)
        by = channel or _first_channel(play, receiver)
        require_known(by, play.source.rules["channels"], "--channel")
        rendered = _rendered(play, language, step)
        source = play.source
        made = TrialMessage(source.name, source.hash, str(source.rules["owner"]), by, rendered)
        routes = compose_routes(at.platform)
        outcome = uvloop.run(_send(at.platform, made, receiver, at.who, routes))
    if not isinstance(outcome, Accepted):
        stop(Exit.UNAVAILABLE, f"it has not gone: {outcome.reason}")
    what = f"{source.name}@{source.hash[:12]}"
    if all(isinstance(each.notifier, FakeNotifier) for each in routes[by].providers):
        print_line(f"{what}  not sent to {to}: no provider is configured for {by}, so a stand-in kept it")
    else:
        print_line(f"{what}  sent to {to} by {by}")


class _Play(NamedTuple):
    """A trigger, what plays it, and for whom."""

    source: TriggerSource
    previewer: Previewer
    persona: Persona
    languages: tuple[str, ...]


def _in_folder(at: PrincipalSession, what: str, others: list[Path] | None, persona: str) -> _Play:
    target = target_of(Path(what))
    if target.trigger is None:
        stop(Exit.USAGE, f"{what}: this is a pack; name one of its triggers")
    bench = LoadedPacks(target, others, at.platform.clock())
    [source] = bench.sources()
    [chosen] = bench.personas(persona)
    return _Play(source, bench.previewer(source), chosen, bench.spoken)


def _in_log(at: PrincipalSession, what: str, persona: str) -> _Play:
    """Return the submitted version of that name, or the published one, ready to play."""
    fact = _fact(at, what)
    words = {spoken: dict(texts) for spoken, texts in fact.words.items()}
    source = TriggerSource(fact.trigger, dict(fact.rules), words, fact.hash)
    rules, now = at.platform.rules.library.rules(), at.platform.clock()
    try:
        trigger = compile_trigger(source.name, source.rules, rules.catalogue)
    except BadTrigger as bad:
        stop(Exit.CHECK_FAILED, f"{what}: its pack is not published ({bad}); name its folder instead")
    previewer = Previewer(source, trigger, rules.catalogue, rules.defaults, now)
    known = {each.name: each for each in built_in(now.date())}
    return _Play(source, previewer, known[require_known(persona, known, "--persona")], rules.defaults.languages)


def _fact(at: PrincipalSession, what: str) -> TriggerSubmitted:
    """Return the submission of that name, or the published version in the form of one."""
    governing = at.platform.rules.approval
    try:
        found = governing.find(reference(what), at.who).fact
    except NotSubmitted:
        now = governing.governed()
        owner = owner_of(now, what, at.who)
        require_reader(at.who, owner, what)
        last = [each.fact for each in now.publications if each.fact.trigger == what][-1]
        return TriggerSubmitted(last.at, last.by, last.pack, last.trigger, owner, last.hash, last.rules, last.words)
    if not isinstance(found, TriggerSubmitted):
        stop(Exit.USAGE, f"{what}: a pack has no words; name a trigger")
    return found


def _first_channel(play: _Play, receiver: Principal) -> str:
    channels = [str(each) for each in play.source.rules["channels"]]
    return next((each for each in channels if each in receiver.contacts), channels[0])


def _rendered(play: _Play, language: str | None, step: str | None) -> Rendered:
    spoken = [each for each in play.languages if each in play.source.words]
    wanted = spoken[0] if language is None else require_known(language, spoken, "--language")
    hearing = play.previewer.hear(play.persona, [wanted])
    if not hearing.messages:
        stop(Exit.CHECK_FAILED, f"{play.persona.name} would hear nothing: {hearing.nothing}; try another --persona")
    steps = {message.step: message for message in hearing.messages}
    chosen = next(iter(steps.values())) if step is None else steps[require_known(step, steps, "--step")]
    [words] = chosen.words
    if words.rendered is None:
        stop(Exit.CHECK_FAILED, f"the words cannot be rendered: {words.problem}")
    return words.rendered


async def _send(
    platform: Platform, made: TrialMessage, receiver: Principal, who: Principal, routes: Mapping[str, Route]
) -> Outcome:
    try:
        return await platform.delivery.test_sends.send(made, receiver, who, routes[made.channel])
    finally:
        await asyncio.gather(*(route.aclose() for route in routes.values()))
