"""What callers send and get, every field bounded; the OpenAPI file is made from these."""

from services.intake.api.bodies.actions import ActedBody, ActionBody, ReplyBody, ToBody
from services.intake.api.bodies.modes import ModeBody, ModeChangeBody
from services.intake.api.bodies.problems import FieldErrorBody, ProblemBody, WrongStateBody
from services.intake.api.bodies.reports import AcceptedBody, PlaceBody, ReportBody, ReporterBody, WhyBody

__all__ = [
    "AcceptedBody",
    "ActedBody",
    "ActionBody",
    "FieldErrorBody",
    "ModeBody",
    "ModeChangeBody",
    "PlaceBody",
    "ProblemBody",
    "ReplyBody",
    "ReportBody",
    "ReporterBody",
    "ToBody",
    "WhyBody",
    "WrongStateBody",
]
