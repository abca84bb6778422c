"""One function for each thing that can happen to the notifier."""

from services.notifier.handlers.deliver import Delivery, deliver_due
from services.notifier.handlers.notify import notify_batch
from services.notifier.handlers.subscribe import add_subscription, fresh_secret, rotate_secret

__all__ = ["Delivery", "add_subscription", "deliver_due", "fresh_secret", "notify_batch", "rotate_secret"]
