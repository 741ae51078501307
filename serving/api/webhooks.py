"""Routes of webhooks, for FastAPI. In: a URL, kinds of messages. Out: webhooks, and what became of their messages.

The signing secret is shown once, when the webhook is made.
"""

import base64
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from data.store.deliveries import MOST_LISTED, State
from data.store.notification_tables import Webhook
from data.store.unit_of_work import Store, UnitOfWork
from serving.access.guard import require
from serving.access.principal import Principal
from serving.api.responses import problems
from serving.errors import ServiceError
from serving.notifications.hosts import LONGEST_URL, AllowedHosts
from serving.stored import store_access

Manager = Annotated[Principal, Depends(require("webhooks.manage"))]
Id = Annotated[str, Field(min_length=1, max_length=64)]
router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], responses=problems(401, 403, 422, 503))


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WebhookRequest(_Request):
    """Without `unit` it gets the messages of the caller's own unit and all below."""

    name: str = Field(min_length=1, max_length=200)
    url: str = Field(min_length=1, max_length=LONGEST_URL)
    unit: Id | None = None
    kinds: list[Id] = Field(min_length=1, max_length=20)


class WebhookSwitch(_Request):
    is_active: bool


class ResendRequest(_Request):
    """Without `message_ids` all dead messages."""

    message_ids: list[Id] | None = Field(default=None, max_length=MOST_LISTED)


class WebhookRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    url: str
    unit_id: str
    kinds: list[str]
    is_active: bool
    created_at: datetime
    failures: int
    resting_until: datetime | None


class NewWebhook(WebhookRow):
    secret: str
    """`whsec_…`, as the libraries of Standard Webhooks take it."""

    @classmethod
    def of(cls, webhook: Webhook, secret: bytes) -> Self:
        row = WebhookRow.model_validate(webhook)
        return cls(**row.model_dump(), secret=f"whsec_{base64.b64encode(secret).decode()}")


class WebhookList(BaseModel):
    webhooks: list[WebhookRow]


class DeliveryRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    message_id: str
    kind: str
    case_id: str | None
    created_at: datetime
    state: State
    attempts: int
    next_attempt_at: datetime | None
    last_status: str | None


class DeliveryList(BaseModel):
    deliveries: list[DeliveryRow]


class Resent(BaseModel):
    resent: int


@router.get("", summary="The webhooks of the caller's units")
async def webhooks(request: Request, caller: Manager) -> WebhookList:
    def read(store: Store) -> WebhookList:
        with store.reading() as work:
            found = work.webhooks.all(within=caller.unit_path)
            return WebhookList(webhooks=[WebhookRow.model_validate(webhook) for webhook in found])

    return await store_access(request).run(read)


@router.post("", status_code=201, summary="A new webhook", responses=problems(404))
async def add_webhook(request: Request, caller: Manager, body: WebhookRequest) -> NewWebhook:
    """The host must be one of `XIAOBAO_WEBHOOK_HOSTS`. The answer shows the signing secret, this once."""
    AllowedHosts(request.app.state.settings.webhook_hosts).check(body.url)
    unit_id = body.unit or caller.unit_id
    if unit_id is None:
        raise ServiceError("request_invalid", "unit is missing; this caller has none", "请指定机构 unit")

    def add(work: UnitOfWork) -> NewWebhook:
        webhook, secret = work.webhooks.add(
            name=body.name, url=body.url, unit_id=unit_id, kinds=body.kinds, within=caller.unit_path
        )
        work.audit.append("webhook.added", actor_id=caller.id, subject=webhook.id, details={"unit": unit_id})
        return NewWebhook.of(webhook, secret)

    return await store_access(request).change(add)


@router.patch("/{webhook_id}", summary="Switch a webhook on or off", responses=problems(404))
async def switch_webhook(request: Request, caller: Manager, webhook_id: str, body: WebhookSwitch) -> WebhookRow:
    """One that is off gets no new messages; those that wait for it stay."""

    def switch(work: UnitOfWork) -> WebhookRow:
        webhook = work.webhooks.switch(webhook_id, is_active=body.is_active, within=caller.unit_path)
        details = {"is_active": body.is_active}
        work.audit.append("webhook.switched", actor_id=caller.id, subject=webhook_id, details=details)
        return WebhookRow.model_validate(webhook)

    return await store_access(request).change(switch)


@router.delete("/{webhook_id}", status_code=204, summary="Forget a webhook", responses=problems(404))
async def remove_webhook(request: Request, caller: Manager, webhook_id: str) -> Response:
    """Its secret and its deliveries go with it."""

    def remove(work: UnitOfWork) -> None:
        work.webhooks.remove(webhook_id, within=caller.unit_path)
        work.audit.append("webhook.removed", actor_id=caller.id, subject=webhook_id)

    await store_access(request).change(remove)
    return Response(status_code=204)


@router.get("/{webhook_id}/deliveries", summary="What became of its messages", responses=problems(404))
async def deliveries(
    request: Request,
    caller: Manager,
    webhook_id: str,
    state: State | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 50,
) -> DeliveryList:
    """Latest first; `dead` are those that were given up."""

    def read(store: Store) -> DeliveryList:
        with store.reading() as work:
            found = work.deliveries.of_webhook(webhook_id, within=caller.unit_path, state=state, limit=limit)
            return DeliveryList(deliveries=[DeliveryRow.model_validate(row) for row in found])

    return await store_access(request).run(read)


@router.post("/{webhook_id}/deliveries/resend", summary="Send dead messages again", responses=problems(404))
async def resend(request: Request, caller: Manager, webhook_id: str, body: ResendRequest) -> Resent:
    """They begin anew, with the same `webhook-id`."""

    def revive(work: UnitOfWork) -> Resent:
        count = work.deliveries.resend(webhook_id, within=caller.unit_path, message_ids=body.message_ids)
        work.audit.append("webhook.resent", actor_id=caller.id, subject=webhook_id, details={"messages": count})
        return Resent(resent=count)

    return await store_access(request).change(revive)
