"""Pure rules: what follows from facts, without a database, a clock or a network."""
