"""Small networks, trained as one vectorised ensemble; the recording keeps their weights."""

from .mlp import MLP
from .noise import AdditiveNoise, MultiplicativeNoise
from .optimizers import SGD, Adam
from .quantization import Quantization
from .train import train_ensemble
from .weights import WeightsRecording

__all__ = [
    "MLP",
    "SGD",
    "Adam",
    "AdditiveNoise",
    "MultiplicativeNoise",
    "Quantization",
    "WeightsRecording",
    "train_ensemble",
]
