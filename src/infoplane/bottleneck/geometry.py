"""The two distances of the bottleneck, and all that the solver needs of them.

The plain bottleneck is rate distortion with d(x, r) = KL(p(y|x) || r) over all laws r on Y, the dual one with
d*(x, r) = KL(r || p(y|x)). Both are Bregman divergences of negative entropy with their arguments swapped, so they
share one solver: the best law for a group of inputs is a mean of features (p(y|x), or ln p(y|x)), and in coordinates
scaled by the square root of r the distance has the unit matrix as its second derivative.
"""

from __future__ import annotations

import abc
from typing import NamedTuple

import numpy as np
from scipy.special import rel_entr, xlogy

from ..errors import InputError
from .family import ExponentialFamily
from .joint import Joint

_LOWEST = -1e30  # stands for ln 0: finite, so that 0 ln 0 is 0 and an excluded label has weight exactly 0


class Atoms(NamedTuple):
    """A reproduction: weights and laws of the clusters.

    Attributes:
        mass: (k,) p(t), sums to one.
        laws: (k, n_y) r_t(y).
    """

    mass: np.ndarray
    laws: np.ndarray


def logs(values: np.ndarray) -> np.ndarray:
    """Natural logarithms with a finite stand-in for ln 0."""
    if values.all():
        return np.log(values)
    return np.log(values, out=np.full(values.shape, _LOWEST), where=values > 0)


def apart(laws: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(s,) how far each law is from the nearest of others: the largest difference of square roots over labels.

    In square roots a step is as long anywhere, also where a label is rare; infinite without others.
    """
    if len(others) == 0:
        return np.full(len(laws), np.inf)
    return np.abs(np.sqrt(laws)[:, None] - np.sqrt(others)).max(axis=2).min(axis=1)


class Geometry(abc.ABC):
    """A problem with one of the distances.

    Attributes:
        p_x: (n,) probabilities of the inputs, all positive.
        rows: (n, n_y) p(y|x).
        features: (n, dim) whose means decide the best law of a group of inputs.
        coordinates: (n, n_y) the features label by label, in which derivatives are taken.
        given: (n, n_y) the true p(y|x), which a family may only approach.
    """

    p_x: np.ndarray
    rows: np.ndarray
    features: np.ndarray
    coordinates: np.ndarray
    given: np.ndarray

    @property
    def light(self) -> float:
        """Weight below which a cluster is dropped: far below that of the rarest input."""
        return 1e-9 * min(1.0, len(self.p_x) * float(self.p_x.min()))

    @abc.abstractmethod
    def distances(self, laws: np.ndarray, some: slice = slice(None)) -> np.ndarray:
        """(n, k) distance of every input, or of some, to every law, nats."""

    @abc.abstractmethod
    def between(self, best: np.ndarray, other: np.ndarray) -> np.ndarray:
        """(k,) by how much a group of inputs is nearer to its best law than to another: the divergence of the two."""

    @abc.abstractmethod
    def laws_of(self, means: np.ndarray) -> np.ndarray:
        """(k, n_y) best laws for groups of inputs with these (k, dim) means of :attr:`features`."""

    def centres(self, weights: np.ndarray, total: np.ndarray) -> np.ndarray:
        """(k, n_y) best laws for (n, k) non-negative weights of the inputs, total (k,) their sums, all positive."""
        return self.laws_of((weights.T @ self.features) / total[:, None])

    @abc.abstractmethod
    def frames(self, laws: np.ndarray) -> np.ndarray:
        """(k, n_y, n_y) maps S_t: S_t (feature(x) - its mean) is minus the gradient of the distance, scaled."""


class Arithmetic(Geometry):
    """KL(p(y|x) || r): best laws are arithmetic means."""

    def __init__(self, p_x: np.ndarray, rows: np.ndarray) -> None:
        self.p_x = p_x
        self.rows = self.given = self.features = self.coordinates = rows
        self._negative_entropy = xlogy(rows, rows).sum(axis=1)

    def distances(self, laws: np.ndarray, some: slice = slice(None)) -> np.ndarray:
        found = self.rows[some] @ logs(laws).T
        np.subtract(self._negative_entropy[some, None], found, out=found)
        return found

    def between(self, best: np.ndarray, other: np.ndarray) -> np.ndarray:
        return rel_entr(best, other).sum(axis=1)

    def laws_of(self, means: np.ndarray) -> np.ndarray:
        return means

    def frames(self, laws: np.ndarray) -> np.ndarray:
        maps = np.zeros((len(laws), laws.shape[1], laws.shape[1]))
        where = np.arange(laws.shape[1])
        maps[:, where, where] = 1 / np.sqrt(np.maximum(laws, 1e-300))
        return maps


class Geometric(Geometry):
    """KL(r || p(y|x)), all p(y|x) > 0: best laws are normalised geometric means."""

    def __init__(self, p_x: np.ndarray, rows: np.ndarray) -> None:
        self.p_x, self.rows, self.given = p_x, rows, rows
        self.features = self.coordinates = logs(rows)

    def distances(self, laws: np.ndarray, some: slice = slice(None)) -> np.ndarray:
        return xlogy(laws, laws).sum(axis=1) - self.coordinates[some] @ laws.T

    def between(self, best: np.ndarray, other: np.ndarray) -> np.ndarray:
        return rel_entr(other, best).sum(axis=1)

    def laws_of(self, means: np.ndarray) -> np.ndarray:
        laws = np.exp(means - means.max(axis=1, keepdims=True))
        return laws / laws.sum(axis=1, keepdims=True)

    def frames(self, laws: np.ndarray) -> np.ndarray:
        root = np.sqrt(laws)
        maps = -root[:, :, None] * laws[:, None, :]
        where = np.arange(laws.shape[1])
        maps[:, where, where] += root
        return maps


class InFamily(Geometric):
    """KL(r || p(y|x)) for p(y|x) of an exponential family: only its d features of every input enter."""

    def __init__(self, joint: Joint, family: ExponentialFamily) -> None:
        if (len(family.features), family.statistics.shape[1]) != joint.shape:
            raise InputError(
                f"The family has {len(family.features)} inputs and {family.statistics.shape[1]} labels, the joint has "
                f"{joint.shape[0]} and {joint.shape[1]}."
            )
        merged = joint.sufficient
        others = np.abs(family.features - family.features[merged.first[merged.group]]).max(axis=1, initial=0)
        others[merged.group < 0] = 0
        if others.max() > 1e-9 * (1 + np.abs(family.features).max()):
            other = int(others.argmax())
            raise InputError(
                f"Inputs {int(merged.first[merged.group[other]])} and {other} have the same p(y|x) in the joint but "
                "other features in the family. Take the joint of the family, "
                "Joint.from_conditional(family.p_y_given_x, p_x)."
            )
        family = ExponentialFamily(family.features[merged.first], family.statistics[:, merged.labels])
        super().__init__(merged.p_x, family.p_y_given_x)
        self.given = merged.rows
        self.coordinates = family.log_p_y_given_x
        self.features = family.features
        self._family = family
        # lambda^0(x), and with it ln p(y|x) = -A(x) . lambda(y) - lambda^0(x)
        self._offset = -(self.coordinates + family.features @ family.statistics).mean(axis=1)

    def distances(self, laws: np.ndarray, some: slice = slice(None)) -> np.ndarray:
        expected = laws @ self._family.statistics.T
        found = self.features[some] @ expected.T
        found += self._offset[some, None]
        found += xlogy(laws, laws).sum(axis=1)
        return found

    def laws_of(self, means: np.ndarray) -> np.ndarray:
        return np.exp(self._family.log_p(means))
