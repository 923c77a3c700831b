"""Lines that are more than news: whoever gathers logs calls somebody for them."""


class Warned(str):
    """A line about something that is wrong and may heal by itself, such as a database that does not answer."""

    __slots__ = ()


class Failed(str):
    """A line about something that ends the process."""

    __slots__ = ()
