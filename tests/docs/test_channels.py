"""The settings that the page about channels shows are settings that start."""

import re
import tomllib
from pathlib import Path

from app.providers import ProviderSettings
from app.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs/channels.md").read_text()


def test_the_first_example_is_read_whole() -> None:
    """Whoever copies the example has three providers, a rate and a webhook."""
    [example, *_] = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    settings = Settings(**tomllib.loads(example))
    assert {name: each.of_kind().channel for name, each in settings.providers.items()} == {
        "mail": "email",
        "beeline": "sms",
        "kcell": "sms",
    }
    assert (settings.rates, set(settings.webhooks)) == ({"labour": 50.0}, {"labour"})


def test_every_setting_of_a_provider_is_in_the_table() -> None:
    """Nothing that an operator can set for any provider is missing from the page."""
    missing = [name for name in ProviderSettings.model_fields if f"| `{name}` |" not in PAGE]
    assert missing == []


def test_every_example_of_providers_starts() -> None:
    """Whoever copies an example of a provider that needs no file of its own is understood."""
    examples = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    made = [
        Settings(**tomllib.loads(each.replace("…", "a-secret-of-theirs"))) for each in examples if "_file" not in each
    ]
    assert {"gateway", "aggregator"} <= {name for each in made for name in each.providers}
