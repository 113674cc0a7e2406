"""Column expressions: users' functions computed for all items of a batch at once, with Python's results."""
