"""What a text says: what it is about and how sure that is, how grave, and whether life may be at risk."""
