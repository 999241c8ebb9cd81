"""Recordings of linear Gaussian networks with additive noise, whose information is known in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from infoplane.channels import OwnNoise
from infoplane.recordings import ArrayRecording, from_arrays


@dataclass(frozen=True)
class LinearNetwork:
    """T = W x + sigma Z at every epoch and layer, x normal.

    Attributes:
        recording: one network, layers "wide" and "deeper"; epochs scale the weights.
        covariances: by (epoch, layer), of W x.
        sigma: of the noise.
    """

    recording: ArrayRecording
    covariances: dict[tuple[int, str], np.ndarray]
    sigma: float

    def information(self, epoch: int, layer: str, directions: np.ndarray | None = None) -> float:
        """I(X; P T) = 1/2 ln det(I + P C P' / sigma^2), P the identity if None (orthonormal columns otherwise)."""
        covariance = self.covariances[epoch, layer]
        if directions is not None:
            covariance = directions.T @ covariance @ directions
        return 0.5 * float(np.linalg.slogdet(np.eye(len(covariance)) + covariance / self.sigma**2)[1])


def linear_network(
    seed: int = 0, n: int = 3000, inputs: int = 4, columns: int = 40, sigma: float = 0.3, epochs: int = 2
) -> LinearNetwork:
    random = np.random.default_rng(seed)
    root = random.standard_normal((inputs, inputs))
    law = root @ root.T / inputs + 0.3 * np.eye(inputs)
    x = random.multivariate_normal(np.zeros(inputs), law, n)
    arrays, covariances = {}, {}
    for layer, width in (("wide", columns), ("deeper", columns // 2)):
        weights = random.standard_normal((epochs, width, inputs)) / math.sqrt(width)
        weights *= 1.0 + np.arange(epochs)[:, None, None]
        signal = np.einsum("edi,ni->end", weights, x)
        arrays[layer] = (signal + sigma * random.standard_normal(signal.shape))[None]
        covariances |= {(e, layer): w @ law @ w.T for e, w in enumerate(weights)}
    labels = (x[:, 0] > 0).astype(np.int64)
    recording = from_arrays(arrays, labels, x=x, noise=f"additive Gaussian, sigma {sigma:g}")
    recording.own_noises = {"wide": OwnNoise("additive", sigma, True), "deeper": OwnNoise("additive", sigma, False)}
    return LinearNetwork(recording, covariances, sigma)
