"""336,776 real flights with rolling features and gradient boosting: replay, pandas by hand, `mlflow models predict`.

Each contestant runs in a separate process, so that its peak memory can be measured.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

ROUNDS = 3
FLIGHTS, FEATURES, STORE = Path("flights.csv"), Path("features.csv"), Path("mlflow.db")
MODEL = "models:/flight_delay@champion"
DAY_MINUTES = 24 * 60
TAXI_MINUTES = 90
OWN_INPUTS = ["carrier", "origin", "dest", "dep_delay", "distance", "scheduled_duration", "sched_dep_minute", "weekday"]
EARLIER_FLIGHTS_INPUTS = [
    *("dep_delay_mean", "dep_delay_stddev", "time_lost_mean", "cancelled_share"),
    *("carrier_time_lost", "dest_time_lost"),
]
INPUTS = OWN_INPUTS + EARLIER_FLIGHTS_INPUTS


def replay() -> int:
    """Read the flights, compute features, predict and write with makiserve."""
    import makiserve

    return makiserve.replay(MODEL, FLIGHTS, output="replayed.csv", collect=False).written


def pandas_by_hand() -> int:
    """Do the same in pandas, with code written for these features."""
    import mlflow

    model = mlflow.sklearn.load_model(MODEL)
    frame = pandas_features(pd.read_csv(FLIGHTS))
    frame["prediction"] = model.predict(frame[INPUTS])
    frame[["prediction"]].to_csv("pandas.csv", index_label="offset")
    return len(frame)


def mlflow_predict() -> int:
    """Predict from prepared features with MLflow's command."""
    command = [sys.executable, "-m", "mlflow", "models", "predict", "-m", MODEL, "--env-manager", "local"]
    subprocess.run([*command, "-i", FEATURES, "-t", "csv", "-o", "mlflow.json"], check=True, capture_output=True)
    return len(json.loads(Path("mlflow.json").read_text())["predictions"])


def imports() -> int:
    """Import what all contestants import."""
    import mlflow.sklearn

    import makiserve

    return 0 * len((mlflow.sklearn.__name__, makiserve.replay.__name__))


CONTESTANTS: dict[str, Callable[[], int]] = {
    "makiserve: read, features, predict, write": replay,
    "pandas by hand: the same": pandas_by_hand,
    "mlflow models predict: prepared features": mlflow_predict,
    "imports only": imports,
}


def pandas_features(flights: pd.DataFrame) -> pd.DataFrame:
    """Return the model's features as an analyst would compute them for a file.

    An event is known from its minute on, but not before its flight was due: a flight must not use its own events or
    those of later flights. Of the known events the latest one counts. Without these two rules nearly all rows differ
    from those on a stream, because a flight that departs early sees its own departure.
    """
    dates = pd.to_datetime(flights[["year", "month", "day"]])
    day = (dates - pd.Timestamp(0)).dt.days + 719_163  # the same as date.toordinal
    flights = flights.assign(
        due_at=(day * DAY_MINUTES + flights["sched_dep_time"] // 100 * 60 + flights["sched_dep_time"] % 100).astype(
            float
        )
    )
    flights["order"] = flights["due_at"] * len(flights) + np.arange(len(flights))
    departed_at = flights["due_at"] + flights["dep_delay"]
    departed = flights.assign(at=departed_at, value=flights["dep_delay"])
    landed_at = departed_at + flights["air_time"] + TAXI_MINUTES
    landed = flights.assign(at=landed_at, value=flights["arr_delay"] - flights["dep_delay"])
    flights["delay"] = latest(flights, departed, ["origin"])
    flights["time_lost"] = latest(flights, landed, ["origin"])
    flights["carrier_time_lost"] = latest(flights, landed, ["origin", "carrier"])
    flights["dest_time_lost"] = latest(flights, landed, ["origin", "dest"])
    flights["is_cancelled"] = flights["dep_delay"].isna().astype(float)
    windows = flights.groupby("origin")[["delay", "time_lost", "is_cancelled"]].rolling(20)
    means = windows.mean().droplevel(0)
    deviations: Any = windows["delay"].std().droplevel(0)
    arrival = flights["sched_arr_time"] // 100 * 60 + flights["sched_arr_time"] % 100
    frame = flights.assign(
        scheduled_duration=((arrival - flights["due_at"]) % DAY_MINUTES).astype(float),
        sched_dep_minute=flights["due_at"] % DAY_MINUTES,
        weekday=flights["due_at"] // DAY_MINUTES % 7,
        distance=flights["distance"].astype(float),
        dep_delay_mean=means["delay"],
        dep_delay_stddev=deviations,
        time_lost_mean=means["time_lost"],
        cancelled_share=means["is_cancelled"],
    )
    return frame[frame["dep_delay"].notna() & frame["dep_delay_mean"].notna()]


def latest(flights: pd.DataFrame, events: pd.DataFrame, by: list[str]) -> np.ndarray:
    """Return for each flight the value of the latest event until it is due, 0 if there is none yet."""
    known = events.dropna(subset=["at", "value"])
    known = known.assign(known_from=np.maximum(known["at"] * len(flights), known["order"]))
    known = known.sort_values("known_from", kind="stable")
    is_latest = known["at"] == known.groupby(by)["at"].cummax()
    known["value"] = known["value"].where(is_latest)
    known["value"] = known.groupby(by)["value"].ffill()
    known = known[[*by, "known_from", "value"]]
    values = pd.merge_asof(
        flights[[*by, "order"]], known, left_on="order", right_on="known_from", by=by, allow_exact_matches=False
    )
    return values["value"].fillna(0.0).to_numpy()


def run() -> None:
    """Run all contestants in turn, then compare their predictions."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path.cwd()
        os.environ |= {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/{STORE}", "PYTHONPATH": str(here)}
        subprocess.run([sys.executable, "-m", "benchmarks.flights", "prepare"], check=True, cwd=folder)
        results: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
        for _ in range(ROUNDS):
            for name in CONTESTANTS:
                command = [sys.executable, "-m", "benchmarks.flights", name]
                done = subprocess.run(command, check=True, cwd=folder, capture_output=True, text=True)
                results[name].append(json.loads(done.stdout.splitlines()[-1]))
        _show(results)
        _compare(Path(folder))


def _show(results: dict[str, list[dict[str, float]]]) -> None:
    table = Table(title="336,776 flights, rolling features, gradient boosting", title_justify="left")
    for column in ("", "s", "CPU s", "rows per CPU s", "peak memory, MB"):
        table.add_column(column, justify="left" if not column else "right")
    for name, runs in results.items():
        seconds, cpu, peak = (statistics.median(run[key] for run in runs) for key in ("seconds", "cpu", "peak_mb"))
        rate = f"{runs[0]['rows'] / cpu:,.0f}" if runs[0]["rows"] else ""
        table.add_row(name, f"{seconds:.1f}", f"{cpu:.1f}", rate, f"{peak:,.0f}")
    Console().print(table)


def _compare(folder: Path) -> None:
    replayed = pd.read_csv(folder / "replayed.csv").set_index("offset")["prediction"]
    by_hand = pd.read_csv(folder / "pandas.csv").set_index("offset")["prediction"]
    both = replayed.to_frame("replayed").join(by_hand.to_frame("by hand"), how="inner")
    same = np.isclose(both["replayed"], both["by hand"], rtol=1e-6)
    print(f"replay: {len(replayed):,} predictions, pandas by hand: {len(by_hand):,}, equal: {same.sum():,}")
    predictions = json.loads((folder / "mlflow.json").read_text())["predictions"]
    values = [item["predictions"] if isinstance(item, dict) else item for item in predictions]
    equal = np.isclose(replayed, values, rtol=1e-9).sum()
    print(f"mlflow models predict: {len(values):,} predictions, equal to the replay: {equal:,}")


def _prepare() -> None:
    import makiserve
    from models.flight_delay.data import write_flights
    from models.flight_delay.features import Flight, features
    from models.flight_delay.train import train

    write_flights(FLIGHTS)
    train(FLIGHTS)
    frame = makiserve.features_frame(FLIGHTS, features=features, record=Flight)
    frame[INPUTS].to_csv(FEATURES, index=False)


def _contest(name: str) -> None:
    start, before = time.perf_counter(), os.times()
    rows = CONTESTANTS[name]()
    seconds, after = time.perf_counter() - start, os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "rows": rows, "peak_mb": peak}))


if __name__ == "__main__":
    if sys.argv[1:] == ["prepare"]:
        _prepare()
    else:
        _contest(sys.argv[1])
