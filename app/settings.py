"""Settings: flag > HABARSHY_* environment > file > default, each with its origin."""

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from app.paths import config_file, data_folder
from app.providers import HookSettings, ProviderSettings, Rate
from app.sign_in_settings import SignInSettings, without_duplicate_issuers
from streams.storage.sqlite_file import names_a_file
from templates.reading.findings import closest, hint

PREFIX = "HABARSHY_"
COMING = frozenset({"TOKEN", "TEST_POSTGRES", "TEST_KAFKA", "TEST_SHOTS", "TEST_EXAMPLES"})
"""Variables (after the prefix) that other parts of the platform, or its tests, read."""


ProviderName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]


def _checked_networks(text: str) -> str:
    compact = text.replace(" ", "")
    for each in filter(None, compact.split(",")):
        ip_network(each)
    return compact


Proxies = Annotated[str, AfterValidator(_checked_networks)]


def _checked_brokers(text: str) -> str:
    """Without blanks; a name, an IPv4 address or a bracketed IPv6 one, and a port.

    The error does not repeat what may be a password.
    """
    compact = text.replace(" ", "")
    for number, each in enumerate(compact.split(",") if text else (), 1):
        host, _, port = each.rpartition(":")
        named = re.fullmatch(r"\[[^\[\]@/]+\]|[^:/\[\]@]+", host)
        if not (named and port.isascii() and port.isdigit() and 0 < int(port[:6]) < 1 << 16):
            raise ValueError(f"entry {number} is no broker; write host:port, with commas between several")
    return compact


def _checked_base_url(url: str) -> str:
    """Check the address that links begin with: an account or a # in it would lead them elsewhere."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"[@?#\\\s]", url):
        raise ValueError("write https:// and a host, with a path if there is one, and nothing else")
    return url


Brokers = Annotated[str, AfterValidator(_checked_brokers)]
DATABASES = frozenset({"sqlite", "sqlite+pysqlite", "postgresql+psycopg"})
"""The kinds of database that there are drivers for here, as SQLAlchemy writes them."""


def _checked_database_url(url: str) -> str:
    """Check a database URL. The error does not repeat what may be a password."""
    known, kind = "write sqlite:////PATH/FILE or postgresql+psycopg://USER@HOST/NAME", url.partition("://")[0]
    if kind not in DATABASES:
        named = repr(kind) if re.fullmatch("[a-z0-9+]{1,40}", kind) and kind != url else "this"
        raise ValueError(f"{named} is no kind of database that can be used; {known}")
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the latter of a port that is no number
        raise ValueError(f"this {kind} URL cannot be read; {known}") from None
    if kind.startswith("sqlite") and not names_a_file(parsed):
        raise ValueError(f"SQLite keeps it in a file, and this is no plain name of one; {known}")
    return url


DatabaseAddress = Annotated[str, AfterValidator(_checked_database_url)]


THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


def on_this_machine(address: str) -> bool:
    """Return whether the host of an address is this machine by its name."""
    return _split_address(address)[1] in THIS_MACHINE


def _checked_scheduler(address: str) -> str:
    """Check the address of a Dask scheduler: what leaves this machine is encrypted.

    The error does not repeat what may be a password.
    """
    scheme, host, port = _split_address(address)
    if address and (scheme not in ("tcp", "tls") or not host or not port or "@" in address):
        raise ValueError("this is no address of a Dask scheduler; write tls://HOST:PORT")
    if scheme == "tcp" and host not in THIS_MACHINE:
        raise ValueError(f"tcp:// is for this machine alone, because nothing is encrypted; write tls://{host}:{port}")
    return address


def _split_address(address: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:  # of a port that is no number
        return "", None, None
    return parts.scheme, parts.hostname, port


SchedulerAddress = Annotated[str, AfterValidator(_checked_scheduler)]


SCHEDULE: Mapping[str, str] = {
    "cleanup": "7 * * * *",
    "statistics": "40 2 * * *",
    "expiry": "20 6 * * *",
    "deposit": "50 0 * * *",
    "verify": "10 1 * * sun",
    "sample": "10 3 * * *",
    "retire": "never",
}
"""Job -> when it runs, unless the settings say otherwise. What destroys runs only where they name it."""


def _checked_schedule(given: dict[str, str]) -> dict[str, str]:
    """Check cron expressions by job."""
    from streams.runtime.cron import trigger_of  # noqa: PLC0415  (of all commands few need it)

    for job, text in given.items():
        if job not in SCHEDULE:
            raise ValueError(f"no job is called {job!r}{hint(job, SCHEDULE)}; there are: {', '.join(SCHEDULE)}")
        try:
            trigger_of(text)
        except ValueError as error:
            raise ValueError(f"{job}: {error}") from None
    return given


def _checked_zone(name: str) -> str:
    """Check a time zone of the IANA database; empty is none."""
    if name:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            raise ValueError(f"{name!r} is no time zone; write one as Asia/Almaty, or UTC") from None
    return name


class BadSettings(ValueError):
    """Raised when the settings cannot be used."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"The settings cannot be used: {problem}. `habarshy config show --origin` says where each comes from."
        )


class Settings(BaseSettings):
    """The settings of an installation."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, allow_inf_nan=False)

    database: DatabaseAddress = Field(
        default_factory=lambda: f"sqlite:///{data_folder() / 'habarshy.sqlite'}",
        description="the SQLAlchemy URL of the database",
    )
    key_file: Path = Field(default_factory=lambda: data_folder() / "key", description="the file of the secret keys")
    key_ring: SecretStr = Field(
        default=SecretStr(""), description="the content of a key file, where the keys are not in a file"
    )
    principals: Path = Field(
        default_factory=lambda known: Path(known["key_file"]).with_name("principals.toml"),
        description="the file of principals: names, roles, token hashes",
    )
    cluster: SchedulerAddress = Field(
        default="", description="a Dask scheduler for work over history, as tls://HOST:PORT; empty: this machine"
    )
    kafka: Brokers = Field(default="", description="brokers, as host:port with commas between; only with PostgreSQL")
    kafka_prefix: str = Field(default="", description="the prefix of names of topics and groups")
    kafka_tls: bool = Field(default=False, description="encrypt, and check the brokers' certificate")
    kafka_ca_file: str = Field(default="", description="the authorities of that certificate; empty: the machine's")
    kafka_username: str = Field(default="", description="the user name at the brokers; empty: none")
    kafka_password: SecretStr = Field(default=SecretStr(""), description="the password at the brokers")
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="the SASL mechanism at the brokers"
    )
    kafka_replication: int = Field(default=1, gt=0, description="copies of each partition of the topics made here")
    kafka_partitions: int = Field(
        default=12, gt=0, le=1000, description="partitions of each topic; more of them need another kafka_prefix"
    )
    kafka_retention_hours: int = Field(default=168, gt=0, description="the time for which wake-up records are kept")
    kafka_life_hours: int = Field(default=24, gt=0, description="the time for which topics keep registries' events")
    kafka_session_seconds: float = Field(
        default=10.0, ge=6, le=300, description="seconds until a silent worker's share goes to others"
    )
    packs: str = Field(default="", description="pack folders, separated by ':'; empty: all shipped")
    base_url: Annotated[str, AfterValidator(_checked_base_url)] = Field(
        default="http://127.0.0.1:8000", description="the address at which citizens reach this platform"
    )
    future_events: Literal["refuse", "accept"] = Field(
        default="refuse", description="events dated further ahead than their type allows; accept them only in a trial"
    )
    lease_seconds: float = Field(
        default=180.0, gt=0, le=86_400, description="seconds that an attempt may have no outcome, a day at most"
    )
    in_flight: int = Field(
        default=32,
        ge=4,
        description="messages at most with providers that do not remove doubles: so many are unknown after a kill",
    )
    soft_bounces: int = Field(
        default=3, ge=1, description="letters in a row that come back as 4.x.x and end an address"
    )
    soft_bounce_days: int = Field(default=7, ge=0, description="days over which they must come back at least")
    providers: dict[ProviderName, ProviderSettings] = Field(
        default={}, description="name -> a provider; on SQLite a channel without one uses the shipped fake"
    )
    rates: dict[str, Rate] = Field(default={}, description="agency -> messages a second at most")
    sign_in: Annotated[dict[ProviderName, SignInSettings], AfterValidator(without_duplicate_issuers)] = Field(
        default={}, description="name -> an OpenID Connect issuer for signing in to the pages"
    )
    requests_a_minute: int = Field(
        default=6000,
        ge=0,
        description="for each known key or address, over all processes to within a twentieth each; 0: any number",
    )
    proxies: Proxies = Field(
        default="127.0.0.1",
        description="addresses or networks, with commas between, whose X-Forwarded-For is believed",
    )
    log_format: Literal["text", "json"] = Field(default="text", description="the format of the roles' logs on stderr")
    webhooks: dict[str, HookSettings] = Field(default={}, description="agency -> the webhook for answers")
    schedule: Annotated[dict[str, str], AfterValidator(_checked_schedule)] = Field(
        default={}, description="job -> when it runs, as cron has it, or never; `habarshy schedule` lists the jobs"
    )
    schedule_zone: Annotated[str, AfterValidator(_checked_zone)] = Field(
        default="", description="the time zone of the schedule; empty: that of the rules in force"
    )
    sample_persons: int = Field(
        default=2000, ge=1, description="persons whom the schedule plans again each night, to compare"
    )
    deposit_folder: Path | None = Field(
        default=None, description="the folder to which the schedule writes heads of the log; empty: nowhere"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (the library's signature)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (the library's signature)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, environment, file."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file()))


def load_settings(**flags: Any) -> Settings:
    """Return the settings, given the flags that were set (None: not set).

    Raises:
        BadSettings: a value has the wrong type, or a name is unknown.
    """
    _check_names(os.environ)
    set_here = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**set_here)
    except ValidationError as error:
        first = error.errors()[0]
        problem = f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"
        raise BadSettings(f"{problem} ({_origin_of(first['loc'], set_here)})") from None
    except SettingsError as error:  # its words have the field's name in quotes, and no value
        name = str(error).partition('"')[2].partition('"')[0]
        raise BadSettings(f"{name}: it is not written as JSON ({PREFIX}{name.upper()})") from None
    except OSError as error:
        raise BadSettings(f"{config_file()}: {error.strerror}") from None
    except ValueError as error:
        raise BadSettings(f"{config_file()}: {error}") from None


def _origin_of(place: Sequence[int | str], flags: Collection[str]) -> str:
    """Return the origin of what is wrong, by as much of its place as some source sets."""
    origin, parts = _origins(flags), list(map(str, place))
    found = (origin(".".join(parts[:length])) for length in range(len(parts), 0, -1))
    return next((each for each in found if not each.startswith("default")), "default")


def _check_names(environment: Iterable[str]) -> None:
    """A misspelt variable would be ignored, and the default used in its place."""
    known = {name.upper() for name in Settings.model_fields} | COMING
    for name in environment:
        prefix, own = name[: len(PREFIX)].upper(), name[len(PREFIX) :].upper()
        if prefix == PREFIX and own not in known:
            meant = closest(own, known)
            raise BadSettings(f"no setting is called {name}" + (f" (did you mean {PREFIX}{meant}?)" if meant else ""))


class Shown(NamedTuple):
    """One setting as `config show` prints it; secrets are masked."""

    name: str
    value: str
    origin: str


def shown_settings(settings: Settings, flags: Collection[str] = ()) -> Iterator[Shown]:
    """Every setting with where it comes from; `flags`: those that the command line set."""
    origin = _origins(flags)
    for name in Settings.model_fields:
        yield from (Shown(each, value, origin(each)) for each, value in _values(name, getattr(settings, name)))


def given_settings(flags: Collection[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield the name and origin of each setting that somebody set, also where its value cannot be used.

    Values are left out: what cannot be read cannot be masked.
    """
    places: dict[str, Mapping[str, Any]] = {"flag": dict.fromkeys(flags)}
    for origin, source in _sources().items():
        with suppress(SettingsError, ValueError, OSError):  # a broken one is what the error names
            places[origin] = source()
    for name in sorted({name for found in places.values() for name in found}):
        for origin, found in places.items():
            if name in found:
                inner = found[name]
                keys = [f"{name}.{key}" for key in inner] if isinstance(inner, Mapping) else [name]
                yield from ((key, _named_as(origin, name)) for key in keys)
                if not isinstance(inner, Mapping):  # those of tables come together from all places
                    break


_ENVIRONMENT = "environment"


def _sources() -> dict[str, Callable[[], Mapping[str, Any]]]:
    """Origin -> what reads what is set there, the first one counts first."""
    return {_ENVIRONMENT: EnvSettingsSource(Settings), str(config_file()): _file}


def _file() -> Mapping[str, Any]:
    """Return what the file says; the library reads it, and may fail, as soon as the source is made."""
    return TomlConfigSettingsSource(Settings, config_file())()


def _named_as(origin: str, name: str) -> str:
    """Return the origin as it is shown: of the environment the variable, spelt as it is set."""
    if origin != _ENVIRONMENT:
        return origin
    wanted = f"{PREFIX}{name.upper()}"
    return next((each for each in os.environ if each.upper() == wanted), wanted)


def _origins(flags: Collection[str]) -> Callable[[str], str]:
    """Return the function that names a setting's origin: the first of flag, environment and file that sets it.

    `providers.mail.port` is looked for as such: a table may come from several places, and its rest is default.
    """
    places = {origin: source() for origin, source in _sources().items()}

    def origin(dotted: str) -> str:
        name, *_ = path = dotted.split(".")
        if name in flags:
            return "flag"
        for place, found in places.items():
            if _sets(found, path):
                return _named_as(place, name)
        if name == "principals" and (of_keys := origin("key_file")) != "default":
            return f"default, beside key_file: {of_keys}"
        return "default"

    return origin


def _sets(found: Any, path: Sequence[str]) -> bool:  # noqa: ANN401  (what a source read)
    for part in path:
        if not isinstance(found, Mapping) or part not in found:
            return False
        found = found[part]
    return True


def _values(name: str, value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401  (one a setting)
    """Yield the setting, or each of those that it has."""
    match value:
        case dict() if value:
            for key, each in value.items():
                yield from _values(f"{name}.{key}", each)
        case ProviderSettings():
            yield from ((f"{name}.{key}", text) for key, text in value.shown())
        case HookSettings():
            yield from ((f"{name}.{key}", each) for key, each in value.shown())
        case _:
            yield name, _masked(name, value)


def _masked(name: str, value: object) -> str:
    if name != "database":
        return str(value)
    url = make_url(str(value))
    secret = {key: "***" for key in url.query if "password" in key}  # libpq takes one there, too
    return url.update_query_dict(secret).render_as_string(hide_password=True)
