"""The fields that a browser would send of a form."""

from html.parser import HTMLParser


class _Reader(HTMLParser):
    """Gathers the fields of the form whose action ends like this; of a piece of a page: all."""

    def __init__(self, action: str | None) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self._action, self._inside = action, action is None
        self._select, self._chosen, self._area = "", list[str](), ""
        self._first: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a field, or begin one."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self._action is not None:
            self._inside = given.get("action", "").endswith(self._action)
        if not self._inside:
            return
        name, kind = given.get("name", ""), given.get("type", "text")
        if tag == "input" and name and (kind not in ("checkbox", "radio") or "checked" in given):
            self.fields.setdefault(name, []).append(given.get("value", ""))
        if tag == "select":
            self._select, self._chosen, self._first = name, [], None
        if tag == "option":
            self._first = given.get("value", "") if self._first is None else self._first
            self._chosen += [given.get("value", "")] if "selected" in given else []
        if tag == "textarea":
            self._area = name
            self.fields[name] = [""]

    def handle_data(self, data: str) -> None:
        """Take the text of a field of several lines."""
        if self._area:
            self.fields[self._area][0] += data

    def handle_endtag(self, tag: str) -> None:
        """End a field."""
        if tag == "select" and self._select:
            self.fields.setdefault(self._select, []).append((self._chosen or [self._first or ""])[-1])
            self._select = ""
        if tag == "textarea" and self._area:
            self.fields[self._area][0] = self.fields[self._area][0].removeprefix("\n")
            self._area = ""
        if tag == "form" and self._action is not None:
            self._inside = False


def fields_of(page: str, action: str | None = None) -> dict[str, list[str]]:
    """Return what a browser would send of the form with that action, unchanged."""
    reader = _Reader(action)
    reader.feed(page)
    return reader.fields
