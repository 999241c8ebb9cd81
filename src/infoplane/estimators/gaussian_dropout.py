"""Information in a network that runs with multiplicative Gaussian noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..errors import Refusal
from .propagation import Propagation

_DEAD = 1e-12  # relative to the layer's largest activation: below, a unit counts as 0


@dataclass(frozen=True)
class GaussianDropout(Propagation):
    """I(X;T) and I(T;Y) of layers T = S D, D ~ N(1, sigma^2) unit by unit, of a network that really runs with it.

    With X uniform on the samples, ``I(X;T) = h(T) - mean_x h(T|x)``; given x, in the first noisy layer, T is Gaussian
    with standard deviations sigma |S_i|, so ``h(T|x) = sum_i ln(sigma |S_i| sqrt(2 pi e))`` exactly; h(T) is that of
    the mixture of these Gaussians, by Monte Carlo; nats. Deeper layers, errors and cost are as in
    :class:`SamplePropagation`.

    A unit that is 0 for some input (ReLU) has no noise there, h(T|x) is minus infinity and I(X;T) infinite: such a
    snapshot is refused; put the noise on layers that cannot be 0. Source: arXiv:2303.00596.

    Attributes:
        draws: passes of every sample for h(T|x) in layers after the first noisy one; at least 2.
    """

    kind: ClassVar[str] = "multiplicative"
    needs: ClassVar[str] = "Gaussian dropout, as MLP(..., noise=MultiplicativeNoise(0.1)) has"

    def scales(self, centres: np.ndarray, sigma: float) -> np.ndarray:
        sizes = np.abs(centres)
        if sizes.min() <= _DEAD * sizes.max():
            raise Refusal(
                "GaussianDropout: a unit is 0 for some input, so it has no noise there and I(X;T) is infinite; such "
                "snapshots are nan. Put the noise on layers that cannot be 0, before the ReLU, say."
            )
        return sigma * sizes
