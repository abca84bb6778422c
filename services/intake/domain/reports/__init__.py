"""What a report must be, where it lies, and what may be told of its sender."""
