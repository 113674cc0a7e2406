"""SYNTHETIC consumption of the circuits of a house, in kW per minute, in the columns of the real file."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.electricity.synthetic.random_series import Floats, appliance_runs, generator, thermostat
from models.electricity.synthetic.weather import sun_height

DAY_MINUTES = 24 * 60
ACTIVITY_BY_HOUR = (4, 2, 2, 2, 2, 4, 8, 12, 12, 9, 9, 10, 13, 13, 14, 16, 20, 27, 28, 25, 19, 13, 8, 5)
"""Relative activity of the people in the house: low at night, high in the evening."""


class Appliance(NamedTuple):
    """The power of an appliance in kW, the number of its runs a day, and their median length in minutes."""

    idle: float
    running: float
    runs_per_day: float
    minutes: float


APPLIANCES = {
    "Dishwasher": Appliance(0.0001, 1.33, 0.7, 40),
    "Home office": Appliance(0.043, 0.42, 2.0, 60),
    "Wine cellar": Appliance(0.007, 0.12, 4.0, 90),
    "Garage door": Appliance(0.0128, 0.07, 3.0, 5),
    "Kitchen 12": Appliance(0.0006, 1.1, 0.3, 4),
    "Kitchen 14": Appliance(0.0002, 0.66, 5.0, 4),
    "Kitchen 38": Appliance(0.00001, 0.15, 0.02, 5),
    "Barn": Appliance(0.032, 0.45, 0.6, 120),
    "Well": Appliance(0.001, 1.17, 12.0, 2.5),
    "Microwave": Appliance(0.0042, 0.9, 6.0, 1.5),
    "Living room": Appliance(0.0016, 0.14, 1.5, 200),
}
UNMETERED = {  # without a column: only part of the total
    "dryer": Appliance(0.0, 4.9, 0.48, 40),
    "oven": Appliance(0.0, 2.6, 0.6, 35),
    "lights": Appliance(0.1, 0.3, 3.0, 100),
    "tools": Appliance(0.0, 7.5, 0.08, 10),
}


def house_columns(temperature: Floats, cloud_cover: Floats, seed: int) -> dict[str, Floats]:
    """Return the columns in kW, one row per minute, starting at midnight on 1 January.

    Args:
        temperature: outdoor temperature in °F, `float64[minutes]`.
        cloud_cover: share of the sky, 0 to 1, `float64[minutes]`.
        seed: seed of all random series.
    """
    minute = np.arange(len(temperature))
    activity = (np.array(ACTIVITY_BY_HOUR) / np.mean(ACTIVITY_BY_HOUR))[minute // 60 % 24]
    circuits = {name: _appliance(name, appliance, activity, seed) for name, appliance in APPLIANCES.items()}
    circuits |= _thermostats(temperature, seed)
    unmetered = sum(_appliance(name, appliance, activity, seed) for name, appliance in UNMETERED.items())
    unmetered += _cooling(temperature, seed)
    solar = _solar(minute / DAY_MINUTES, cloud_cover, seed)
    # Solar power supplies the house first. This meter does not count what is fed into the grid: it then reads 0.
    overall = np.clip(sum(circuits.values()) + unmetered - solar, 0, None)
    columns = {"use": overall, "gen": solar, "House overall": overall, "Solar": solar} | circuits
    return {f"{name} [kW]": np.round(power, 6) for name, power in columns.items()}


def _appliance(name: str, appliance: Appliance, activity: Floats, seed: int) -> Floats:
    rate = appliance.runs_per_day / DAY_MINUTES * activity
    load = appliance_runs(generator(seed, name), rate, appliance.minutes)
    return _metered(appliance.idle + (appliance.running - appliance.idle) * load, name, seed)


def _thermostats(temperature: Floats, seed: int) -> dict[str, Floats]:
    """Return the machines that run in cycles under a thermostat. The colder it is, the longer the furnaces run."""
    cold = np.clip((60 - temperature) / 95, 0, 0.9)
    constant = np.full(len(temperature), 0.45)
    machines = {  # name: duty, minutes of a cycle, idle and running kW
        "Furnace 1": (cold, 24, 0.02, 0.48),
        "Furnace 2": (cold, 17, 0.063, 0.64),
        "Fridge": (constant, 55, 0.005, 0.135),
    }
    return {
        name: _metered(np.where(thermostat(generator(seed, name), duty, period), running, idle), name, seed)
        for name, (duty, period, idle, running) in machines.items()
    }


def _cooling(temperature: Floats, seed: int) -> Floats:
    duty = np.clip((temperature - 69) / 33, 0, 0.9)
    return _metered(np.where(thermostat(generator(seed, "cooling"), duty, period=28), 3.2, 0.0), "cooling", seed)


def _solar(day: Floats, cloud_cover: Floats, seed: int) -> Floats:
    sunshine: Floats = np.clip(sun_height(day), 0, None) * (1 - 0.75 * cloud_cover)
    return _metered(0.0034 + 0.55 * sunshine**1.3, "solar", seed)


def _metered(power: Floats, name: str, seed: int) -> Floats:
    """Return the power with the noise of a meter, about 3 %."""
    return power * np.abs(1 + 0.03 * generator(seed, f"meter of {name}").normal(size=len(power)))
