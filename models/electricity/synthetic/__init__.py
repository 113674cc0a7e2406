"""SYNTHETIC weather and consumption of an invented house, in the columns of the real file."""

from models.electricity.synthetic.house import house_columns
from models.electricity.synthetic.weather import weather_columns

__all__ = ["house_columns", "weather_columns"]
