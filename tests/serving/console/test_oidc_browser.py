"""The sign-in page of a bank with an identity provider, and the public page, in Chromium: readable, without fault."""

import shutil
from pathlib import Path

import pytest

from models.predictor import Predictor
from serving.app import create_app
from tests.serving.banks import bank_settings
from tests.serving.console.desk import Desk, running
from tests.serving.console.provider import CLIENT, SECRET, running_provider
from tests.serving.console.test_browser import faults

pytestmark = pytest.mark.proof

PAGES = ("sign-in", "oidc/callback?error=access_denied", "public", "public?lang=en")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1366), ("dark", 390)])
def test_pages_before_sign_in(
    desk: Desk, scheme: str, width: int, sqlite_template: Path, tmp_path: Path, shipped_predictor: Predictor
) -> None:
    file, secret = tmp_path / "store.db", tmp_path / "secret"
    shutil.copy(sqlite_template, file)
    secret.write_text(SECRET, encoding="utf-8")
    with running_provider() as provider:
        settings = bank_settings(
            f"sqlite:///{file}", environment="development", oidc_issuer=provider.issuer, oidc_client_id=CLIENT,
            oidc_client_secret_file=secret, oidc_redirect_url="http://127.0.0.1:8000/console/oidc/callback",
        )  # fmt: skip
        with running(create_app(settings, shipped_predictor)) as address:
            page = desk.sit(color_scheme=scheme, viewport={"width": width, "height": 800})
            for path in PAGES:
                page.goto(f"{address}/console/{path}")
                assert page.locator("a[href*='oidc/start']").count() == (not path.startswith("public"))
                assert faults(page) == [], path
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            page.context.close()
