"""A class of features inside a function ended a replay on several cores with an internal error."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
import rx

import makiserve
import makiserve.stream as rs
from makiserve.artifact import features_only
from makiserve.errors import ConfigurationError


class Reading(makiserve.Record):
    a: int


def features() -> makiserve.Transform:
    class Local(NamedTuple):
        a: int

    return rx.pipe(rs.ops.map(lambda i: Local(i.a)))


@pytest.mark.slow
def test_error_of_a_local_class_names_the_remedy(tmp_path: Path) -> None:
    for name in ("1", "2"):
        tmp_path.joinpath(f"{name}.csv").write_text("a\n1\n2\n")
    model = features_only(f"{__name__}:features")
    with pytest.raises(ConfigurationError, match="Define their class at the top level of a module"):
        makiserve.replay(model, tmp_path, processes=2)
    assert len(makiserve.replay(model, tmp_path, processes=1).frame) == 4
