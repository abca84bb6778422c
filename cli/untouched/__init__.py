"""What happens to a case that nobody touches: the pure decisions of intake, router and escalation in turn."""
