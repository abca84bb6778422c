"""What a command makes of a case: events, or a refusal that says what is open instead."""
