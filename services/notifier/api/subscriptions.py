"""Webhook subscriptions: made, looked at, rotated, removed; their deliveries looked at and replayed."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from services.notifier.api.filters import Asked, Cursor
from services.notifier.api.responses import problems
from services.notifier.api.rooms import InRooms, Rooms, Subscriber, answer, scope_of
from services.notifier.api.subscription_views import (
    DeliveryListView,
    NewSubscriptionView,
    SecretView,
    SubscriptionListView,
    SubscriptionView,
    delivery_view,
    secret_view,
    subscription_view,
)
from services.notifier.domain.delivery import DeliveryState
from services.notifier.domain.subscription import Subscription, SubscriptionState
from services.notifier.handlers import add_subscription, rotate_secret
from services.notifier.handlers.subscribe import Wish
from services.notifier.store.subscriptions import DeliveryPage
from shared.runtime.auth import Principal
from shared.runtime.problems import Problem
from shared.vocabulary import Refused

PAGE: Final = 50

router = APIRouter(prefix="/v1/subscriptions", tags=["webhooks"])


class SubscriptionBody(BaseModel):
    """Where to send what. Without a filter everything that the key may see is sent."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"url": "https://hooks.example.org/whistle", "area": "990101101", "severity": ["1", "2"]}]
        },
    )

    url: Annotated[str, Field(min_length=1, max_length=2048, description="https, a public host, no redirects.")]
    description: Annotated[str, Field(max_length=200)] = ""
    area: Annotated[str | None, Field(max_length=15)] = None
    level: Annotated[list[str], Field(max_length=3)] = []
    category: Annotated[list[str], Field(max_length=50)] = []
    severity: Annotated[list[str | int], Field(max_length=4)] = []
    type: Annotated[list[str], Field(max_length=50)] = []
    department: Annotated[list[str], Field(max_length=50)] = []
    case: UUID | None = None
    purpose: Annotated[
        list[str], Field(max_length=3, description="`real` leaves out drills, which are written down and never sent.")
    ] = []
    mode: Annotated[list[str], Field(max_length=50)] = []

    def asked(self) -> Asked:
        """The filter as it was asked for."""
        return Asked(
            area=self.area,
            level=self.level,
            category=self.category,
            severity=[str(one) for one in self.severity],
            type=self.type,
            department=self.department,
            case=self.case,
            purpose=self.purpose,
            mode=self.mode,
        )


class RotateBody(BaseModel):
    """For how long the old secrets sign beside the new one."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: Annotated[float, Field(ge=0, le=168)] = 24


@router.post(
    "",
    status_code=201,
    summary="Have events sent to a URL",
    response_model=NewSubscriptionView,
    responses=problems(400, 401, 403, 413, 415, 422, 503),
)
async def post_subscription(body: SubscriptionBody, rooms: InRooms, bearer: Subscriber) -> Response:
    """Signed by the Standard Webhooks rules. The secret is shown in this answer and never again.

    At least once, not in order: sort by `version`, drop what you have seen by `webhook-id`.
    """
    try:
        asked = body.asked().filter(bearer)
    except Refused as refused:
        # The same checks as a query's; in a body a field's name is a pointer.
        raise type(refused)(
            refused.reason, field=(refused.field or "").lstrip("?"), allowed=refused.allowed
        ) from refused
    wish = Wish(
        scope=scope_of(bearer), asked=asked, url=body.url, description=_clean(body.description), key_id=bearer.key_id
    )
    kept, secret = await add_subscription(wish, rooms.subscribing)
    return answer(NewSubscriptionView(subscription=subscription_view(kept), secret=secret.text), status=201)


@router.get(
    "", summary="List subscriptions", response_model=SubscriptionListView, responses=problems(401, 403, 422, 503)
)
async def list_subscriptions(
    rooms: InRooms,
    bearer: Subscriber,
    after: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = PAGE,
) -> Response:
    """Those made by keys of this key's area, or of areas inside it."""
    found = await rooms.subscriptions.find(scope_of(bearer), after=after, most=limit + 1)
    shown = found[:limit]
    return answer(
        SubscriptionListView(
            subscriptions=[subscription_view(one) for one in shown],
            next=shown[-1].subscription_id if len(found) > limit else None,
        )
    )


@router.get(
    "/{subscription_id}",
    summary="One subscription",
    response_model=SubscriptionView,
    responses=problems(401, 403, 404, 422, 503),
)
async def get_subscription(subscription_id: UUID, rooms: InRooms, bearer: Subscriber) -> Response:
    """Without its secret."""
    return answer(subscription_view(await _owned(subscription_id, rooms, bearer)))


@router.delete(
    "/{subscription_id}", status_code=204, summary="Remove a subscription", responses=problems(401, 403, 404, 422, 503)
)
async def delete_subscription(subscription_id: UUID, rooms: InRooms, bearer: Subscriber) -> Response:
    """Nothing more is sent; its secrets and its deliveries are removed with it."""
    await _owned(subscription_id, rooms, bearer)
    await rooms.subscriptions.remove(subscription_id)
    return Response(status_code=204)


@router.post(
    "/{subscription_id}/secrets",
    status_code=201,
    summary="Give it a new secret",
    response_model=SecretView,
    responses=problems(400, 401, 403, 404, 413, 415, 422, 503),
)
async def post_secret(
    subscription_id: UUID, rooms: InRooms, bearer: Subscriber, body: RotateBody | None = None
) -> Response:
    """For the overlap every request carries a signature by each live secret; three live ones at most."""
    await _owned(subscription_id, rooms, bearer)
    overlap = timedelta(hours=(body or RotateBody()).overlap_hours)
    return answer(secret_view(await rotate_secret(subscription_id, rooms.subscribing, overlap=overlap)), status=201)


@router.post(
    "/{subscription_id}/enable",
    summary="Make a disabled subscription active again",
    response_model=SubscriptionView,
    responses=problems(401, 403, 404, 422, 503),
)
async def enable_subscription(subscription_id: UUID, rooms: InRooms, bearer: Subscriber) -> Response:
    """After a 410, or to end a pause that the receiver asked for. What failed meanwhile can be replayed."""
    await _owned(subscription_id, rooms, bearer)
    await rooms.subscriptions.enable(subscription_id)
    return answer(subscription_view(await _owned(subscription_id, rooms, bearer)))


@router.get(
    "/{subscription_id}/deliveries",
    summary="What was sent, and what came of it",
    response_model=DeliveryListView,
    responses=problems(401, 403, 404, 422, 503),
)
async def list_deliveries(
    subscription_id: UUID,
    rooms: InRooms,
    bearer: Subscriber,
    state: Annotated[DeliveryState | None, Query(description="Only those that stand so.")] = None,
    cursor: Annotated[str | None, Query(description="`next` of the page before.", max_length=128)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = PAGE,
) -> Response:
    """Newest first, each with every attempt and its reason in words."""
    await _owned(subscription_id, rooms, bearer)
    after = None if cursor is None else Cursor.read(cursor)
    found = await rooms.subscriptions.deliveries(
        subscription_id,
        state=state,
        after=None if after is None else DeliveryPage(created_at=after.at, delivery_id=after.of),
        most=limit + 1,
    )
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return answer(
        DeliveryListView(
            deliveries=[delivery_view(row) for row in shown],
            next=None if last is None else Cursor(at=last.created_at, of=last.delivery_id).text,
        )
    )


@router.post(
    "/{subscription_id}/deliveries/{delivery_id}/replay",
    status_code=202,
    summary="Send a delivery again",
    responses=problems(401, 403, 404, 409, 422, 503),
)
async def replay_delivery(subscription_id: UUID, delivery_id: UUID, rooms: InRooms, bearer: Subscriber) -> Response:
    """With the same `webhook-id` and body, at once, and by the whole schedule when it fails again."""
    kept = await _owned(subscription_id, rooms, bearer)
    if kept.state is SubscriptionState.DISABLED:
        raise Problem(409, "conflict", "The subscription is disabled", "enable it first")
    try:
        queued = await rooms.subscriptions.replay(subscription_id, delivery_id, now=rooms.clock())
    except Refused as refused:
        raise Problem(409, "conflict", "The delivery is held back", refused.reason) from refused
    match queued:
        case None:
            raise Problem(
                404, "not-found", "There is no such delivery", f"no delivery {delivery_id} of this subscription"
            )
        case False:
            raise Problem(409, "conflict", "The delivery waits already", "it is on its way or will be tried again")
        case _:
            return Response(status_code=202)


async def _owned(subscription_id: UUID, rooms: Rooms, bearer: Principal) -> Subscription:
    kept = await rooms.subscriptions.get(subscription_id, scope_of(bearer))
    if kept is None:
        raise Problem(
            404,
            "not-found",
            "There is no such subscription",
            f"no subscription {subscription_id} within area {bearer.area}",
        )
    return kept


def _clean(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable()).strip()
