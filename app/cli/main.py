"""The command line."""

import sys
from importlib.metadata import version
from typing import Annotated, Any, cast

import typer

from app.cli.command_table import DESTRUCTIVE, Commands, import_command
from app.cli.help_format import Group
from app.terminal import Exit, handling_output_errors, open_standard, stop
from app.tuning import INTERRUPTED, calm_collector


class _Whole(Group):
    """The command `habarshy` with its own options, and all subcommands, none of which is imported yet."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.commands = cast("Any", Commands())  # nobody adds another

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401  (the same)
        """Return the one that is asked for, imported now."""
        name, found, rest = self._safely(ctx, args)
        return name, found and import_command(str(name)), rest

    def _safely(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401  (the same)
        """Return what Typer finds; of an unknown name it suggests only what destroys nothing."""
        if args[:1] and args[0] not in self.commands:
            harmless = {name: each for name, each in self.commands.items() if name not in DESTRUCTIVE}
            all_, self.commands = self.commands, cast("Any", harmless)
            try:
                return super().resolve_command(ctx, args)
            finally:
                self.commands = all_
        return super().resolve_command(ctx, args)


def _tell_version(asked: bool) -> None:  # noqa: FBT001  (as Typer calls it)
    if asked:
        with handling_output_errors():
            sys.stdout.write(f"habarshy {version('habarshy')}\n")
        raise typer.Exit


_VERSION = typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version.")


def _whole(ctx: typer.Context, *, _: Annotated[bool, _VERSION] = False) -> None:
    """Run the options that may stand before a command.

    The command is imported by now; a process of its own tunes its memory.
    """
    if ctx.obj is not None:
        ctx.obj()


def application() -> typer.Typer:
    """Return the command line as an object."""
    return typer.Typer(
        cls=_Whole,
        callback=_whole,
        no_args_is_help=True,
        pretty_exceptions_enable=False,  # they would print local variables, and with them people's data
        help="Tells citizens, at the right moment of their life, what the state can do for them.",
    )


def main() -> None:
    """Run a command; known failures end with their words and their exit code."""
    calm_collector()
    open_standard()
    try:
        application()(obj=calm_collector)
    except Exception as failure:
        if (ended := _ended_by(failure)) is None:
            raise
        stop(*ended)
    finally:
        with handling_output_errors():
            sys.stdout.flush()


def _ended_by(failure: Exception) -> tuple[Exit, str] | None:
    try:
        from app.cli.failures import exit_for  # noqa: PLC0415  (it imports nearly everything, and hardly any command fails)
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    return exit_for(failure)
