"""What is in deploy/, as far as it can be tried without containers."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from app.cli.command_table import ALONE, COMMANDS
from app.cli.main import application
from app.http.role import GRACE, HEALTH_GRACE
from app.providers import ProviderSettings, channel_of
from app.settings import PREFIX, Settings
from domain.persons.channels import ADDRESS_OF

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if each["image"] == "habarshy"}


def test_compose_has_every_role_and_what_they_need() -> None:
    """All roles, a database, a broker and a mail catcher; what runs on has a health check, what is named is there."""
    assert {"api", "relay", "worker", "jobs", "dispatch", "migrate", "postgres", "kafka", "mail"} <= set(SERVICES)
    assert {name for name, each in SERVICES.items() if "healthcheck" not in each} == {"migrate"}
    needed = {other for each in SERVICES.values() for other in each.get("depends_on", ())}
    assert needed <= set(SERVICES)
    volumes = {part.split(":")[0] for each in SERVICES.values() for part in each.get("volumes", ())}
    assert {name for name in volumes if not name.startswith(".")} == set(COMPOSE["volumes"])


def test_prometheus_reaches_the_health_port_of_every_role() -> None:
    """Each role of the compose file answers Prometheus from outside of its container, where it is asked."""
    [job] = yaml.safe_load((DEPLOY / "prometheus.yaml").read_text())["scrape_configs"]
    [asked] = [each["targets"] for each in job["static_configs"]]
    shown = {}
    for name, each in OURS.items():
        options = dict(pairwise(each["command"]))
        if "--health-port" in options:
            assert options["--health-host"] == "0.0.0.0"  # noqa: S104  (within the container)
            shown[name] = options["--health-port"]
    assert set(OURS) - set(shown) == {"migrate"}
    assert set(asked) == {f"{name}:{port}" for name, port in shown.items()}


def test_the_image_is_built_once_before_any_role_starts() -> None:
    """One service builds it, and all others wait for that one: two that build one image at once fail, or pull it."""
    [builds] = [name for name, each in SERVICES.items() if "build" in each]
    assert builds in OURS
    assert all(builds in each["depends_on"] for name, each in OURS.items() if name != builds)
    assert {each["pull_policy"] for each in OURS.values()} == {"never"}


def test_the_broker_is_the_one_that_the_tests_start() -> None:
    """Whoever tries production out has the version of Kafka that all of this was tested with."""
    pom = (DEPLOY.parent / "tests/services/kafka.pom.xml").read_text()
    tested = re.search(r"<artifactId>kafka_2.13</artifactId>\s*<version>([\d.]+)</version>", pom)
    assert tested is not None
    assert SERVICES["kafka"]["image"] == f"${{KAFKA_IMAGE:-apache/kafka:{tested[1]}}}"


@pytest.mark.parametrize("service", sorted(OURS))
def test_every_role_is_started_by_a_command_that_there_is(service: str) -> None:
    """Each service's command and options exist."""
    name, *options = OURS[service]["command"]
    assert name in {*COMMANDS, *ALONE}
    said = CliRunner().invoke(application(), [name, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"}).stdout
    assert all(option in said for option in options if option.startswith("--"))


def test_the_settings_of_the_roles_are_settings() -> None:
    """Every variable that is set for our roles is one that they read."""
    variables = {name for each in OURS.values() for name in each["environment"] if name.startswith(PREFIX)}
    names = {name.removeprefix(PREFIX).lower() for name in variables}
    assert names <= set(Settings.model_fields)
    for each in OURS.values():  # any password will do: in a URL some letters would mean something else
        assert "$" not in each["environment"]["HABARSHY_DATABASE"]
        assert each["environment"]["PGPASSWORD"] == SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD"]


def test_each_channel_has_a_provider(tmp_path: Path) -> None:
    """The file of providers is taken as it is, once the key for push is made as it says."""
    text = (DEPLOY / "config.toml").read_text()
    made = re.search(r"openssl .* -out deploy/vapid.pem", text)
    assert made is not None
    subprocess.run(shlex.split(made[0].replace("deploy/", f"{tmp_path}/")), check=True, capture_output=True)  # noqa: S603  (our own file)
    (tmp_path / "config.toml").write_text(text.replace("/etc/habarshy/", f"{tmp_path}/"))
    providers = tomllib.loads((tmp_path / "config.toml").read_text())["providers"]
    settings = [ProviderSettings.model_validate(each) for each in providers.values()]
    assert {channel_of(each) for each in settings} == set(ADDRESS_OF)
    assert all(each.own() for each in settings)


def test_the_image_is_built_from_the_lock_and_runs_as_nobody() -> None:
    """What is downloaded has hashes, what runs is not root, and the tree's secrets and leftovers stay outside."""
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM")]
    assert bases == ["${BASE}"] * 2
    assert "ARG BASE=python:3.11-slim" in lines
    assert any("--require-hashes" in line for line in lines)
    assert all("--no-index" in line for line in lines if "pip " in line and "--require-hashes" not in line)
    assert "USER 10001" in lines
    assert {".*", "**/*.pem", "**/*.token"} <= set((DEPLOY.parent / ".dockerignore").read_text().splitlines())
    assert {"*.pem", "*.token"} <= set((DEPLOY.parent / ".gitignore").read_text().splitlines())
    assert os.access(DEPLOY / "Containerfile", os.R_OK)


@pytest.mark.parametrize("service", sorted(OURS))
def test_no_role_can_write_to_its_image_or_gain_rights(service: str) -> None:
    """The root is read-only, there are no capabilities and no way to any; only what must be kept is written."""
    role = OURS[service]
    assert (role["read_only"], role["cap_drop"]) == (True, ["ALL"])
    assert role["security_opt"] == ["no-new-privileges:true"]
    assert [each for each in role["volumes"] if not each.endswith(":ro")] == ["keys:/var/lib/habarshy"]


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_service_is_bounded_and_has_no_rights_to_spare(service: str) -> None:
    """Memory and tasks are limited, capabilities are dropped; roots are read-only but for the broker's."""
    one = SERVICES[service]
    assert re.fullmatch(r"\d+[mg]", one["mem_limit"])
    assert 0 < one["pids_limit"] <= 512
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert set(one.get("cap_add", ())) <= {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}
    assert one.get("read_only", False) is (service != "kafka")
    assert ("/tmp" in one.get("tmpfs", ())) is (service != "kafka")  # noqa: S108  (in the container)


def test_secrets_are_read_by_a_group_and_by_nobody_else() -> None:
    """The roles get the group of the secrets' files; no text tells anybody to open them to all."""
    assert all(each["group_add"][0].startswith("${HABARSHY_SECRETS_GID:?") for each in OURS.values())
    texts = [*DEPLOY.rglob("*"), *(DEPLOY.parent / "docs").glob("*.md"), DEPLOY.parent / "README.md"]
    opened = re.compile(r"chmod (-R )?(a\+|o\+|ugo\+|[0-7]?[0-7][0-7][1-7]\b)")
    assert [each.name for each in texts if each.is_file() and opened.search(each.read_text())] == []


def test_images_of_others_can_be_pinned_by_digest(tmp_path: Path) -> None:
    """Each is a variable with a tag for a default; the script prints them all, and the base, with their digests."""
    theirs = {name: each["image"] for name, each in SERVICES.items() if name not in OURS}
    assert all(re.fullmatch(r"\$\{[A-Z]+_IMAGE:-[a-z/]+:v?[\d.]+\}", each) for each in theirs.values())
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\nfor image; do :; done\necho "sha256:of-$image"\n')
    docker.chmod(0o700)
    path = f"{tmp_path}:{os.environ['PATH']}"
    script = ["/bin/sh", str(DEPLOY / "pin-images.sh")]
    ended = subprocess.run(script, capture_output=True, text=True, check=True, env={"PATH": path})  # noqa: S603  (ours)
    lines = dict(line.split("=", 1) for line in ended.stdout.splitlines())
    assert set(lines) == {each[2:].partition(":")[0] for each in theirs.values()} | {"BASE"}
    assert all(re.fullmatch(r"(.+)@sha256:of-\1", each) for each in lines.values())


@pytest.mark.parametrize("command", ["habarshy", "dask"])
def test_the_unit_starts_every_role_in_a_sandbox(tmp_path: Path, command: str) -> None:
    """One template for all roles: systemd takes it, ends no sooner than a role may, and rates it as well confined."""
    text = (DEPLOY / "systemd" / f"{command}@.service").read_text()
    unit = dict(line.split("=", 1) for line in text.splitlines() if re.match(r"[A-Z][A-Za-z]+=", line))
    assert unit["ExecStart"].split() == [f"/opt/habarshy/.venv/bin/{command}", "$ROLE", "$OPTIONS"]
    assert unit["Environment"].split()[0] == "ROLE=%i", (
        "the file of an instance, which comes after it, may say another"
    )
    assert unit["TimeoutStopSec"] + "s" == OURS["dispatch"]["stop_grace_period"]
    assert int(unit["TimeoutStopSec"]) > GRACE + HEALTH_GRACE
    assert (unit["MemoryMax"], unit["TasksMax"]) == ("2G", "512")
    assert (unit["ProtectSystem"], unit["NoNewPrivileges"], unit["CapabilityBoundingSet"]) == ("strict", "yes", "")
    analyze = shutil.which("systemd-analyze")
    if analyze is not None:  # not on every machine: what can be said without it was said above
        mine = tmp_path / f"{command}@relay.service"
        mine.write_text(text.replace(f"/opt/habarshy/.venv/bin/{command}", sys.executable))
        found = subprocess.run([analyze, "verify", str(mine)], capture_output=True, text=True, check=False)  # noqa: S603  (ours)
        assert (found.returncode, found.stderr) == (0, "")
        rated = [analyze, "security", "--offline=true", "--threshold=15", str(mine)]
        done = subprocess.run(rated, capture_output=True, text=True, check=False)  # noqa: S603  (ours)
        assert done.returncode == 0, done.stdout


def test_the_list_of_parts_is_made_with_a_pinned_tool() -> None:
    """What makes the CycloneDX list is downloaded by hash, from a lock of its own without addresses."""
    lock = (DEPLOY / "sbom.lock").read_text()
    assert "cyclonedx-bom==" in lock
    assert "--hash=sha256:" in lock
    assert "://" not in lock
    assert "--require-hashes --requirement deploy/sbom.lock" in (DEPLOY.parent / "Makefile").read_text()
