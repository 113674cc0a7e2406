"""Compare the outputs of two runs."""
