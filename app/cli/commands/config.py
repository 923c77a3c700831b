"""habarshy config show: the settings, and where each comes from."""

from typing import Annotated

import typer

from app.cli.options import AsJson
from app.cli.platform_options import PlatformOptions
from app.settings import BadSettings, given, shown
from app.terminal import data, data_json, talk

Origin = Annotated[bool, typer.Option("--origin", help="Show the origin of each value.")]


def show(origin: Origin = False, as_json: AsJson = False, *, on: PlatformOptions) -> None:
    """Show every setting; secrets are masked."""
    flags = [name for name, value in (("database", on.database), ("key_file", on.key_file)) if value is not None]
    try:
        settings = on.settings
    except BadSettings:
        for name, where in given(flags) if origin else ():
            data_json({"name": name, "origin": where}) if as_json else data(f"{name}   ({where})")
        if origin:
            talk("No value is shown, because one cannot be used; above is what is set, and where.")
        raise
    for each in shown(settings, flags):
        if as_json:
            data_json({"name": each.name, "value": each.value} | ({"origin": each.origin} if origin else {}))
        else:
            data(f"{each.name} = {each.value}" + (f"   ({each.origin})" if origin else ""))
