"""What people can do, by noun: verbs that take a session and never commit."""
