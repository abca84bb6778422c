"""Whether two reports tell of one matter: what their words tell, how alike they are and why, and the verdict."""
