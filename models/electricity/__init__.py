"""Predict a house's electricity consumption from its meters and the weather."""
