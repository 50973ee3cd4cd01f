"""The pages of supervisors: what is late, who has how much, where work gets stuck; each number leads to its rows."""
