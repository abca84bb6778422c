"""Escalation: folds cases and orders into clocks and says when one is late."""
