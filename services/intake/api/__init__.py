"""HTTP in: reports and actions on cases."""

from services.intake.api.app import describe_api, make_api

__all__ = ["describe_api", "make_api"]
