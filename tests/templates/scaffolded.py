"""A trigger made by `habarshy new` whose author has written texts of their own."""

from pathlib import Path

from msgspec.structs import astuple

from templates.authoring.scaffold import ASKED, CASES, NEEDLESS, title_of

OWN = {"kk": "Мерзімі бітеді", "ru": "Срок истекает", "en": "It ends soon"}


def write_own_texts(folder: Path) -> None:
    """Replace every placeholder in the files of a new trigger."""
    for path in folder.iterdir():
        text = path.read_text("utf-8").replace(NEEDLESS, "")
        for language, own in OWN.items():
            text = text.replace(f"{language}: {title_of(folder.name)}", f"{language}: {own}")
        for asked in ASKED.values():
            for each in astuple(asked):
                text = text.replace(each, OWN.get(path.stem, "It ends."))
        text = text.replace(title_of(folder.name), OWN.get(path.stem, title_of(folder.name)))
        for name in CASES:
            text = text.replace(name, f"{name}, as it should be")
        path.write_text(text, "utf-8")
