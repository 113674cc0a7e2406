"""SYNTHETIC weather and consumption of a house that does not exist, in the columns of one that does."""

from models.electricity.synthetic.house import house_columns
from models.electricity.synthetic.weather import weather_columns

__all__ = ["house_columns", "weather_columns"]
