"""How good predictions are: the evidence, its figures, and what is required of them."""
