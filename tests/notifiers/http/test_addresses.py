import pytest
from pydantic import SecretStr

from app.providers import HookSettings
from app.sign_in_settings import SignInSettings
from notifiers.http.addresses import is_safe, safe_base

SECRET = SecretStr("whsec_c2VjcmV0")
SAFE = [
    "https://gov.kz",
    "https://gov.kz:8443/hook?a=b",
    "http://127.0.0.1",
    "http://127.0.0.1:8000/hook",
    "https://push.gov.kz/a@b",
]
UNSAFE = [
    "http://127.0.0.1:x@evil.example",
    "http://127.0.0.1:80@evil.example/hook",
    "http://127.0.0.1/@evil.example\\x",
    "http://127.0.0.1\\@evil.example",
    "http://127.0.0.1.evil.example",
    "http://127.0.0.1%2f@evil.example",
    "https://user:word@gov.kz/hook",
    "https://@gov.kz/hook",
    "https://evil.example#@127.0.0.1",
    "https://gov.kz/hook#",
    "http://gov.kz",
    "http://localhost:8000",
    "http://user:word@127.0.0.1",
    "https://",
    "https:///hook",
    "https:gov.kz",
    "ftp://gov.kz",
    "//gov.kz",
    " https://gov.kz",
    "https://gov.kz\n",
    "https://gov.kz:99999",
    "https://gov.kz/\u202e",
]


@pytest.mark.parametrize("url", SAFE)
def test_a_safe_address_is_taken(url: str) -> None:
    """An address by https, or of this machine, is taken as it stands."""
    assert is_safe(url)
    assert HookSettings(url=url, secret=SECRET).url == url


@pytest.mark.parametrize("url", UNSAFE)
def test_an_address_is_judged_by_where_it_leads(url: str) -> None:
    """Whatever only begins like a safe address is refused for webhooks, issuers and bases alike."""
    assert not is_safe(url)
    with pytest.raises(ValueError, match="https://"):
        HookSettings(url=url, secret=SECRET)
    with pytest.raises(ValueError, match="https://"):
        SignInSettings(who="citizens", issuer=url, client_id="a")
    with pytest.raises(ValueError, match="https://"):
        safe_base(url)


@pytest.mark.parametrize(
    "url", ["https://gov.kz/", "https://gov.kz?a", "https://gov.kz#", "https://gov.kz?", "https://a@gov.kz"]
)
def test_a_base_has_no_path(url: str) -> None:
    """What paths are put behind has none itself."""
    with pytest.raises(ValueError, match=r"no path|without an account"):
        safe_base(url)
