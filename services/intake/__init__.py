"""Intake: every report and every action on a case comes in here; the one state machine of a case."""
