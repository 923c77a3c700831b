import pytest

from notifiers.email.addresses import mailbox


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("aigerim@mail.kz", "aigerim@mail.kz"),
        ("a.b+c_d-e@sub.mail.kz", "a.b+c_d-e@sub.mail.kz"),
        ("o'neil/x=y@mail.kz", "o'neil/x=y@mail.kz"),
        ("aigerim@пошта.қаз", "aigerim@xn--80a1acn3a.xn--80ao21a"),
        ("a" * 64 + "@mail.kz", "a" * 64 + "@mail.kz"),
    ],
)
def test_addresses_that_can_be_served(address: str, wire: str) -> None:
    """An address goes out as it is; an international domain in its ASCII form."""
    assert mailbox(address) == wire


@pytest.mark.parametrize(
    "address",
    [
        "",
        "aigerim",
        "@mail.kz",
        "aigerim@",
        "aigerim@mail",
        "aigerim@@mail.kz",
        "a@b@mail.kz",
        "aigerim@mail..kz",
        "aigerim@-mail.kz",
        "aigerim@mail-.kz",
        "aigerim@mail.kz.",
        ".aigerim@mail.kz",
        "ai..gerim@mail.kz",
        "ai gerim@mail.kz",
        " aigerim@mail.kz",
        "aigerim@mail.kz ",
        "aigerim@mail.kz\n",
        "aigerim@mail.kz\r\nRCPT TO:<x@y.kz>",
        "aigerim@mail.kz> SIZE=1",
        "<aigerim@mail.kz>",
        "Aigerim <aigerim@mail.kz>",
        "aigerim@mail.kz,x@y.kz",
        "айгерим@mail.kz",
        "aigerim@[127.0.0.1]",
        '"ai gerim"@mail.kz',
        "aigerim@қаз\n.kz",
        "aigerim@" + "қ" * 64 + ".kz",
        "aigerim@\udcff.kz",
        "a" * 65 + "@mail.kz",
        "a@" + ".".join(["b" * 60] * 5),
        "a@" + "b" * 64 + ".kz",
        "a@" + ".".join(["әіңғүұқөһщъ" * 2] * 10),  # short enough only before it is in ASCII
    ],
)
def test_addresses_that_cannot(address: str) -> None:
    """Whatever is no single mailbox is refused, above all what could smuggle in a command or a header."""
    assert mailbox(address) is None
