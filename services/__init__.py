"""The four services of Whistle: intake, router, escalation, notifier; none imports another."""
