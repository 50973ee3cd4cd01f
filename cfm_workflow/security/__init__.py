"""Keys, tokens and whatever else protects secrets. Knows nothing of the database or of HTTP."""
