"""What the notifier keeps in PostgreSQL, in its own schema; SQL stands beside the method that runs it."""
