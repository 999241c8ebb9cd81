"""Information in a network that runs with additive Gaussian noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .propagation import Propagation


@dataclass(frozen=True)
class SamplePropagation(Propagation):
    """I(X;T) and I(T;Y) of layers T = S + N(0, sigma^2 I) of a network that really runs with this noise.

    With X uniform on the samples, ``I(X;T) = h(T) - mean_x h(T|x)`` and ``I(T;Y) = h(T) - sum_y p(y) h(T|y)``, each h
    that of a Gaussian mixture centred where noisy passes leave S, by Monte Carlo; nats. In the first noisy layer S is a
    function of x: there ``h(T|x) = d/2 ln(2 pi e sigma^2)`` is exact and so is the mixture. In deeper layers finitely
    many passes make a plug-in entropy too low and one at points apart from the mixture too high; the value is half-way,
    which is free of that error to first order. Where the two are more than a nat apart the passes are too few for it,
    and the value is the best lower bound: that of the mixtures, or of a Gaussian guess of the law of T given x
    (unit by unit above 64 units). It then has no standard error, and a warning; the step between the two kinds of value
    is no event in the network. A plane's ``mi_input_bracket_lower``, ``_upper`` and the same of ``mi_target`` have what
    holds the truth between them, on average.

    ``stderr`` is the Monte Carlo error for these samples, not the error of the samples themselves. The value is at most
    about ln n. Cost O(n^2 d) a snapshot of the first noisy layer, O(n^2 d^2 + n draws^2 d) of a deeper one of up to 64
    units; memory 4 n draws d bytes and blocks. Random labels of known law are taken as such. Source: arXiv:1810.05728;
    half-way value and bracket are ours.

    Attributes:
        draws: passes of every sample for h(T|x) in layers after the first noisy one; at least 2.
    """

    kind: ClassVar[str] = "additive"
    needs: ClassVar[str] = "additive noise, as MLP(..., noise=AdditiveNoise(0.1)) has"

    def scales(self, centres: np.ndarray, sigma: float) -> np.ndarray:
        return np.full(centres.shape[-1], sigma)
