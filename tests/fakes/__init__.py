"""Stand-ins for what is outside, small enough to read at a glance."""
