"""SYNTHETIC weather descriptions: the columns `icon` and `summary` of the real file's weather service."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.electricity.synthetic.random_series import Floats

Strings = NDArray[np.str_]


def icon_and_summary(weather: dict[str, Floats], daylight: NDArray[np.bool_]) -> tuple[Strings, Strings]:
    """Return the icon and the summary of each hour's worst weather: rain and snow before fog before wind."""
    rain, cloud_cover = weather["precipIntensity"], weather["cloudCover"]
    day_or_night = np.where(daylight, "day", "night")
    cases = [  # condition, icon, summary
        ((rain > 0.004) & (weather["temperature"] < 32), "snow", "Light Snow"),
        (rain > 0.03, "rain", "Rain"),
        (rain > 0.004, "rain", "Light Rain"),
        (weather["visibility"] < 1.5, "fog", "Foggy"),
        (weather["windSpeed"] > 17, "wind", "Breezy"),
        (cloud_cover >= 0.92, "cloudy", "Overcast"),
        (cloud_cover >= 0.6, np.char.add("partly-cloudy-", day_or_night), "Mostly Cloudy"),
        (cloud_cover >= 0.25, np.char.add("partly-cloudy-", day_or_night), "Partly Cloudy"),
    ]
    conditions, icons, summaries = (list(column) for column in zip(*cases, strict=True))
    icon = np.select(conditions, [np.asarray(name) for name in icons], np.char.add("clear-", day_or_night))
    return icon, np.select(conditions, [np.asarray(text) for text in summaries], np.asarray("Clear"))
