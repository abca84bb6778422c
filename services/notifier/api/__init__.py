"""HTTP in: the live stream, cases and their stories, webhook subscriptions, and the page."""

from services.notifier.api.endpoints import make_api
from services.notifier.api.rooms import Rooms

__all__ = ["Rooms", "make_api"]
