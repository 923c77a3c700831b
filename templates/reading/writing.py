"""Writes packs and triggers that the log has as files again: read back, they have the same hash."""

from collections.abc import Mapping
from typing import Any

import yaml

from templates.reading.files import BENEFITS, BODY, PARAMETERS, SERVICES

_BESIDE: Mapping[str, str] = {"parameters": PARAMETERS, "benefits": BENEFITS, "services": SERVICES}
_WIDTH = 110


class _Writer(yaml.SafeDumper):
    """Lists are set in from their key, and texts of several lines are blocks."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  (the library's signature)
        """Set lists in, as people write them."""
        super().increase_indent(flow, indentless=False)


def _text(writer: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text and not text.startswith((" ", "\n")) else None
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _text)
_Writer.yaml_implicit_resolvers = {  # here `on` and `no` are words, as in YAML 1.2
    first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, resolvers in yaml.SafeDumper.yaml_implicit_resolvers.items()
}


def pack_texts(content: Mapping[str, Any]) -> dict[str, str]:
    """Return the files of a pack without its triggers, by path."""
    rest = {name: part for name, part in content.items() if name != "events" and name not in _BESIDE}
    beside = {path: as_yaml(content[name]) for name, path in _BESIDE.items() if name in content}
    events = {f"events/{at:04}.yaml": as_yaml(event) for at, event in enumerate(content["events"])}
    return {"pack.yaml": as_yaml(rest), **beside, **events}


def trigger_texts(rules: Mapping[str, Any], words: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the rules and the words of a trigger, by file; its tests are not in the log."""
    return {"trigger.yaml": as_yaml(rules)} | {
        f"{language}.md": _words(texts) for language, texts in sorted(words.items())
    }


def _words(texts: Mapping[str, Any]) -> str:
    keys = {name: text for name, text in texts.items() if name != BODY}
    body = f"\n{texts[BODY]}\n" if BODY in texts else ""
    return f"---\n{as_yaml(keys) if keys else ''}---\n{body}"


def as_yaml(data: object) -> str:
    """Return plain data as YAML."""
    plain = _plain(data)
    return yaml.dump(plain, Dumper=_Writer, allow_unicode=True, sort_keys=False, width=_WIDTH)


def _plain(data: object) -> object:
    """Return data of the log as it was written: mappings and lists."""
    if isinstance(data, Mapping):
        return {str(name): _plain(inner) for name, inner in data.items()}
    return [_plain(inner) for inner in data] if isinstance(data, list | tuple) else data
