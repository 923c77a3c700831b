"""Severities of log lines above information: log collectors raise an alert for them."""


class Warned(str):
    """A line about a problem that may pass by itself, such as a database that does not answer."""

    __slots__ = ()


class Failed(str):
    """A line about a failure that ends the process."""

    __slots__ = ()
