"""The delay of flights leaving New York, from their schedule and the flights before them."""
