"""Predict the arrival delay of flights from New York from their departure and the flights before them."""
