"""Watching JAX models: any function that gives a dict of activations."""

from ..watching.pooling import EachToken, Flatten, Projection, SpatialMean, Token
from .watch import JaxWatch, watch

__all__ = ["EachToken", "Flatten", "JaxWatch", "Projection", "SpatialMean", "Token", "watch"]
