from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.compose import Platform


def test_it_lives_and_is_ready(client: TestClient) -> None:
    """Both probes answer 200 while everything works."""
    assert client.get("/livez").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}


@pytest.mark.parametrize("loss", ["deleted", "replaced"])
def test_without_its_database_it_lives_but_is_not_ready(
    client: TestClient, platform: Platform, tmp_path: Path, loss: str
) -> None:
    """503 as soon as the file is gone, also while an open connection still answers from what was deleted."""
    client.get("/readyz")
    for file in tmp_path.glob("world.sqlite*"):
        file.unlink()
    if loss == "replaced":
        platform.database.engine.dispose()
        (tmp_path / "world.sqlite").mkdir()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.headers["retry-after"]
    assert client.get("/livez").status_code == 200
