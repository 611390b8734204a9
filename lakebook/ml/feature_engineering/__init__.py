"""Feature Engineering in Unity Catalog, on this machine.

After ``%load_ext lakebook`` it is also called ``databricks.feature_engineering``, unless the
platform's own package is there. A clean-room work: names, arguments and behaviour are those of the
public documentation, https://docs.databricks.com/machine-learning/feature-store/
"""

from lakebook.ml.feature_engineering.client import FeatureEngineeringClient
from lakebook.ml.feature_engineering.lookups import FeatureFunction, FeatureLookup
from lakebook.ml.feature_engineering.training_set import TrainingSet
from lakebook.ml.feature_engineering.upgrade import UpgradeClient

__all__ = [
    "FeatureEngineeringClient",
    "FeatureFunction",
    "FeatureLookup",
    "TrainingSet",
    "UpgradeClient",
]
