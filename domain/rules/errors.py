"""The error of a rule that does not compile."""

from domain.core.translatable import Said


class BadTrigger(ValueError):
    """A trigger that cannot be compiled: `path` names the key, `line` and `column` lie in its text.

    `others`: what else is wrong with it.
    """

    def __init__(self, path: tuple[str | int, ...], problem: Said, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{'.'.join(map(str, path))}: {problem}")
        self.path, self.problem, self.line, self.column = path, problem, line, column
        self.others: tuple[BadTrigger, ...] = ()
