"""Settings: flag, environment, file, default; where each comes from; and no secret is ever shown."""

import json
from pathlib import Path

import pytest

from app.settings import BadSettings, load_settings
from tests.app.terminal import Terminal

SECRET = "hunter2-and-more"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal in an empty folder."""
    return Terminal(tmp_path)


def mail(**options: object) -> str:
    """A mail server as the only provider, as JSON."""
    named = {"kind": "smtp", "host": "mail.example.org", "sender": "h@example.org"}
    return json.dumps({"mail": named | options})


MAIL = '[providers.mail]\nkind = "smtp"\nhost = "mail.example.org"\nsender = "h@example.org"\n'


def configured(terminal: Terminal, content: str) -> None:
    """The configuration file has this content."""
    terminal.config.parent.mkdir(parents=True)
    terminal.config.write_text(content)


def shown(terminal: Terminal, *flags: str, **env: str) -> dict[str, tuple[str, str]]:
    """Setting -> value and origin."""
    ended = terminal.run("config", "show", "--origin", "--json", *flags, env=env)
    assert ended.code == 0
    return {one["name"]: (one["value"], one["origin"]) for one in ended.objects}


def test_a_new_machine_needs_no_settings(terminal: Terminal) -> None:
    """Without any setting, everything has a default, and files lie in the data folder."""
    found = shown(terminal)
    assert {origin for _, origin in found.values()} == {"default"}
    assert found["database"][0] == f"sqlite:///{terminal.folder}/data/habarshy/habarshy.sqlite"
    assert found["key_file"][0] == f"{terminal.folder}/data/habarshy/key"
    assert not (terminal.folder / "data").exists(), "to look changes nothing"


def test_the_file_is_read_and_named(terminal: Terminal) -> None:
    """What the file says counts before the default, and its path is the origin."""
    configured(terminal, "lease_seconds = 240\n" + MAIL)
    found = shown(terminal)
    assert found["lease_seconds"] == ("240.0", str(terminal.config))
    assert found["providers.mail.host"] == ("mail.example.org", str(terminal.config))
    assert found["providers.mail.port"] == ("587", "default")


def test_each_entry_of_a_table_has_its_own_origin(terminal: Terminal) -> None:
    """A table comes together from environment and file; a variable is named as it is spelt, and what follows from the
    key file says so.
    """
    configured(terminal, "[rates]\nhealth = 3\n" + MAIL)
    found = shown(terminal, "--key-file=/k/key", HABARSHY_RATES='{"interior": 5}', habarshy_lease_seconds="300")
    assert found["rates.health"] == ("3.0", str(terminal.config))
    assert found["rates.interior"] == ("5.0", "HABARSHY_RATES")
    assert found["lease_seconds"] == ("300.0", "habarshy_lease_seconds")
    assert found["principals"] == ("/k/principals.toml", "default, beside key_file: flag")


@pytest.mark.parametrize(
    ("content", "name", "problem"),
    [
        ('lease_seconds = "x"\nbase_url = "https://a.kz"\n', "lease_seconds", "lease_seconds: Input should be"),
        ("[rates]\nhealth = 0\n", "rates.health", "rates.health: Input should be greater than or equal to 0.0001"),
        ("lease_seconds = \n", "base_url", "config.toml"),
    ],
)
def test_the_origin_is_shown_of_what_cannot_be_used(
    terminal: Terminal, content: str, name: str, problem: str
) -> None:
    """With a setting that cannot be used, the command that the error names still says where each comes from."""
    configured(terminal, content)
    ended = terminal.run("config", "show", "--origin", "--json", env={"HABARSHY_BASE_URL": f"https://{SECRET}"})
    found = {each["name"]: each["origin"] for each in ended.objects}
    assert (ended.code, found["base_url"]) == (2, "HABARSHY_BASE_URL")
    assert found[name] in (str(terminal.config), "HABARSHY_BASE_URL")
    assert problem in ended.talk
    assert SECRET not in "".join(ended.lines)


def test_the_environment_counts_before_the_file(terminal: Terminal) -> None:
    """An environment variable overrides the file and is named as the origin."""
    configured(terminal, "lease_seconds = 240\n")
    assert shown(terminal, HABARSHY_LEASE_SECONDS="300")["lease_seconds"] == ("300.0", "HABARSHY_LEASE_SECONDS")


def test_a_flag_counts_before_everything(terminal: Terminal) -> None:
    """What is said on the command line wins over environment and file."""
    configured(terminal, 'database = "sqlite:///file.sqlite"\n')
    flag = "sqlite:///flag.sqlite"
    assert shown(terminal, f"--database={flag}", HABARSHY_DATABASE="sqlite:///env.sqlite")["database"][0] == flag


def test_a_flag_is_named_as_the_origin(terminal: Terminal) -> None:
    """A value from the command line alone says so."""
    assert shown(terminal, "--database=sqlite:///flag.sqlite")["database"] == ("sqlite:///flag.sqlite", "flag")


@pytest.mark.parametrize("origin", [True, False])
@pytest.mark.parametrize("as_json", [True, False])
def test_passwords_are_masked(terminal: Terminal, origin: bool, as_json: bool) -> None:  # noqa: FBT001
    """A password is never printed, in whatever form settings are shown."""
    arguments = ["config", "show", *(["--origin"] if origin else []), *(["--json"] if as_json else [])]
    ended = terminal.run(*arguments, env={"HABARSHY_PROVIDERS": mail(username="h", password=SECRET)})
    [line] = [line for line in ended.lines if "providers.mail.password" in line]
    assert "****" in line
    assert SECRET not in "".join(ended.lines) + ended.talk


def test_keys_in_addresses_and_parameters_are_masked(terminal: Terminal) -> None:
    """What stands for something is shown; a token in a query, an account in an address and a parameter are not."""
    sms = {
        "kind": "http_sms",
        "url": "https://gateway.example/send",
        "sender": "1414",
        "report_url": f"https://h:{SECRET}@h.example/x?token={SECRET}==&{SECRET}&reference={{reference}}&status=%d&e=",
        "parameters": {"key": SECRET, "to": "{to}", "text": "{text}", "t": f"{SECRET}-{{key}}", "r": "{report_url}"},
    }
    hook = {"url": f"https://agency.example/told?key={SECRET}", "secret": "whsec_c2VjcmV0"}
    env = {"HABARSHY_PROVIDERS": json.dumps({"g": sms}), "HABARSHY_WEBHOOKS": json.dumps({"labour": hook})}
    found = shown(terminal, **env)
    stars = "*" * 10
    reports = f"https://{stars}@h.example/x?token={stars}&{stars}&reference={{reference}}&status=%d&e="
    parameters = {"key": stars, "to": "{to}", "text": "{text}", "t": f"{stars}{{key}}", "r": "{report_url}"}
    assert found["providers.g.report_url"][0] == reports
    assert found["providers.g.parameters"][0] == str(parameters)
    assert found["webhooks.labour.url"][0] == f"https://agency.example/told?key={stars}"
    assert SECRET not in str(found)


def test_what_kannel_needs_is_shown_whole(terminal: Terminal) -> None:
    """Nothing is masked where there is nothing secret: the defaults, and an address without a query."""
    sms = {"kind": "http_sms", "url": "https://gateway.example/send", "sender": "1414"}
    hook = {"url": "https://agency.example/told", "secret": "whsec_c2VjcmV0"}
    env = {"HABARSHY_PROVIDERS": json.dumps({"g": sms}), "HABARSHY_WEBHOOKS": json.dumps({"labour": hook})}
    found = shown(terminal, **env)
    assert "*" not in found["providers.g.parameters"][0] + found["providers.g.report_url"][0]
    assert found["webhooks.labour.url"][0] == "https://agency.example/told"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("LEASE_SECONDS", SECRET, "lease_seconds: Input should be a valid number"),
        ("LEASE_SECONDS", "0", "lease_seconds: Input should be greater than 0"),
        ("LEASE_SECONDS", "inf", "lease_seconds: Input should be"),
        ("LEASE_SECONDS", "1e300", "lease_seconds: Input should be less than or equal to 86400"),
        ("KAFKA_SESSION_SECONDS", "nan", "kafka_session_seconds: Input should be a finite number"),
        ("KAFKA", f"broker-1:9092,user:{SECRET}@broker:9092", "kafka: entry 2 is no broker; write host:port"),
        ("KAFKA", f"[user:{SECRET}@broker:9092", "kafka: entry 1 is no broker; write host:port"),
        ("CLUSTER", f"tls://user:{SECRET}@dask.example:8786", "this is no address of a Dask scheduler"),
        ("PROVIDERS", mail(limit_seconds=1e300), "limit_seconds: Input should be less than or equal to 3600"),
        ("PROVIDERS", mail(weight=float("inf")), "providers.mail.weight: Input should be"),
        ("PROVIDERS", mail(rate=float("inf")), "providers.mail.rate: Input should be a finite number"),
        ("RATES", '{"labour": NaN}', "rates.labour: Input should be a finite number"),
        ("RATES", '{"labour": 1e-300}', "rates.labour: Input should be greater than or equal to 0.0001"),
        ("PROVIDERS", mail(port=70000), "providers.mail: port: Input should be less than 65536"),
        ("PROVIDERS", mail(security=SECRET), "providers.mail: security: Input should be 'none', 'starttls' or 'tls'"),
        ("PROVIDERS", mail(hots="mail"), "hots: Extra inputs are not permitted (did you mean 'host'?)"),
        ("PROVIDERS", mail(wieght=3), "wieght: Extra inputs are not permitted (did you mean 'weight'?)"),
        ("PROVIDERS", mail(kind="smpt"), "no kind is called 'smpt' (did you mean 'smtp'?)"),
        ("PROVIDERS", mail(weight=0), "providers.mail.weight: Input should be greater than 0"),
        ("PROVIDERS", mail(receipts_secret="7"), "no webhook secret"),
        (
            "WEBHOOKS",
            '{"labour": {"url": "http://agency.example", "secret": "whsec_c2VjcmV0"}}',
            "webhooks.labour.url",
        ),
        ("BASE_URL", "https://gov.kz@evil.example", "base_url: write https:// and a host"),
        ("BASE_URL", "https://evil.example#@gov.kz", "base_url: write https:// and a host"),
        ("BASE_URL", "gov.kz", "base_url: write https:// and a host"),
        ("RATES", '{"labour": 0}', "rates.labour: Input should be greater than or equal to 0.0001 (HABARSHY_RATES)"),
        ("RATES", "{" + SECRET, "rates: it is not written as JSON (HABARSHY_RATES)"),
    ],
)
def test_a_wrong_value_is_named_and_not_repeated(terminal: Terminal, name: str, value: str, problem: str) -> None:
    """A setting of the wrong kind ends with 2 and its name; its value, which may be secret, is not printed."""
    ended = terminal.run("status", env={f"HABARSHY_{name}": value})
    assert (ended.code, ended.lines) == (2, [])
    assert problem in ended.talk
    assert "config show --origin" in ended.talk
    assert SECRET not in ended.talk


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("leese_seconds = 7\n", "leese_seconds"),
        ("lease_seconds = \n", "config.toml"),
        ("[a\n", "config.toml"),
    ],
)
def test_a_broken_file_is_named(terminal: Terminal, content: str, problem: str) -> None:
    """An unknown name or a mistake in the file ends with 2, and the name or the file."""
    configured(terminal, content)
    ended = terminal.run("status")
    assert (ended.code, ended.lines) == (2, [])
    assert problem in ended.talk


def test_a_mail_may_not_outlive_its_lease(terminal: Terminal) -> None:
    """A mail server that may take longer than a third of the lease is refused at the start."""
    for seconds, code in ((15, 2), (14, 0)):
        providers = {"HABARSHY_PROVIDERS": mail(limit_seconds=seconds)}
        ended = terminal.run("run", "--until-idle", env=providers)
        assert (ended.code, "providers.mail: a send may take 60 seconds" in ended.talk) == (code, code == 2)


def test_an_unknown_flag_is_refused() -> None:
    """A setting that does not exist is no setting."""
    with pytest.raises(BadSettings, match="nonsense"):
        load_settings(nonsense="7")


def test_the_password_of_a_database_is_masked(terminal: Terminal) -> None:
    """`config show` prints no password, neither of mail nor in the URL of a database."""
    for url in ("user:hunter2@host/db", "user@host/db?password=hunter2&sslpassword=hunter2"):
        ended = terminal.run("config", "show", f"--database=postgresql+psycopg://{url}")
        assert ended.code == 0
        assert "hunter2" not in "".join(ended.lines)
        assert "user" in "".join(ended.lines)


def test_a_flag_is_the_origin_also_where_the_environment_says_more(terminal: Terminal) -> None:
    """`config show --origin` names what counted: the flag, where it overrides the environment or the file."""
    arguments = ["config", "show", "--origin", "--database=sqlite:///flag.sqlite"]
    [line] = [
        line
        for line in terminal.run(*arguments, env={"HABARSHY_DATABASE": "sqlite:///env.sqlite"}).lines
        if line.startswith("database")
    ]
    assert line.endswith("(flag)")


@pytest.mark.parametrize(
    "text", [" ", "kafka", "localhost:abc", "http://kafka:9092", "kafka:0", "kafka:70000", "::1:9092", "a:1,"]
)
def test_a_broker_is_a_host_and_a_port(text: str) -> None:
    """What can never be reached is told at once, and not waited for."""
    with pytest.raises(
        BadSettings, match=r"^The settings cannot be used: kafka: entry . is no broker; write host:port"
    ):
        load_settings(kafka=text)


def test_brokers_stand_with_commas_between() -> None:
    """Names and addresses of both kinds may be mixed, with blanks or without."""
    assert load_settings(kafka="kafka-1.local:9092, 10.0.0.2:9093,[::1]:9094").kafka.count(",") == 2
    assert load_settings(kafka="").kafka == ""
