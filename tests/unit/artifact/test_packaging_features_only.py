"""A pipeline where a packaged model may stand."""

from __future__ import annotations

import pytest

from makiserve.artifact import features_only
from makiserve.artifact.source.collect import collect
from makiserve.errors import ConfigurationError
from models.electricity.features import Reading, features


def test_features_only_has_the_digest_of_its_sources() -> None:
    pipeline = features_only("models.electricity.features:features")
    assert pipeline.record is Reading
    assert pipeline.digest == collect(features, Reading).sources.digest
    assert (pipeline.predictor, pipeline.name, pipeline.version) == (None, None, None)
    assert list(pipeline.plan.walk())


def test_a_pipeline_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no function 'nothing_here'"):
        features_only("tests.unit.artifact.test_packaging_features_only:nothing_here")
