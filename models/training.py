"""Code that the training commands share: the split, the error, the options."""

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


def split_by_time(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split rows in time order into training rows and held-out rows, which are the last fifth.

    Raises:
        ConfigurationError: there are fewer than two rows.
    """
    if len(frame) < 2:
        raise ConfigurationError(f"the features have {len(frame)} rows, too few to train on: use a longer file")
    first_held_out = max(1, int(len(frame) * (1 - HELD_OUT)))
    return frame[:first_held_out], frame[first_held_out:]


def rmse(label: Any, prediction: Any) -> float:
    """Return the root mean squared error."""
    return float(root_mean_squared_error(label, prediction))


def training_parser(module: str, description: str, *, data: Path, name: str) -> argparse.ArgumentParser:
    """Return a parser with the options of every training command; `data` and `name` are defaults."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--data", type=Path, default=data, help=f"the file to train on [{data}]")
    parser.add_argument("--tracking-uri", metavar="URI", help="MLflow tracking server or store [MLflow's default]")
    parser.add_argument("--name", default=name, help=f"name of the registered model [{name}]")
    parser.add_argument("--alias", default="champion", help="alias of the new version [champion]")
    return parser


def run_training(parser: argparse.ArgumentParser, train: Callable[..., str], *, label: str) -> None:
    """Train with the options of the command line. Print the model's URI and the command that validates it."""
    options = vars(parser.parse_args())
    tracking_uri = options.pop("tracking_uri")
    if tracking_uri:
        mlflow.set_tracking_uri(tracking_uri)
    try:
        uri = train(**options)
    except MakiserveError as error:
        parser.exit(error.exit_code, f"{error}\n")
    served = f"models:/{options['name']}@{options['alias']}"
    environment = f"MLFLOW_TRACKING_URI={tracking_uri} " if tracking_uri else ""
    print(f"{uri} is now {served}. Validate it with:")
    print(
        f"  {environment}makiserve --model {served} --replay {options['data']} --label {label} --output predictions.csv"
    )
