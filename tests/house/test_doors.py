"""The doors between packages: who may import which module of another package."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("domain", "templates", "notifiers", "streams", "app")
PACKAGES = sorted(
    path.parent.relative_to(ROOT)
    for folder in OURS
    for path in (ROOT / folder).rglob("__init__.py")
    if path.parent != ROOT / folder
)


def public_modules(docstring: str) -> set[str]:
    """The modules that a package's docstring names after `Modules:`, in a list or with a word on each."""
    found = re.search(r"^Modules:(.*?)(?:\n\n|^\w+:|\Z)", docstring, re.DOTALL | re.MULTILINE)
    if found is None:
        return set()
    listed = found[1].rstrip()
    if "\n    " not in listed or ":" not in listed:
        return set(re.findall(r"\w+", listed))
    return {name for names in re.findall(r"((?:\w+,\s+)*\w+):", listed) for name in re.findall(r"\w+", names)}


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """The modules of ours that a file imports, by dotted name, and the lines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((name.name, node.lineno) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{name.name}", node.lineno) for name in node.names)


def doors() -> Iterator[tuple[Path, str, str]]:
    """Each import across packages: package, module in it, and the place of the import."""
    modules = {
        ".".join((*package.parts, path.stem)): package
        for package in PACKAGES
        for path in (ROOT / package).glob("*.py")
    }
    for folder in (*OURS, "projections"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for name, line in imported(path):
                package = modules.get(name)
                if package is not None and path.parent != ROOT / package:
                    yield package, name.rpartition(".")[2], f"{path.relative_to(ROOT)}:{line}"


def test_nobody_imports_the_internals_of_another_package() -> None:
    """A module that another package imports is named under `Modules:` in its package's docstring."""
    public = {
        package: public_modules(ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text())) or "")
        for package in PACKAGES
    }
    found = [
        f"{place} imports {package}/{module}.py, which is internal"
        for package, module, place in doors()
        if module not in public[package] and module != "wiring"
    ]
    assert found == []


@pytest.mark.parametrize("package", PACKAGES, ids=str)
def test_a_package_names_only_modules_that_it_has(package: Path) -> None:
    """What a docstring lists after `Modules:` exists, and the package re-exports nothing by itself."""
    tree = ast.parse((ROOT / package / "__init__.py").read_text())
    listed = re.search(r"^Modules: ([\w,\s]+)\.$", ast.get_docstring(tree) or "", re.MULTILINE)
    names = re.findall(r"\w+", listed[1]) if listed else []
    assert [name for name in names if not (ROOT / package / f"{name}.py").exists()] == []
    assert [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)] == []
