"""A last day that counts is said to count in Russian and in Kazakh."""

from templates.checks.loader import shipped


def test_kazakh_says_included_wherever_russian_does() -> None:
    """Each shipped text that says «включительно» in Russian says «қоса алғанда» in Kazakh, as often."""
    russian = [file for pack in shipped() for file in sorted(pack.glob("*/ru.md"))]
    assert russian
    said = {file.parent.name: file.read_text().count("включительно") for file in russian}
    assert sum(said.values())
    assert said == {file.parent.name: file.with_name("kk.md").read_text().count("қоса алғанда") for file in russian}
