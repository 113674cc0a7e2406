"""The features of a house's electricity consumption, computed by the same code in training, replay and serving."""

from __future__ import annotations

from typing import NamedTuple

import rx

import makiserve
import makiserve.stream as rs


class Reading(makiserve.Record):
    """One minute of a house: the columns of HomeC.csv that are used, and the required fields of a message."""

    time: int
    house_overall: float = makiserve.field(name="House overall [kW]")
    temperature: float
    pressure: float
    wind_speed: float = makiserve.field(name="windSpeed")


class Weather(NamedTuple):
    """The values of a reading that the window uses.

    Attributes:
        label: consumption of the whole house in kW.
        pspeed_ratio: pressure divided by wind speed.
        temperature: in °F.
    """

    label: float
    pspeed_ratio: float
    temperature: float


class Features(NamedTuple):
    """One row for the model: the last reading of six hours, and the standard deviation of their temperature."""

    label: float
    pspeed_ratio: float
    temperature: float
    temperature_stddev: float


def features() -> makiserve.Transform:
    """Emit a row every hour, from the last six hours of readings."""
    return rx.pipe(
        rs.ops.map(lambda i: Weather(i.house_overall, i.pressure / (i.wind_speed + 1e-5), i.temperature)),
        rs.data.roll(
            window=6 * 60,
            stride=60,
            pipeline=rs.ops.tee_map(
                rs.ops.last(),
                rx.pipe(rs.ops.map(lambda i: i.temperature), rs.math.stddev(reduce=True)),
            ),
        ),
        rs.ops.map(lambda i: Features(i[0].label, i[0].pspeed_ratio, i[0].temperature, i[1])),
    )
