"""What intake keeps, in PostgreSQL, schema ``intake``."""
