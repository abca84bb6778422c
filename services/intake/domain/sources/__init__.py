"""Messages of other systems: warnings that come again, alerts of sensors."""
