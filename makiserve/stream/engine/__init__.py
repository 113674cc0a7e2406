"""How a pipeline becomes a plan, a plan a program, and a program's state bytes and back."""
