"""The OpenID Connect issuers by which people sign in to the pages."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from domain.facts.principals import Role
from notifiers.http.addresses import safe_url


class SignInSettings(BaseModel):
    """An issuer that we are a client of. Its claims say who somebody is.

    A citizen is known by the claim with the national id, of which only the pseudonym is kept. An official is known by
    `name_claim`: as the principal of that name, or, where the issuer gives agency and roles, by these. In either way
    it speaks for these `agencies` and `roles` only: whoever keeps it makes nobody an operator unless this says so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    who: Literal["citizens", "officials"] = Field(description="the people whom it knows")
    title: str = Field(default="", description="the label of the button; empty: the name of this entry")
    issuer: Annotated[str, AfterValidator(safe_url)] = Field(description="https, or this machine")
    client_id: str = Field(min_length=1)
    client_secret: SecretStr = Field(default=SecretStr(""), description="empty: a public client, by PKCE alone")
    scope: str = Field(default="openid", description="the scope to request; it must have openid")
    national_id_claim: str = Field(default="national_id")
    name_claim: str = Field(default="sub")
    agency_claim: str = Field(default="", description="empty: officials are the principals of `habarshy principals`")
    roles_claim: str = Field(default="roles")
    agencies: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(),
        validate_default=True,
        description="the agencies whose officials it knows; empty: every agency of the list",
    )
    roles: tuple[Role, ...] = Field(
        default=(Role.AUTHOR, Role.APPROVER), min_length=1, description="the roles that officials may have by it"
    )

    @field_validator("agencies")
    @classmethod
    def _named(cls, agencies: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("agency_claim") and not agencies:
            raise ValueError("with agency_claim, name the agencies whose officials this issuer may speak for")
        return agencies

    @property
    def place(self) -> str:
        """Return the issuer, however its address is written."""
        return self.issuer.partition("://")[2].rstrip("/").lower()

    def speaks_for(self, agency: str) -> bool:
        """Return True if the issuer may vouch for officials of that agency."""
        return agency in self.agencies or not (self.agencies or self.agency_claim)


def without_duplicate_issuers(issuers: Mapping[str, SignInSettings]) -> Mapping[str, SignInSettings]:
    """Return the same.

    With two entries for one issuer an official would be two people, who may approve each other's work.

    Raises:
        ValueError: there are two.
    """
    found: dict[str, str] = {}
    for name, each in issuers.items():
        if each.who == "officials" and (other := found.setdefault(each.place, name)) != name:
            raise ValueError(f"{other} and {name} are one issuer; give the officials of an issuer one entry")
    return issuers
