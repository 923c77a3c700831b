"""habarshy config show: the settings, and where each comes from."""

from typing import Annotated

import typer

from app.cli.options import AsJson
from app.cli.platform_options import PlatformOptions
from app.settings import BadSettings, given_settings, shown_settings
from app.terminal import print_json_or_lines, talk

Origin = Annotated[bool, typer.Option("--origin", help="Show the origin of each value.")]


def show(origin: Origin = False, as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """Show every setting; secrets are masked."""
    flags = [name for name, value in (("database", on.database), ("key_file", on.key_file)) if value is not None]
    try:
        settings = on.settings
    except BadSettings:
        for name, where in given_settings(flags) if origin else ():
            print_json_or_lines({"name": name, "origin": where}, f"{name}   ({where})", as_json=as_json)
        if origin:
            talk("No value is shown, because one cannot be used; above is what is set, and where.")
        raise
    for each in shown_settings(settings, flags):
        plain, line = {"name": each.name, "value": each.value}, f"{each.name} = {each.value}"
        if origin:
            plain, line = plain | {"origin": each.origin}, f"{line}   ({each.origin})"
        print_json_or_lines(plain, line, as_json=as_json)
