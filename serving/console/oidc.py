"""统一认证: sign-in at the bank's identity provider. In: OpenID Connect settings. Out: a session of a user of ours.

Authorization code flow with PKCE by Authlib: state, nonce and verifier lie in a cookie of this browser and nowhere
else. The provider says who somebody is; whether they are a user, their role and their unit stay ours.
"""

import base64
import binascii
import json
import logging
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client.errors import MismatchingStateError
from authlib.integrations.starlette_client import OAuth
from joserfc.errors import JoseError
from starlette.requests import Request

from data.errors import SettingsError
from serving.settings import Settings, is_loopback

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a private key alone: none and those with the client's secret are refused whatever is offered."""
TIMEOUT_SECONDS = 5.0
LEEWAY_SECONDS = 60
logger = logging.getLogger("xiaobao")


class OidcRefusal(Exception):
    """Nobody is signed in; `reason` names the text that says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OidcProvider:
    """The bank's identity provider as the settings name it; nothing is asked of it before somebody signs in."""

    def __init__(
        self, *, issuer: str, client_id: str, secret: str | None, redirect_url: str, settings: Settings
    ) -> None:
        self.issuer = issuer
        self.redirect_url = redirect_url
        self._client_id = client_id
        self._login_claim = settings.oidc_login_claim
        client: dict[str, Any] = {
            "scope": settings.oidc_scope,
            "code_challenge_method": "S256",
            "timeout": TIMEOUT_SECONDS,
            "trust_env": False,
        }
        if settings.oidc_ca_file is not None:
            client["verify"] = _trusted(settings.oidc_ca_file)
        self._client = OAuth().register(
            "bank",
            client_id=client_id,
            client_secret=secret,
            server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs=client,
        )

    async def begin(self, request: Request) -> tuple[str, str]:
        """Where the browser goes, and what it keeps until it is back. Raises OidcRefusal."""
        kept: dict[str, Any] = {}
        request.scope["session"] = kept
        try:
            await self._metadata()
            address = (await self._client.authorize_redirect(request, self.redirect_url)).headers["location"]
        except (httpx.HTTPError, RuntimeError, ValueError) as error:
            raise _unreachable(error) from None
        return address, base64.urlsafe_b64encode(json.dumps(kept).encode()).decode()

    async def finish(self, request: Request, kept: str) -> tuple[str, str | None]:
        """Subject and login of who comes back with a code. Raises OidcRefusal."""
        request.scope["session"] = _opened(kept)
        if request.query_params.get("error"):
            raise OidcRefusal("oidc_denied")
        try:
            await self._metadata()
            token = await self._client.authorize_access_token(
                request,
                leeway=LEEWAY_SECONDS,
                claims_options={
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self._client_id},
                },
            )
        except MismatchingStateError:
            raise OidcRefusal("oidc_stale") from None
        except (httpx.HTTPError, RuntimeError) as error:
            raise _unreachable(error) from None
        except (AuthlibBaseError, JoseError, ValueError, KeyError) as error:
            logger.warning("sign-in by the identity provider refused: %s", type(error).__name__)
            raise OidcRefusal("oidc_invalid") from None
        claims: Mapping[str, Any] = token.get("userinfo") or {}
        subject, login = claims.get("sub"), claims.get(self._login_claim)
        if not isinstance(subject, str) or not subject:
            raise OidcRefusal("oidc_invalid")
        return subject, login if isinstance(login, str) else None

    async def sign_out_address(self) -> str | None:
        """Where the browser ends its session there, if the provider has such a page. Raises OidcRefusal."""
        try:
            metadata = await self._metadata()
        except (httpx.HTTPError, RuntimeError, ValueError) as error:
            raise _unreachable(error) from None
        address = metadata.get("end_session_endpoint")
        return str(httpx.URL(address, params={"client_id": self._client_id})) if address else None

    async def _metadata(self) -> Mapping[str, Any]:
        """Discovery, asked once; it must be the issuer's own. Raises RuntimeError, httpx.HTTPError, ValueError."""
        metadata: dict[str, Any] = await self._client.load_server_metadata()
        if metadata.get("issuer") != self.issuer:
            self._client.server_metadata.pop("_loaded_at", None)
            raise RuntimeError("the discovery document is of another issuer")
        offered = metadata.get("id_token_signing_alg_values_supported") or ("RS256",)
        metadata["id_token_signing_alg_values_supported"] = [name for name in offered if name in ALGORITHMS]
        if not metadata["id_token_signing_alg_values_supported"]:
            raise RuntimeError("the provider signs with none of the accepted algorithms")
        return metadata


def provider_of(settings: Settings) -> OidcProvider | None:
    """None where no issuer is set. Raises SettingsError for what lacks or does not fit."""
    issuer = settings.oidc_issuer
    if issuer is None:
        return None
    if settings.oidc_client_id is None or settings.oidc_redirect_url is None:
        raise SettingsError("XIAOBAO_OIDC_ISSUER needs XIAOBAO_OIDC_CLIENT_ID and XIAOBAO_OIDC_REDIRECT_URL as well")
    for name, value in (("ISSUER", issuer), ("REDIRECT_URL", settings.oidc_redirect_url)):
        url = httpx.URL(value)
        if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.host)):
            raise SettingsError(f"XIAOBAO_OIDC_{name} is no https address; tokens must not travel in clear")
    if httpx.URL(settings.oidc_redirect_url).path != "/console/oidc/callback":
        raise SettingsError("XIAOBAO_OIDC_REDIRECT_URL must end in /console/oidc/callback")
    return OidcProvider(
        issuer=issuer,
        client_id=settings.oidc_client_id,
        secret=_secret(settings.oidc_client_secret_file),
        redirect_url=settings.oidc_redirect_url,
        settings=settings,
    )


def _secret(file: Path | None) -> str | None:
    """None for a public client, which PKCE alone protects."""
    if file is None:
        return None
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"XIAOBAO_OIDC_CLIENT_SECRET_FILE cannot be read: {type(error).__name__}") from None


def _trusted(file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(file))
    except OSError as error:
        raise SettingsError(f"XIAOBAO_OIDC_CA_FILE cannot be read: {type(error).__name__}") from None


def _opened(kept: str) -> dict[str, Any]:
    """What the browser kept; anything else is as if it kept nothing."""
    try:
        found = json.loads(base64.urlsafe_b64decode(kept.encode()))
    except (ValueError, binascii.Error):
        return {}
    is_whole = isinstance(found, dict) and all(isinstance(value, dict) for value in found.values())
    return found if is_whole else {}


def _unreachable(error: Exception) -> OidcRefusal:
    logger.warning("the identity provider does not answer as it should: %s", type(error).__name__)
    return OidcRefusal("oidc_gone")
