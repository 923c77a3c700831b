"""Who says who signs in to the pages, as an operator sets it (OpenID Connect)."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class SignInSettings(BaseModel):
    """An issuer that we are a client of. Its claims say who somebody is.

    A citizen is known by the claim with the national id, of which only the pseudonym is kept. An official is known by
    `name_claim`: as the principal of that name, or, where the issuer gives agency and roles, by these.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    who: Literal["citizens", "officials"] = Field(description="whom it knows")
    title: str = Field(default="", description="what the button says; empty: the name of this entry")
    issuer: str = Field(pattern=r"^(https://|http://127\.0\.0\.1[:/])", description="https, or this machine")
    client_id: str = Field(min_length=1)
    client_secret: SecretStr = Field(default=SecretStr(""), description="empty: a public client, by PKCE alone")
    scope: str = Field(default="openid", description="what is asked for; openid is")
    national_id_claim: str = Field(default="national_id")
    name_claim: str = Field(default="sub")
    agency_claim: str = Field(default="", description="empty: officials are the principals of `habarshy principals`")
    roles_claim: str = Field(default="roles")
