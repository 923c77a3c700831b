"""A trigger made by `habarshy new` whose author has written texts of their own."""

from pathlib import Path

from msgspec.structs import astuple

from templates.checks.scaffold_text import ASKED, CASES, NEEDLESS, remarked, title_of

OWN = {"kk": "Мерзімі бітеді", "ru": "Срок истекает", "en": "It ends soon"}


def write_own_texts(folder: Path) -> None:
    """Replace every placeholder in the files of a new trigger."""
    for path in folder.iterdir():
        path.write_text(own_text(path.read_text("utf-8"), path.name, folder.name), "utf-8")


def own_text(text: str, file: str, trigger: str) -> str:
    """The text of a file of a new trigger with every placeholder replaced."""
    lines = [line for line in text.replace(NEEDLESS, "").split("\n") if remarked(line) is None]
    text, words = "\n".join(lines), OWN.get(Path(file).stem)
    for language, own in OWN.items():
        text = text.replace(f"{language}: {title_of(trigger)}", f"{language}: {own}")
    for asked in ASKED.values():
        for each in astuple(asked):
            text = text.replace(each, words or "It ends.")
    text = text.replace(title_of(trigger), words or title_of(trigger))
    for name in CASES:
        text = text.replace(name, f"{name}, as it should be")
    return text
