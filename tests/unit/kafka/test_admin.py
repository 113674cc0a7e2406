"""Brokers that are refused."""

from __future__ import annotations

import pytest

from makiserve.errors import ConfigurationError
from makiserve.kafka.admin import _refuse_old_protocol


@pytest.mark.parametrize("protocol", ["0.10.2-IV0", "1.1-IV0", "2.4-IV1", "2.4"])
def test_brokers_that_do_not_fence_zombies_are_refused(protocol: str) -> None:
    with pytest.raises(ConfigurationError, match="Upgrade the brokers"):
        _refuse_old_protocol(protocol)


@pytest.mark.parametrize("protocol", ["2.5-IV0", "2.13", "3.9-IV0", "", None])
def test_newer_or_unknown_brokers_are_accepted(protocol: str | None) -> None:
    _refuse_old_protocol(protocol)
