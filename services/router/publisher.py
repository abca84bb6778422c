"""Order events as messages for the topic of their level."""

from collections.abc import Iterable

from shared.events.codec import Message, encode
from shared.events.envelope import Event
from shared.events.order import OrderEvent


def messages_of(orders: Iterable[Event[OrderEvent]]) -> list[Message]:
    """Return one message an event, keyed by case, in the order given."""
    return [encode(order) for order in orders]
