"""What an operator can set for SMPP, and what is said about a mistake."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from notifiers.port.kinds import Tools, kind
from notifiers.sms.smpp.config import SmppOptions
from notifiers.sms.smpp.notifier import KIND
from tests.notifiers.sms_helpers import AT, KeptInbound

GOOD: dict[str, Any] = {"host": "smsc.test", "system_id": "habarshy", "password": "secret", "sender": "1414"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", ""),
        ("port", 0),
        ("system_id", "longer than fifteen"),
        ("system_id", "жүйе"),
        ("password", "құпия"),
        ("sender", "longer than eleven"),
        ("sender_ton", 8),
        ("region", "Kazakhstan"),
        ("window", 0),
        ("most_parts", 256),
        ("receipt_ids", "octal"),
        ("limits", {"response": 0}),
        ("pasword", "secret"),
    ],
)
def test_a_mistake_is_told_by_its_field(field: str, value: object) -> None:
    """An impossible or unknown setting names itself, and the password is not shown."""
    with pytest.raises(ValidationError) as error:
        SmppOptions.model_validate(GOOD | {field: value})
    assert field in str(error.value)
    assert "secret" not in str(error.value)
    assert "құпия" not in str(error.value)


@pytest.mark.parametrize(
    ("others", "field"),
    [
        ({"ca_file": "ca.pem"}, "ca_file"),
        ({"tls": True, "client_key_file": "key.pem"}, "client_key_file"),
        ({"validity": 0}, "validity"),
    ],
)
def test_settings_that_do_not_fit_together_are_told(others: dict[str, Any], field: str) -> None:
    """A file that would not be used, or is not enough, is no silent mistake."""
    with pytest.raises(ValidationError, match=field):
        SmppOptions.model_validate(GOOD | others)


@pytest.mark.parametrize("name", ["ca_file", "client_cert_file"])
def test_a_file_that_cannot_be_used_is_told(name: str, tmp_path: Path) -> None:
    """Making the notifier fails with the field whose file is missing or no certificate."""
    (tmp_path / "no.pem").write_text("no certificate")
    for path in tmp_path / "absent.pem", tmp_path / "no.pem":
        options = SmppOptions.model_validate(GOOD | {"tls": True, name: path})
        with pytest.raises(ValueError, match=name):
            KIND.make(options, Tools(lambda: AT, KeptInbound()))


def test_the_password_is_not_shown() -> None:
    """Neither repr nor str give it away."""
    options = SmppOptions.model_validate(GOOD)
    assert "secret" not in f"{options!r}{options}"


def test_it_is_a_kind() -> None:
    """An operator finds it by its name, with all limits given."""
    assert kind("smpp") is KIND
    assert KIND.channel == "sms"
    assert SmppOptions.model_validate(GOOD).limits.send == 40
