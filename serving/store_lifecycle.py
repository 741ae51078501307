"""What an app with a case store has beside the model. In: settings. Out: store, sign-in, intake, limits, notices."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette

from data.errors import StoreUnavailableError
from serving.access.authentication import Authenticator
from serving.access.limits import TextLimits
from serving.access.look_up import look_up
from serving.access.principal import Principal
from serving.api.events import OpenStreams
from serving.intake import Intake
from serving.lifecycle import Lifespan
from serving.notifications.service import Notifications
from serving.settings import Settings
from serving.stored import DEVELOPMENT_UNIT, StoreAccess, access_of

logger = logging.getLogger("xiaobao")


def store_lifespan(settings: Settings) -> Lifespan:
    """Opens the store on start-up. A database that is down is no reason not to start; a wrong one is.

    Raises StoreError, KeyMaterialError, SettingsError, PolicyError.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if not settings.keeps_cases:
            yield
            return
        access = access_of(settings, app.state.policies)
        try:
            access.store  # noqa: B018  (opens it)
        except StoreUnavailableError as error:
            logger.warning("started without its case store: %s", error.message)
        _equip(app, settings, access)
        notifications = Notifications(lambda: access.store, settings, app.state.telemetry)
        notifications.start()
        try:
            yield
        finally:
            await asyncio.to_thread(notifications.stop)
            access.close()

    return lifespan


def _equip(app: Starlette, settings: Settings, access: StoreAccess) -> None:
    async def principal_of(token: str) -> Principal | None:
        return await access.run(partial(look_up, token=token))

    token = settings.api_token
    app.state.store_access = access
    app.state.authenticator = Authenticator(api_token=token.get_secret_value() if token else None, look_up=principal_of)
    app.state.intake = Intake(access)
    app.state.text_limits = TextLimits()
    app.state.event_streams = OpenStreams(settings.event_streams)
    if settings.is_development:
        app.state.development_unit = DEVELOPMENT_UNIT
