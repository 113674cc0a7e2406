"""Whether two runs gave the same."""
