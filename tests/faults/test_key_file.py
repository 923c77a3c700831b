"""A machine is left with an older copy of the key file after a rotation: its roles wait for the new one."""

import shutil
from pathlib import Path

from tests.faults.post import Post
from tests.faults.site import comes, crowd, site

PEOPLE = 6


def test_a_role_with_an_older_key_file_waits_for_the_newer_one(tmp_path: Path, mail: Post) -> None:
    """It says which version it lacks, puts nobody aside, and tells everybody once the file is there."""
    with site(tmp_path, f"sqlite:///{tmp_path}/log.sqlite", mail) as here:
        here.take(*crowd(0, PEOPLE))
        older = tmp_path / "elsewhere" / "key"
        older.parent.mkdir()
        shutil.copy(here.key_file, older)
        assert here.run("keys", "rotate").code == 0
        running = here.start("run", env={"HABARSHY_KEY_FILE": str(older)})
        running.says("The key file lacks version 2 of the master key")
        assert here.run("ingest", here.written(crowd(PEOPLE, PEOPLE)), "--json").code == 0
        assert mail.received == []
        shutil.copy(here.key_file, older)
        mail.wait(2 * PEOPLE)
        comes(lambda: not here.standing().open_attempts)
        assert running.stop().code == 0
        assert (mail.twice, here.standing().dead_letters) == ([], 0)
        assert "Traceback" not in running.talk
