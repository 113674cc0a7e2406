"""Drift: how the features and predictions of a service differ from those of the training."""

from makiserve.scoring.drift.drift import Drift, FeatureDrift
from makiserve.scoring.drift.item_columns import columns_of_predictions
from makiserve.scoring.drift.profile import ColumnProfile, Profile, profile_from
from makiserve.scoring.drift.reservoir import Reservoir

__all__ = [
    "ColumnProfile",
    "Drift",
    "FeatureDrift",
    "Profile",
    "Reservoir",
    "columns_of_predictions",
    "profile_from",
]
