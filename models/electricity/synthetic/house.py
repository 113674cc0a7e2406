"""SYNTHETIC circuits of a house, minute by minute, in kW and in the columns of the real file."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.electricity.synthetic.chance import Floats, cycle, runs, source
from models.electricity.synthetic.weather import sun_height

DAY = 24 * 60  # minutes
# How lively the house is by the hour: asleep at night, everybody at home in the evening.
LIVELY = (4, 2, 2, 2, 2, 4, 8, 12, 12, 9, 9, 10, 13, 13, 14, 16, 20, 27, 28, 25, 19, 13, 8, 5)


class Appliance(NamedTuple):
    """What one appliance draws, in kW, and how often and how long (minutes) it runs."""

    idle: float
    running: float
    a_day: float
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
UNMETERED = {  # no column of their own: they are seen in the whole house only
    "dryer": Appliance(0.0, 4.9, 0.48, 40),
    "oven": Appliance(0.0, 2.6, 0.6, 35),
    "lights": Appliance(0.1, 0.3, 3.0, 100),
    "tools": Appliance(0.0, 7.5, 0.08, 10),
}


def house_columns(temperature: Floats, cover: Floats, seed: int) -> dict[str, Floats]:
    """Return the columns in kW, one row a minute from a New Year's midnight.

    Args:
        temperature: outside, in °F, `float64[minutes]`.
        cover: the part of the sky in clouds, 0 to 1, `float64[minutes]`.
        seed: of everything that is random.
    """
    minute = np.arange(len(temperature))
    lively = (np.array(LIVELY) / np.mean(LIVELY))[minute // 60 % 24]
    circuits = {name: _appliance(name, kind, lively, seed) for name, kind in APPLIANCES.items()}
    circuits |= _thermostats(temperature, seed)
    rest = sum(_appliance(name, kind, lively, seed) for name, kind in UNMETERED.items())
    rest += _cooling(temperature, seed)
    solar = _solar(minute / DAY, cover, seed)
    # The panels feed the house first; what it cannot use leaves unseen by this meter, which then stands at 0.
    overall = np.clip(sum(circuits.values()) + rest - solar, 0, None)
    columns = {"use": overall, "gen": solar, "House overall": overall, "Solar": solar} | circuits
    return {f"{name} [kW]": np.round(power, 6) for name, power in columns.items()}


def _appliance(name: str, kind: Appliance, lively: Floats, seed: int) -> Floats:
    level = runs(source(seed, name), kind.a_day / DAY * lively, kind.minutes)
    return _metered(kind.idle + (kind.running - kind.idle) * level, name, seed)


def _thermostats(temperature: Floats, seed: int) -> dict[str, Floats]:
    """Return what runs by itself, in cycles; the furnaces' blowers draw more of it the colder it is."""
    cold = np.clip((60 - temperature) / 95, 0, 0.9)
    always = np.full(len(temperature), 0.45)
    machines = {  # name: duty, minutes of a cycle, idle and running kW
        "Furnace 1": (cold, 24, 0.02, 0.48),
        "Furnace 2": (cold, 17, 0.063, 0.64),
        "Fridge": (always, 55, 0.005, 0.135),
    }
    return {
        name: _metered(np.where(cycle(source(seed, name), duty, period), running, idle), name, seed)
        for name, (duty, period, idle, running) in machines.items()
    }


def _cooling(temperature: Floats, seed: int) -> Floats:
    duty = np.clip((temperature - 69) / 33, 0, 0.9)
    return _metered(np.where(cycle(source(seed, "cooling"), duty, period=28), 3.2, 0.0), "cooling", seed)


def _solar(day: Floats, cover: Floats, seed: int) -> Floats:
    sunshine: Floats = np.clip(sun_height(day), 0, None) * (1 - 0.75 * cover)
    return _metered(0.0034 + 0.55 * sunshine**1.3, "solar", seed)


def _metered(power: Floats, name: str, seed: int) -> Floats:
    """Return the power with the unrest of a meter's reading, about 3 %."""
    return power * np.abs(1 + 0.03 * source(seed, f"meter of {name}").normal(size=len(power)))
