"""What can happen to escalation: a batch of facts arrives, time passes, a playbook arrives."""

from services.escalation.handlers.firing import FireReport, fire_due
from services.escalation.handlers.folding import FoldReport, Hole, fold_batch, revisit

__all__ = ["FireReport", "FoldReport", "Hole", "fire_due", "fold_batch", "revisit"]
