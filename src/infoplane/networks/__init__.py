"""Small networks, trained as one vectorised ensemble; the recording keeps their weights."""

from .mlp import MLP
from .optimizers import SGD, Adam
from .train import checkpoints, train_ensemble
from .weights import WeightsRecording

__all__ = ["MLP", "SGD", "Adam", "WeightsRecording", "checkpoints", "train_ensemble"]
