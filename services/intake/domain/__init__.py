"""What intake decides, as pure functions on frozen values."""
