"""What the outputs of infinitely wide networks covary by, and the parts that every kernel computation shares."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import InputError


class Kernels(NamedTuple):
    """Kernels of one pair of sets of points, float64: each (n1, n2), or (n,) where only the diagonal was asked.

    Attributes:
        nngp: K, the covariance of an output at two points over the initial parameters.
        ntk: T, the inner product of the output's gradients in the parameters, in NTK parametrisation.
        curvature: Q, the expected inner product of the output's Hessians E tr(H H'); None where it was not asked for,
            or where it does not exist (ReLU, or a user's dual without its second derivative).
    """

    nngp: np.ndarray
    ntk: np.ndarray
    curvature: np.ndarray | None = None

    def map(self, function) -> Kernels:
        """The same function of each kernel there is."""
        curvature = None if self.curvature is None else function(self.curvature)
        return Kernels(function(self.nngp), function(self.ntk), curvature)


def joined(parts: list[Kernels]) -> Kernels:
    """Kernels of several sets of first points, one below the other."""
    bent = [part.curvature for part in parts if part.curvature is not None]
    curvature = np.concatenate(bent) if bent else None
    return Kernels(
        np.concatenate([part.nngp for part in parts]), np.concatenate([part.ntk for part in parts]), curvature
    )


def refuse_beyond(needed: float, limit: float, who: str, advice: str) -> None:
    """Raise before memory is taken rather than when it runs out.

    Raises:
        InputError: more than ``limit`` bytes are needed; the message states both in GB.
    """
    if needed > limit:
        raise InputError(f"{who} needs {needed / 1e9:.3g} GB of memory, more than {limit / 1e9:.3g} GB. {advice}")
