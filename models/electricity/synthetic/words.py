"""SYNTHETIC weather in words: the `icon` and the `summary` of the real file's weather service."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.electricity.synthetic.chance import Floats

Words = NDArray[np.str_]


def icon_and_summary(weather: dict[str, Floats], daylight: NDArray[np.bool_]) -> tuple[Words, Words]:
    """Return the two for each hour: the worst of its weather, rain and snow before fog before wind."""
    rain, cover = weather["precipIntensity"], weather["cloudCover"]
    half = np.where(daylight, "day", "night")
    cases = [  # when, icon, summary
        ((rain > 0.004) & (weather["temperature"] < 32), "snow", "Light Snow"),
        (rain > 0.03, "rain", "Rain"),
        (rain > 0.004, "rain", "Light Rain"),
        (weather["visibility"] < 1.5, "fog", "Foggy"),
        (weather["windSpeed"] > 17, "wind", "Breezy"),
        (cover >= 0.92, "cloudy", "Overcast"),
        (cover >= 0.6, np.char.add("partly-cloudy-", half), "Mostly Cloudy"),
        (cover >= 0.25, np.char.add("partly-cloudy-", half), "Partly Cloudy"),
    ]
    when, icons, summaries = (list(column) for column in zip(*cases, strict=True))
    icon = np.select(when, [np.asarray(word) for word in icons], np.char.add("clear-", half))
    return icon, np.select(when, [np.asarray(word) for word in summaries], np.asarray("Clear"))
