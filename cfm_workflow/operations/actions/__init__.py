"""What people can do with actions: give, move, change, link, many at once."""
