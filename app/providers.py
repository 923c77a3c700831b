"""Providers as an operator sets them: which kind, how much of a channel, how fast, and the kind's own options."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Self

from purgatory.domain.model import Context
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from standardwebhooks import Webhook

from notifiers.http.addresses import safe_url
from notifiers.http.options import masked_url
from notifiers.port.kinds import Kind, Tools, kind, names
from notifiers.port.routes import FAILURES, RECOVERY_SECONDS, Provider
from templates.reading.findings import hint


def _signs(secret: SecretStr | None) -> SecretStr | None:
    try:
        Webhook(secret.get_secret_value()) if secret is not None else None
    except Exception:  # noqa: BLE001  (the library raises whatever decoding raises)
        raise ValueError("it is no webhook secret: whsec_ and base64") from None
    return secret


def _each(secret: SecretStr | tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    return (secret,) if isinstance(secret, SecretStr) else secret


def _all_sign(secret: SecretStr | tuple[SecretStr, ...]) -> SecretStr | tuple[SecretStr, ...]:
    if not _each(secret):
        raise ValueError("at least one secret is needed")
    for each in _each(secret):
        _signs(each)
    return secret


Secret = Annotated[SecretStr | None, AfterValidator(_signs)]


Rate = Annotated[float, Field(ge=0.0001)]
"""Messages a second; the slowest is one in nearly three hours."""


class HookSettings(BaseModel):
    """The webhook by which an agency is told of answers and disputes."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: Annotated[str, AfterValidator(safe_url)] = Field(description="https, or this machine")
    secret: Annotated[SecretStr | tuple[SecretStr, ...], AfterValidator(_all_sign)] = Field(
        description="whsec_…, as Standard Webhooks say; a list of them while the agency changes it"
    )

    @property
    def secrets(self) -> tuple[str, ...]:
        """All of them: each call is signed with every one."""
        return tuple(each.get_secret_value() for each in _each(self.secret))

    def shown(self) -> Iterator[tuple[str, str]]:
        """Each field as text, secrets masked."""
        yield from (("url", masked_url(self.url)), ("secret", ", ".join(str(each) for each in _each(self.secret))))


class ProviderSettings(BaseModel):
    """A provider of a channel; what is not listed here is an option of its kind."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True, allow_inf_nan=False)

    kind: str = Field(description="smtp, smpp, http_sms, web_push, fcm, or one that another package brings")
    weight: float = Field(
        default=1.0, gt=0, le=1_000_000, description="its share of the channel, relative to the others'"
    )
    rate: Rate | None = Field(default=None, description="messages a second at most")
    slow_seconds: float = Field(default=10.0, gt=0, description="a batch that takes longer counts as a failure")
    receipts_secret: Secret = Field(default=None, description="whsec_…: the key that signs its call-backs")
    gateway_token: SecretStr | None = Field(
        default=None, min_length=16, description="the token in its calls, where it speaks as Kannel does"
    )

    @model_validator(mode="after")
    def _known_kind_with_its_options(self) -> Self:
        self.own()
        return self

    def of_kind(self) -> Kind:
        """Its kind. Raises ValueError where no such kind is installed."""
        if meant := hint(self.kind, names()):
            raise ValueError(f"no kind is called {self.kind!r}{meant}")
        return kind(self.kind)

    def own(self) -> BaseModel:
        """Return the options of its kind. Raises ValueError, naming the first that is wrong."""
        options = self.of_kind().options
        try:
            return options.model_validate(self.model_extra or {})
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            name = ".".join(map(str, first["loc"]))
            known = options.model_fields.keys() | type(self).model_fields.keys()
            meant = hint(name, known) if first["type"] == "extra_forbidden" else ""
            raise ValueError(f"{name}: {first['msg']}{meant}") from None

    def shown(self) -> Iterator[tuple[str, str]]:
        """Name and value of each setting and option; secrets are masked."""
        for part in (
            self.model_dump(mode="json", exclude=set(self.model_extra or ())),
            self.own().model_dump(mode="json"),
        ):
            yield from ((name, str(value)) for name, value in part.items())


def make_provider(name: str, settings: ProviderSettings, tools: Tools) -> Provider:
    """Return the provider with its notifier. Raises ValueError for options that could never work together."""
    of_kind, breaker = settings.of_kind(), Context(name, FAILURES, RECOVERY_SECONDS)
    notifier = of_kind.make(settings.own(), tools)
    calls = any((of_kind.read_call, settings.receipts_secret, settings.gateway_token))
    return Provider(name, notifier, settings.weight, settings.slow_seconds, settings.rate, breaker, calls=calls)


def channel_of(settings: ProviderSettings) -> str:
    """Return the channel that it is a provider of."""
    return settings.of_kind().channel


def limits_of(providers: Mapping[str, ProviderSettings], agencies: Mapping[str, float]) -> dict[str, float]:
    """Limit -> messages a second, as streams.delivery.admission.rate_limits takes them."""
    rates = {f"provider:{name}": each.rate for name, each in providers.items() if each.rate is not None}
    return rates | {f"agency:{name}": rate for name, rate in agencies.items()}


def askable_providers(providers: Mapping[str, ProviderSettings]) -> frozenset[str]:
    """Return the names of the providers that can be asked what became of a message."""
    return frozenset(name for name, each in providers.items() if getattr(each.own(), "query", None) is not None)
