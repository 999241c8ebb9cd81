"""Watching PyTorch models: planes of a network that is trained by somebody else's script, and losses for it."""

try:
    import torch as _torch
except ImportError:
    raise ImportError("infoplane.torch needs PyTorch; install it with: pip install 'infoplane[torch]'") from None

from ..watching.pooling import EachToken, Flatten, Projection, SpatialMean, Token
from . import objectives
from .empirical import empirical_information, empirical_kernels
from .gradients import gradient_statistics
from .noise import Noise
from .watch import TorchWatch, watch

del _torch

__all__ = [
    "EachToken",
    "Flatten",
    "Noise",
    "Projection",
    "SpatialMean",
    "Token",
    "TorchWatch",
    "empirical_information",
    "empirical_kernels",
    "gradient_statistics",
    "objectives",
    "watch",
]
