"""Plumbing without a domain word: delivery, storage, telemetry, health and time."""
