"""Train the model of a house's electricity consumption, log it with its features, and register it.

python -m models.electricity.train --data house.csv
"""

from __future__ import annotations

from pathlib import Path

import mlflow
from sklearn.linear_model import Ridge

import makiserve
from models.electricity.features import Reading, features
from models.training import rmse, run_training, split_by_time, training_parser

INPUTS = ["pspeed_ratio", "temperature", "temperature_stddev"]
ALPHA = 0.5


def train(data: Path, *, name: str = "house", alias: str = "champion") -> str:
    """Train on a file of readings, hold out the last fifth, and log the model to MLflow's current tracking store.

    The model predicts the consumption at the end of six hours from the weather of these hours. Prints its error on the
    held-out hours and those of two baselines: the mean of the training data, and the value one hour before.

    Args:
        data: a CSV or JSON lines file.
        name: name of the registered model.
        alias: alias to set on the new version.

    Returns:
        The URI of the new version.

    Raises:
        ConfigurationError: the file cannot be read or is too short, or the model cannot be logged.
    """
    frame = makiserve.features_frame(data, features=features, record=Reading)
    training, held_out = split_by_time(frame)
    model = Ridge(alpha=ALPHA).fit(training[INPUTS], training["label"])
    label = held_out["label"]
    errors = {
        "rmse": rmse(label, model.predict(held_out[INPUTS])),
        "rmse_mean": rmse(label, [training["label"].mean()] * len(label)),
        "rmse_hour_before": rmse(label, frame["label"].shift(1)[label.index]),
    }
    with mlflow.start_run(run_name=name):
        mlflow.log_params({"alpha": ALPHA, "train_rows": len(training), "held_out_rows": len(held_out)})
        mlflow.log_metrics(errors)
        info = makiserve.log_model(
            model, features=features, record=Reading, reference=data, registered_model_name=name, alias=alias
        )
    print(
        f"rmse {errors['rmse']:.4f} kW on the last {len(held_out):,} of {len(frame):,} hours "
        f"(the mean: {errors['rmse_mean']:.4f}, the hour before: {errors['rmse_hour_before']:.4f})"
    )
    return f"models:/{name}/{info.registered_model_version}"


def main() -> None:
    """Run the command."""
    parser = training_parser(
        "models.electricity.train",
        "Train the model of a house's electricity consumption.",
        data=Path("house.csv"),
        name="house",
    )
    run_training(parser, train, label="house_overall")


if __name__ == "__main__":
    main()
