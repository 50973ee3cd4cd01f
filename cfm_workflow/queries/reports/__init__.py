"""What supervisors count: each figure with the list of exactly the rows behind it. Never writes."""
