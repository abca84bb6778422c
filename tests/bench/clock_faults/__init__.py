"""Clocks fire exactly once, whatever breaks: ``python -m tests.bench clock-faults``."""
