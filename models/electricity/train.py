"""Train the model of a house's consumption, log it with its features, and register it.

python -m models.electricity.train --data house.csv
"""

from __future__ import annotations

from pathlib import Path

import mlflow
from sklearn.linear_model import Ridge

import makiserve
from models.electricity.features import Reading, features
from models.training import past_and_future, rmse, run_training, training_parser

INPUTS = ["pspeed_ratio", "temperature", "temperature_stddev"]
ALPHA = 0.5


def train(data: Path, *, name: str = "house", alias: str = "champion") -> str:
    """Train on a file of readings, its last fifth held out, and log the model to MLflow's current tracking store.

    Prints what the errors are. They are those of predicting the house's consumption at the end of six hours from
    these hours' weather, beside those of the training hours' mean and of the value an hour before.

    Args:
        data: a CSV or JSON lines file.
        name: of the registered model.
        alias: that the new version gets.

    Returns:
        The URI of the new version.

    Raises:
        ConfigurationError: the file cannot be read or is too short, or the model cannot be logged.
    """
    frame = makiserve.features_frame(features, record=Reading, source=data)
    past, future = past_and_future(frame)
    model = Ridge(alpha=ALPHA).fit(past[INPUTS], past["label"])
    label = future["label"]
    errors = {
        "rmse": rmse(label, model.predict(future[INPUTS])),
        "rmse_of_mean": rmse(label, [past["label"].mean()] * len(label)),
        "rmse_of_hour_before": rmse(label, frame["label"].shift(1)[label.index]),
    }
    with mlflow.start_run(run_name=name):
        mlflow.log_params({"alpha": ALPHA, "train_rows": len(past), "held_out_rows": len(future)})
        mlflow.log_metrics(errors)
        info = makiserve.log_model(
            model, features=features, record=Reading, reference=data, registered_model_name=name, alias=alias
        )
    print(
        f"rmse {errors['rmse']:.4f} kW on the last {len(future):,} of {len(frame):,} hours "
        f"(the mean: {errors['rmse_of_mean']:.4f}, the hour before: {errors['rmse_of_hour_before']:.4f})"
    )
    return f"models:/{name}/{info.registered_model_version}"


def main() -> None:
    """Run the command."""
    parser = training_parser(
        "models.electricity.train", "Train the model of a house's consumption.", data=Path("house.csv"), name="house"
    )
    run_training(parser, train, label="house_overall")


if __name__ == "__main__":
    main()
