"""HTTP in: reports and actions on cases."""

from services.intake.api.app import make_api

__all__ = ["make_api"]
