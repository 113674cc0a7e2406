"""336,776 real flights with rolling features and gradient boosting: replay, pandas by hand, `mlflow models predict`.

Each contestant is a process of its own, so that its peak memory is its own.
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

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

ROUNDS = 3
FLIGHTS, FEATURES, STORE = Path("flights.csv"), Path("features.csv"), Path("mlflow.db")
MODEL = "models:/flight_delay@champion"
DAY = 24 * 60
TAXI = 90
INPUTS = ["carrier", "origin", "dest", "dep_delay", "distance", "planned", "due", "weekday"]
OTHERS = ["delay_mean", "delay_stddev", "lost_mean", "cancelled", "carrier_lost", "dest_lost"]


def replay() -> int:
    """Read, features, predict, write."""
    import makiserve

    return makiserve.replay(MODEL, FLIGHTS, output="replayed.csv", collect=False).written


def pandas_by_hand() -> int:
    """The same in pandas, written for these features alone."""
    import mlflow

    model = mlflow.sklearn.load_model(MODEL)
    frame = pandas_features(pd.read_csv(FLIGHTS))
    frame["prediction"] = model.predict(frame[INPUTS + OTHERS])
    frame[["prediction"]].to_csv("pandas.csv", index_label="offset")
    return len(frame)


def mlflow_predict() -> int:
    """Predictions of features that are ready, by MLflow's command."""
    command = [sys.executable, "-m", "mlflow", "models", "predict", "-m", MODEL, "--env-manager", "local"]
    subprocess.run([*command, "-i", FEATURES, "-t", "csv", "-o", "mlflow.json"], check=True, capture_output=True)
    return len(json.loads(Path("mlflow.json").read_text())["predictions"])


def imports() -> int:
    """What all of them begin with."""
    import mlflow.sklearn

    import makiserve

    return 0 * len((mlflow.sklearn.__name__, makiserve.replay.__name__))


CONTESTANTS: dict[str, Callable[[], int]] = {
    "makiserve: read, features, predict, write": replay,
    "pandas by hand: the same": pandas_by_hand,
    "mlflow models predict: features are ready": mlflow_predict,
    "imports alone": imports,
}


def pandas_features(flights: pd.DataFrame) -> pd.DataFrame:
    """The features of the model, as one would write them for a file.

    An event is known from its minute on, and not before its flight was due: a flight must not see itself, nor those
    after it. Of what is known the latest to have happened counts. Without these two lines nearly all rows differ from
    what a stream gives, as flights that leave early see their own departure.
    """
    dates = pd.to_datetime(flights[["year", "month", "day"]])
    day = (dates - pd.Timestamp(0)).dt.days + 719_163  # as date.toordinal counts
    flights = flights.assign(
        due_at=(day * DAY + flights["sched_dep_time"] // 100 * 60 + flights["sched_dep_time"] % 100).astype(float)
    )
    flights["place"] = flights["due_at"] * len(flights) + np.arange(len(flights))
    left_at = flights["due_at"] + flights["dep_delay"]
    left = flights.assign(at=left_at, value=flights["dep_delay"])
    landed = flights.assign(at=left_at + flights["air_time"] + TAXI, value=flights["arr_delay"] - flights["dep_delay"])
    flights["delay"] = latest(flights, left, ["origin"])
    flights["lost"] = latest(flights, landed, ["origin"])
    flights["carrier_lost"] = latest(flights, landed, ["origin", "carrier"])
    flights["dest_lost"] = latest(flights, landed, ["origin", "dest"])
    flights["is_cancelled"] = flights["dep_delay"].isna().astype(float)
    windows = flights.groupby("origin")[["delay", "lost", "is_cancelled"]].rolling(20)
    means, deviations = windows.mean().droplevel(0), windows["delay"].std().droplevel(0)
    arrival = flights["sched_arr_time"] // 100 * 60 + flights["sched_arr_time"] % 100
    frame = flights.assign(
        planned=((arrival - flights["due_at"]) % DAY).astype(float),
        due=flights["due_at"] % DAY,
        weekday=flights["due_at"] // DAY % 7,
        distance=flights["distance"].astype(float),
        delay_mean=means["delay"],
        delay_stddev=deviations,
        lost_mean=means["lost"],
        cancelled=means["is_cancelled"],
    )
    return frame[frame["dep_delay"].notna() & frame["delay_mean"].notna()]


def latest(flights: pd.DataFrame, events: pd.DataFrame, by: list[str]) -> np.ndarray:
    """The value of the latest event until a flight is due; 0 before there is one."""
    known = events.dropna(subset=["at", "value"])
    known = known.assign(known_from=np.maximum(known["at"] * len(flights), known["place"]))
    known = known.sort_values("known_from", kind="stable")
    is_latest = known["at"] == known.groupby(by)["at"].cummax()
    known["value"] = known["value"].where(is_latest)
    known["value"] = known.groupby(by)["value"].ffill()
    known = known[[*by, "known_from", "value"]]
    found = pd.merge_asof(
        flights[[*by, "place"]], known, left_on="place", right_on="known_from", by=by, allow_exact_matches=False
    )
    return found["value"].fillna(0.0).to_numpy()


def run() -> None:
    """All contestants in turn, and whether they say the same."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path.cwd()
        os.environ |= {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/{STORE}", "PYTHONPATH": str(here)}
        subprocess.run([sys.executable, "-m", "benchmarks.flights", "prepare"], check=True, cwd=folder)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
        for _ in range(ROUNDS):
            for name in CONTESTANTS:
                command = [sys.executable, "-m", "benchmarks.flights", name]
                done = subprocess.run(command, check=True, cwd=folder, capture_output=True, text=True)
                found[name].append(json.loads(done.stdout.splitlines()[-1]))
        _show(found)
        _compare(Path(folder))


def _show(found: dict[str, list[dict[str, float]]]) -> None:
    table = Table(title="336,776 flights, rolling features, gradient boosting", title_justify="left")
    for column in ("", "s", "CPU s", "rows/s of CPU", "peak MB"):
        table.add_column(column, justify="left" if not column else "right")
    for name, runs in found.items():
        seconds, cpu, peak = (statistics.median(each[key] for each in runs) for key in ("seconds", "cpu", "peak_mb"))
        rate = f"{runs[0]['rows'] / cpu:,.0f}" if runs[0]["rows"] else ""
        table.add_row(name, f"{seconds:.1f}", f"{cpu:.1f}", rate, f"{peak:,.0f}")
    Console().print(table)


def _compare(folder: Path) -> None:
    ours = pd.read_csv(folder / "replayed.csv").set_index("offset")["prediction"]
    theirs = pd.read_csv(folder / "pandas.csv").set_index("offset")["prediction"]
    both = ours.to_frame("ours").join(theirs.to_frame("theirs"), how="inner")
    same = np.isclose(both["ours"], both["theirs"], rtol=1e-6)
    print(f"{len(ours):,} and {len(theirs):,} predictions; {same.sum():,} are the same, by hand and replayed")
    ready = json.loads((folder / "mlflow.json").read_text())["predictions"]
    values = [each["predictions"] if isinstance(each, dict) else each for each in ready]
    print(f"of the {len(ready):,} that MLflow made of ready features, {np.isclose(ours, values, rtol=1e-9).sum():,}")


def _prepare() -> None:
    import makiserve
    from models.flight_delay.data import write_flights
    from models.flight_delay.features import Flight, features
    from models.flight_delay.train import train

    write_flights(FLIGHTS)
    train(FLIGHTS)
    frame = makiserve.features_frame(features, record=Flight, source=FLIGHTS)
    frame[INPUTS + OTHERS].to_csv(FEATURES, index=False)


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
