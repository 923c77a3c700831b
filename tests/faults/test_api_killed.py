"""`habarshy api` is killed while registries report to it: what it said yes to is there, once."""

import threading
from pathlib import Path

from tests.faults.post import Post
from tests.faults.reporting import Registry
from tests.faults.site import fined, site

BATCHES, EACH = 12, 40


def test_what_was_accepted_is_there_once(tmp_path: Path, mail: Post) -> None:
    """Killed three times among batches; who got no answer sends again, and every event is stored once."""
    with site(tmp_path, f"sqlite:///{tmp_path}/log.sqlite", mail) as here:
        registry, before = Registry(here), here.standing().facts
        batches = [[fined(at * EACH + one)[1] for one in range(EACH)] for at in range(BATCHES)]
        answered: list[int] = []
        for part in (batches[:4], batches[4:8], batches[8:]):
            api = here.start("api", "--port", "0")
            api.says("listening")
            killing = threading.Timer(0.3, api.kill)
            killing.start()
            answered += [
                at for at, batch in enumerate(part, batches.index(part[0])) if registry.report(api, batch) == 200
            ]
            killing.join()
        stored = here.standing().facts - before
        assert stored % EACH == 0, "a batch goes in whole or not at all"
        assert stored >= len(answered) * EACH
        api = here.start("api", "--port", "0")
        assert [registry.report(api, batch) for batch in batches] == [200] * BATCHES
        assert here.standing().facts - before == BATCHES * EACH
        assert api.stop().code == 0
