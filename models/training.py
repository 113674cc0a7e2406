"""What the trainings share: the part held out, the errors on it, the command."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from sklearn.metrics import root_mean_squared_error

from makiserve.errors import ConfigurationError, MakiserveError

HELD_OUT = 0.2


def past_and_future(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split rows in the order of time: the last fifth is held out.

    Raises:
        ConfigurationError: there are fewer than two rows.
    """
    if len(frame) < 2:
        raise ConfigurationError(f"the data gives {len(frame)} rows of features: too few to train on and hold some out")
    first = max(1, int(len(frame) * (1 - HELD_OUT)))
    return frame[:first], frame[first:]


def rmse(label: Any, prediction: Any) -> float:
    """The root of the mean squared error."""
    return float(root_mean_squared_error(label, prediction))


def training_parser(module: str, what: str, *, data: Path, name: str) -> argparse.ArgumentParser:
    """The options that every training has; `data` and `name` are the defaults."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=what)
    parser.add_argument("--data", type=Path, default=data, help=f"the file to train on [{data}]")
    parser.add_argument("--tracking-uri", metavar="URI", help="where MLflow keeps runs and models [MLflow's default]")
    parser.add_argument("--name", default=name, help=f"of the registered model [{name}]")
    parser.add_argument("--alias", default="champion", help="of the new version [champion]")
    return parser


def run_training(parser: argparse.ArgumentParser, train: Callable[..., str], *, label: str) -> None:
    """Train as the command line says; print the model's URI and the command that validates it."""
    options = vars(parser.parse_args())
    store = options.pop("tracking_uri")
    if store:
        mlflow.set_tracking_uri(store)
    try:
        uri = train(**options)
    except MakiserveError as error:
        parser.exit(error.exit_code, f"{error}\n")
    served = f"models:/{options['name']}@{options['alias']}"
    where = f"MLFLOW_TRACKING_URI={store} " if store else ""
    print(f"{uri} is {served} now. To validate it:")
    print(f"  {where}makiserve --model {served} --replay {options['data']} --label {label} --output predictions.csv")
