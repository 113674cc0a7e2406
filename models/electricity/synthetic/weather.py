"""SYNTHETIC hourly weather of a year in Massachusetts, in the columns and units of the real file."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.electricity.synthetic.random_series import Floats, generator, smooth_noise
from models.electricity.synthetic.summary import icon_and_summary

LATITUDE = np.radians(42.3)
COLDEST, WARMEST = -11.45, 93.72  # °F; published for the real file, like the bounds of wind and pressure
COLD_WAVE = 6.25  # days after 1 January: with any seed, a file of 10,000 rows has temperatures below zero


def weather_columns(hours: int, seed: int) -> dict[str, NDArray[Any]]:
    """Return the weather columns, one row per hour. All are numbers except `icon` and `summary`."""
    day = np.arange(hours) / 24
    fronts = smooth_noise(generator(seed, "fronts"), hours, memory=20)
    clouds = 0.9 * smooth_noise(generator(seed, "clouds"), hours, memory=5) - 0.4 * fronts
    air = _air(day, clouds, seed)
    air["pressure"] = np.clip(1016.3 + 7.9 * fronts, 986.4, 1042.46)
    weather = air | _sky(air["humidity"], clouds)
    columns: dict[str, NDArray[Any]] = {
        name: np.round(values, 4 if name == "precipIntensity" else 2) for name, values in weather.items()
    }
    columns["icon"], columns["summary"] = icon_and_summary(weather, sun_height(day) > 0)
    return columns


def sun_height(day: Floats) -> Floats:
    """Return the sine of the sun's elevation, negative at night; `day` counts from midnight on 1 January."""
    declination = np.radians(-23.44) * np.cos(2 * np.pi * (day + 10) / 365.25)
    hour_angle = 2 * np.pi * (day % 1.0 - 0.5)
    height: Floats = np.sin(LATITUDE) * np.sin(declination)
    height += np.cos(LATITUDE) * np.cos(declination) * np.cos(hour_angle)
    return height


def _air(day: Floats, clouds: Floats, seed: int) -> dict[str, Floats]:
    hours = len(day)
    temperature = _temperature(day, smooth_noise(generator(seed, "temperature"), hours, memory=16))
    # A squared normal: its mean is 2.4546² + 0.79² = 6.65, and it is calm at times.
    wind = np.clip((2.4546 + 0.79 * smooth_noise(generator(seed, "wind"), hours, memory=4)) ** 2, 0, 22.91)
    dryness = smooth_noise(generator(seed, "dryness"), hours, memory=8) - 0.5 * clouds - 0.5 * np.cos(2 * np.pi * day)
    dew_point = np.clip(temperature - np.clip(3.2 + dryness, 0.5, None) ** 2, None, 75)
    humidity = _humidity(temperature, dew_point)
    return {
        "temperature": temperature,
        "humidity": humidity,
        "apparentTemperature": _apparent_temperature(temperature, wind, humidity),
        "windSpeed": wind,
        "windBearing": np.rint(250 + 80 * smooth_noise(generator(seed, "bearing"), hours, memory=6)) % 360,
        "dewPoint": dew_point,
    }


def _sky(humidity: Floats, clouds: Floats) -> dict[str, Floats]:
    rain = np.clip(0.05 * (clouds - 1.3), 0, None)  # inches per hour
    fog = np.clip(humidity - 0.93, 0, None)
    return {
        "cloudCover": np.clip(0.3 + 0.6 * clouds, 0, 1),
        "precipIntensity": rain,
        "precipProbability": np.where(rain > 0, np.clip(0.05 + 12 * rain, 0, 1), 0),
        "visibility": np.clip(10.3 - 80 * rain - 120 * fog, 0.3, 10),
    }


def _temperature(day: Floats, weather: Floats) -> Floats:
    season = -np.cos(2 * np.pi * (day - 24) / 365.25)  # -1 late in January, 1 late in July
    afternoon = np.cos(2 * np.pi * (day - 15 / 24))
    degrees = 50.4 + 22.7 * season + (7.0 + 1.5 * season) * afternoon + (8.0 - 2.5 * season) * weather
    wave = np.exp(-(((day - COLD_WAVE) / 1.2) ** 2))
    return np.clip(degrees + wave * (COLDEST - degrees), COLDEST, WARMEST)


def _humidity(temperature: Floats, dew_point: Floats) -> Floats:
    """Return the relative humidity, 0 to 1, by the Magnus formula (Alduchov and Eskridge 1996)."""
    air, dew = (temperature - 32) / 1.8, (dew_point - 32) / 1.8
    humidity: Floats = np.exp(17.625 * dew / (243.04 + dew) - 17.625 * air / (243.04 + air))
    return humidity


def _apparent_temperature(temperature: Floats, wind: Floats, humidity: Floats) -> Floats:
    """Return the wind chill (US National Weather Service, 2001) if cold, its simple heat index if hot."""
    chill = 35.74 + 0.6215 * temperature + (0.4275 * temperature - 35.75) * np.maximum(wind, 3) ** 0.16
    heat = 0.5 * (temperature + 61 + 1.2 * (temperature - 68) + 9.4 * humidity)
    apparent = np.where((temperature <= 50) & (wind > 3), chill, temperature)
    return np.where(temperature >= 80, heat, apparent)
