"""habarshy pause, resume, withdraw and control: what is stopped, from the next send on."""

from typing import Annotated, Literal

import typer

from app.cli.options import Published, reason_given
from app.cli.platform_options import TimedOptions
from app.cli.principal_session import principal_session
from app.terminal import Exit, stop, talk

Scope = Annotated[Literal["trigger", "agency", "channel", "all"], typer.Argument(help="The kind of thing to stop.")]
Name = Annotated[str | None, typer.Argument(metavar="NAME", help="The name of what to stop; left out with all.")]
Stop = Annotated[bool, typer.Option("--stop/--go", help="Stop sending, or resume it.")]
_REASON = typer.Option("--reason", help="The reason, which the log keeps.", callback=reason_given)
Reason = Annotated[str, _REASON]
Perhaps = Annotated[str | None, _REASON]


def pause(trigger: Published, reason: Perhaps = None, *, on: TimedOptions) -> None:
    """Pause sending for a trigger; planning continues."""
    with principal_session(on, local=True) as at:
        new = at.platform.rules.switches.pause(trigger, at.who, reason or "")
    talk(f"{trigger} is paused" if new else f"{trigger} was paused before")


def resume(trigger: Published, reason: Perhaps = None, *, on: TimedOptions) -> None:
    """Resume sending for a trigger, including the messages that waited."""
    with principal_session(on, local=True) as at:
        new = at.platform.rules.switches.resume(trigger, at.who, reason or "")
    talk(f"{trigger} is resumed" if new else f"{trigger} was not paused")


def withdraw(trigger: Published, reason: Perhaps = None, *, on: TimedOptions) -> None:
    """Withdraw a trigger: plan and send nothing more, and withhold what is planned."""
    with principal_session(on) as at:
        new = at.platform.rules.switches.withdraw(trigger, at.who, reason or "")
    talk(f"{trigger} is withdrawn" if new else f"{trigger} was withdrawn before")


def control(scope: Scope, stopped: Stop, reason: Reason, name: Name = None, *, on: TimedOptions) -> None:
    """Set or clear a kill switch."""
    if (scope == "all") != (name is None):
        stop(Exit.USAGE, f"{scope} takes {'no name' if scope == 'all' else 'a name'}")
    with principal_session(on, local=True) as at:
        new = at.platform.rules.switches.control(scope, name or "", at.who, stopped=stopped, reason=reason)
    what = f"{scope} {name or ''}".strip()
    talk(f"{what}: {'stopped' if stopped else 'goes on'}" + ("" if new else " as before"))
