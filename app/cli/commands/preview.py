"""habarshy preview: what a trigger says to invented people, in each language and by each channel."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli.options import AsJson, ClockTime, clock_of
from app.cli.pack_paths import Target, With, load_checked, target_of
from app.packs.preview_lines import Grid
from app.packs.preview_page import preview_page
from app.terminal import Exit, print_json, print_line, stop, talk, write_file
from domain.rules.trigger_compiling import compile_trigger
from templates.authoring.preview import Hearing, Previewer
from templates.checks.loader import TriggerSource, pack_of
from templates.checks.pack_check import SmsLimit, sms_limit_of
from templates.checks.personas import Persona, built_in, personas_in
from templates.reading.catalogue import NoDefaults, catalogue_of, defaults_of
from templates.reading.findings import closest

What = Annotated[Path, typer.Argument(metavar="TRIGGER_FOLDER|PACK", help="The folder of a trigger or of a pack.")]
Who = Annotated[str | None, typer.Option("--persona", metavar="NAME", help="Only for this sample person.")]
Languages = Annotated[list[str] | None, typer.Option("--language", metavar="kk", help="Only this language.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the emails to this file.")]


def preview(
    what: What,
    persona: Who = None,
    language: Languages = None,
    html: Html = None,
    others: With = None,
    clock: ClockTime = None,
    as_json: AsJson = False,
) -> None:
    """Show the messages of a trigger for sample people; sends nothing and needs no database."""
    target = target_of(what)
    workbench = LoadedPacks(target, others, clock_of(clock)())
    personas = workbench.personas(persona)
    languages = workbench.languages(language or [])
    heard = [
        (source, [workbench.previewer(source).hear(each, languages) for each in personas])
        for source in workbench.sources()
    ]
    for source, hearings in heard:
        _print(Grid(source, workbench.limit), hearings, chosen=persona, as_json=as_json)
    if html is not None:
        write_file(html, preview_page(heard), "--html")
        talk(f"the emails are in {html}")


class LoadedPacks:
    """The packs, loaded; what is wrong with them ends the command."""

    def __init__(self, target: Target, others: Sequence[Path] | None, now: datetime) -> None:
        self._target, self._now = target, now
        self._files, examined = load_checked(target, others)
        self._contents = [pack_of(files).content for files in examined]
        self._catalogue = catalogue_of(self._contents)
        try:
            self._defaults = defaults_of(self._contents)
        except NoDefaults as missing:
            stop(Exit.CHECK_FAILED, str(missing))
        self.limit: SmsLimit = sms_limit_of(pack_of(self._files).content)

    def sources(self) -> Iterator[TriggerSource]:
        """Yield the trigger that is asked for, or all of the pack."""
        for source in pack_of(self._files).triggers:
            if self._target.trigger in (None, source.name):
                yield source

    def previewer(self, source: TriggerSource) -> Previewer:
        """Return the previewer that plays the trigger."""
        trigger = compile_trigger(source.name, source.rules, self._catalogue)
        return Previewer(source, trigger, self._catalogue, self._defaults, self._now)

    def personas(self, name: str | None) -> list[Persona]:
        """Return the people of the pack and those built in, or the one of that name."""
        mine = personas_in(self._files.personas)
        names = {each.name for each in mine}
        everybody = [*mine, *(each for each in built_in(self._now.date()) if each.name not in names)]
        if name is not None:
            require_known(name, [each.name for each in everybody], "--persona")
        return [each for each in everybody if name in (None, each.name)]

    @property
    def spoken(self) -> tuple[str, ...]:
        """Return the packs' languages."""
        return self._defaults.languages

    def languages(self, wanted: Sequence[str]) -> list[str]:
        """Return the languages that are asked for; none: all."""
        return [require_known(each, self._defaults.languages, "--language") for each in wanted]


def require_known(name: str, known: Collection[str], option: str) -> str:
    """Return the name; an unknown one ends the command with exit 2."""
    if name not in known:
        stop(Exit.USAGE, f"{option}: {name!r} is not known ({suggestion_among(name, known)})")
    return name


def suggestion_among(name: str, known: Collection[str]) -> str:
    """Return what was probably meant; where nothing is like it, all that there is."""
    meant = closest(name, known)
    return f"did you mean {meant!r}?" if meant else f"there are: {', '.join(known)}"


def _print(grid: Grid, hearings: Sequence[Hearing], *, chosen: str | None, as_json: bool) -> None:
    if as_json:
        for each in grid.objects(hearings):
            print_json(each)
        return
    for line in grid.lines(hearings, alone=chosen is not None):
        print_line(line)
