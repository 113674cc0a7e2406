"""Train the model of a flight's arrival delay, log it with its features, and register it.

python -m models.flight_delay.train --data flights.csv
"""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path

import mlflow
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

import makiserve
from makiserve.records import RecordFile, Schema
from models.flight_delay.features import Flight, features
from models.training import rmse, run_training, split_by_time, training_parser

CATEGORIES = ["carrier", "origin", "dest"]
OWN_INPUTS = [*CATEGORIES, "dep_delay", "distance", "scheduled_duration", "sched_dep_minute", "weekday"]
EARLIER_FLIGHTS_INPUTS = [
    *("dep_delay_mean", "dep_delay_stddev", "time_lost_mean", "cancelled_share"),
    *("carrier_time_lost", "dest_time_lost"),
]
INPUTS = OWN_INPUTS + EARLIER_FLIGHTS_INPUTS


def train(data: Path, *, name: str = "flight_delay", alias: str = "champion", rows: int | None = None) -> str:
    """Train on a file of flights, hold out the last fifth, and log the model to MLflow's current tracking store.

    Prints the model's error on the held-out flights and those of two baselines: the same model without the features
    of earlier flights, and the departure delay as the prediction.

    Args:
        data: a CSV or JSON lines file.
        name: name of the registered model.
        alias: alias to set on the new version.
        rows: number of flights to read from the beginning of the file; None reads all.

    Returns:
        The URI of the new version.

    Raises:
        ConfigurationError: the file cannot be read or is too short, or the model cannot be logged.
    """
    flights = first_flights(data, rows)
    frame = makiserve.features_frame(flights, features=features, record=Flight)
    training, held_out = split_by_time(frame.dropna(subset="label"))  # diverted flights have none
    model = regression().fit(training[INPUTS], training["label"])
    own_inputs_only = regression().fit(training[OWN_INPUTS], training["label"])
    errors = {
        "rmse": rmse(held_out["label"], model.predict(held_out[INPUTS])),
        "rmse_own_inputs_only": rmse(held_out["label"], own_inputs_only.predict(held_out[OWN_INPUTS])),
        "rmse_dep_delay": rmse(held_out["label"], held_out["dep_delay"]),
    }
    with mlflow.start_run(run_name=name):
        mlflow.log_params({"train_rows": len(training), "held_out_rows": len(held_out)})
        mlflow.log_metrics(errors)
        info = makiserve.log_model(
            model,
            features=features,
            record=Flight,
            reference=flights[::12],  # few enough a day that earlier flights have landed
            registered_model_name=name,
            alias=alias,
        )
    print(
        f"rmse {errors['rmse']:.3f} minutes on the last {len(held_out):,} of {len(training) + len(held_out):,} flights "
        f"(without earlier flights: {errors['rmse_own_inputs_only']:.3f}, "
        f"the departure delay as the prediction: {errors['rmse_dep_delay']:.3f})"
    )
    return f"models:/{name}/{info.registered_model_version}"


def first_flights(data: Path, rows: int | None) -> list[Flight]:
    """Return the first flights of a file, in its order, without the rows that cannot be decoded.

    Raises:
        SourceError: the file cannot be read.
    """
    items = islice(chain.from_iterable(RecordFile(data, Schema(Flight))), rows)
    return [item for item in items if isinstance(item, Flight)]


def regression() -> Pipeline:
    """Return a linear regression corrected by boosted trees.

    An arrival delay follows a long departure delay one to one; trees alone would flatten it. The trees compute in
    float32, the linear regression in float64: a float32 sum differs in the sixth digit with the size of the batch.
    """
    encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("categories", encode, CATEGORIES)], remainder="passthrough")
    linear = make_pipeline(FunctionTransformer(np.float64), LinearRegression())
    trees = GradientBoostingRegressor(init=linear, max_depth=4, subsample=0.1, random_state=0)
    return Pipeline([("encode", columns), ("regress", trees)])


def main() -> None:
    """Run the command."""
    parser = training_parser(
        "models.flight_delay.train",
        "Train the model of a flight's arrival delay.",
        data=Path("flights.csv"),
        name="flight_delay",
    )
    parser.add_argument("--rows", type=int, help="number of flights to read [all 336,776]")
    run_training(parser, train, label="arr_delay")


if __name__ == "__main__":
    main()
