"""Watching a network while it trains: snapshots of its layers on a probe set, kept or measured at once."""

from .pooling import EachToken, Flatten, Pooling, Projection, SpatialMean, Token
from .watch import Settings, Watch

__all__ = ["EachToken", "Flatten", "Pooling", "Projection", "Settings", "SpatialMean", "Token", "Watch"]
