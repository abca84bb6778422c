"""One function for each thing that can happen to intake: read, decide, write."""

from services.intake.handlers.actions import act_on_case
from services.intake.handlers.canaries import CanaryPlan, remove_old_canaries, send_canary
from services.intake.handlers.doors import CountyMaps, Doors, KeyReused, Reply, UnknownCase
from services.intake.handlers.folds import GROUP as FOLD_GROUP
from services.intake.handlers.folds import fold_batch
from services.intake.handlers.inbound import GROUP as INBOUND_GROUP
from services.intake.handlers.inbound import accept_inbound
from services.intake.handlers.modes import Settled, carry_out_asked, confirm_mode, propose_mode, settle_batch
from services.intake.handlers.papers import KeptMeanwhile
from services.intake.handlers.reports import accept_report
from services.intake.handlers.resuming import resume_due
from services.intake.handlers.together import Size, Together
from services.intake.handlers.turns import Crowded

__all__ = [
    "FOLD_GROUP",
    "INBOUND_GROUP",
    "CanaryPlan",
    "CountyMaps",
    "Crowded",
    "Doors",
    "KeptMeanwhile",
    "KeyReused",
    "Reply",
    "Settled",
    "Size",
    "Together",
    "UnknownCase",
    "accept_inbound",
    "accept_report",
    "act_on_case",
    "carry_out_asked",
    "confirm_mode",
    "fold_batch",
    "propose_mode",
    "remove_old_canaries",
    "resume_due",
    "send_canary",
    "settle_batch",
]
