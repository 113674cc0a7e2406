"""All targets, and the loop that gives them random inputs."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from tests.fuzz.outputs import fuzz_dead_letters, fuzz_outputs, fuzz_settings
from tests.fuzz.records import fuzz_arrow, fuzz_csv, fuzz_json_lines, fuzz_messages, fuzz_parquet
from tests.fuzz.schemas import fuzz_avro, fuzz_avro_schemas, fuzz_protobuf, fuzz_schema_ids
from tests.fuzz.state import fuzz_checkpoints, fuzz_codec, fuzz_offset_metadata, fuzz_state

TARGETS: dict[str, tuple[Callable[[Random], None], int]] = {
    "messages": (fuzz_messages, 30),
    "avro": (fuzz_avro, 20),
    "avro schemas": (fuzz_avro_schemas, 2),
    "protobuf": (fuzz_protobuf, 10),
    "schema ids": (fuzz_schema_ids, 5),
    "csv": (fuzz_csv, 4),
    "json lines": (fuzz_json_lines, 15),
    "parquet": (fuzz_parquet, 2),
    "arrow": (fuzz_arrow, 6),
    "codec": (fuzz_codec, 10),
    "checkpoints": (fuzz_checkpoints, 5),
    "state topic": (fuzz_state, 5),
    "offset metadata": (fuzz_offset_metadata, 5),
    "dead letters": (fuzz_dead_letters, 5),
    "settings": (fuzz_settings, 5),
    "outputs": (fuzz_outputs, 2),
}
"""What is tried, and how often in proportion."""


def run(inputs: int, seed: int, report: Callable[[str], None], targets: Sequence[str] = tuple(TARGETS)) -> Counter[str]:
    """Try this many inputs; return the number of failures by target and error."""
    names, weights = list(targets), [TARGETS[name][1] for name in targets]
    choose, failed = Random(seed), Counter[str]()
    for number in range(inputs):
        (name,) = choose.choices(names, weights)
        input_seed = choose.getrandbits(64)
        try:
            TARGETS[name][0](Random(input_seed))
        except Exception as error:  # noqa: BLE001  the errors to find
            failure = f"{name}: {type(error).__name__}: {str(error)[:100]}"
            place = traceback.extract_tb(error.__traceback__)[-1]
            kind = f"{name}: {type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
            if not failed[kind]:
                call = f"TARGETS[{name!r}][0](Random({input_seed}))"
                report(f"{failure}\n  input {number:,}: {call}\n{traceback.format_exc()}")
            failed[kind] += 1
        if number and not number % 100_000:
            report(f"{number:,} inputs, {failed.total()} failures")
    return failed
