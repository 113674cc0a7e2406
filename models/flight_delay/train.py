"""Train the model of a flight's delay at arrival, log it with its features, and register it.

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
from models.training import past_and_future, rmse, run_training, training_parser

NAMES = ["carrier", "origin", "dest"]
OWN = [*NAMES, "dep_delay", "distance", "planned", "due", "weekday"]
OTHERS = ["delay_mean", "delay_stddev", "lost_mean", "cancelled", "carrier_lost", "dest_lost"]


def train(data: Path, *, name: str = "flight_delay", alias: str = "champion", rows: int | None = None) -> str:
    """Train on a file of flights, the last fifth held out, and log the model to MLflow's current tracking store.

    Prints what the errors are, beside those of the same model without what other flights tell, and of arriving as
    late as one left.

    Args:
        data: a CSV or JSON lines file.
        name: of the registered model.
        alias: that the new version gets.
        rows: how many flights to read from the beginning; None for all.

    Returns:
        The URI of the new version.

    Raises:
        ConfigurationError: the file cannot be read or is too short, or the model cannot be logged.
    """
    flights = first_flights(data, rows)
    frame = makiserve.features_frame(features, record=Flight, source=flights)
    past, future = past_and_future(frame.dropna(subset="label"))  # diverted flights have none
    model = regression().fit(past[OWN + OTHERS], past["label"])
    alone = regression().fit(past[OWN], past["label"])
    errors = {
        "rmse": rmse(future["label"], model.predict(future[OWN + OTHERS])),
        "rmse_of_flight_alone": rmse(future["label"], alone.predict(future[OWN])),
        "rmse_of_delay_at_departure": rmse(future["label"], future["dep_delay"]),
    }
    with mlflow.start_run(run_name=name):
        mlflow.log_params({"train_rows": len(past), "held_out_rows": len(future)})
        mlflow.log_metrics(errors)
        info = makiserve.log_model(
            model,
            features=features,
            record=Flight,
            reference=flights[::12],  # so few of a day's flights that the first of them are down
            registered_model_name=name,
            alias=alias,
        )
    print(
        f"rmse {errors['rmse']:.3f} minutes on the last {len(future):,} of {len(past) + len(future):,} flights "
        f"(without the other flights: {errors['rmse_of_flight_alone']:.3f}, "
        f"the delay at departure: {errors['rmse_of_delay_at_departure']:.3f})"
    )
    return f"models:/{name}/{info.registered_model_version}"


def first_flights(data: Path, rows: int | None) -> list[Flight]:
    """The first flights of a file, in its order; rows that are no flights are left out, as a stream leaves them out.

    Raises:
        SourceError: the file cannot be read.
    """
    found = islice(chain.from_iterable(RecordFile(data, Schema(Flight))), rows)
    return [flight for flight in found if isinstance(flight, Flight)]


def regression() -> Pipeline:
    """Return a line corrected by trees: trees alone flatten the longest delays, which an arrival follows one to one.

    The trees take float32. The line takes float64: a float32 sum differs in the sixth digit with the size of the batch.
    """
    encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    names = ColumnTransformer([("names", encode, NAMES)], remainder="passthrough")
    line = make_pipeline(FunctionTransformer(np.float64), LinearRegression())
    trees = GradientBoostingRegressor(init=line, max_depth=4, subsample=0.1, random_state=0)
    return Pipeline([("encode", names), ("regress", trees)])


def main() -> None:
    """Run the command."""
    parser = training_parser(
        "models.flight_delay.train",
        "Train the model of a flight's delay at arrival.",
        data=Path("flights.csv"),
        name="flight_delay",
    )
    parser.add_argument("--rows", type=int, help="read only the first flights [all 336,776]")
    run_training(parser, train, label="arr_delay")


if __name__ == "__main__":
    main()
