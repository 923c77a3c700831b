"""A world that other processes can open too."""

import json

from msgspec.structs import replace

from app.compose import Platform
from app.settings import load_settings
from tests.beginnings import KEYRING
from tests.world import World


def with_key_file(world: World) -> Platform:
    """The world's platform, with its keys in a file."""
    key = world.file.parent / "key"
    wrapping = {str(version): each.hex() for version, each in KEYRING.wrapping.items()}
    key.write_text(json.dumps({"names": KEYRING.names.hex(), "wrapping": wrapping}))
    key.chmod(0o600)
    settings = load_settings(database=world.platform.settings.database, key_file=key)
    return replace(world.platform, settings=settings)
