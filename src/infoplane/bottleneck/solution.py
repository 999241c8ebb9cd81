"""One solution: an encoder, what it keeps, and how sure it is the best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree
from scipy.special import entr, xlogy

from ..errors import InputError
from .geometry import logs
from .joint import Joint

if TYPE_CHECKING:
    from .base import Method


_ALIKE = 1e-6  # largest difference of two laws that are one cluster
_NEVER = 1e-200  # probability of a label that a cluster does not have, up to what underflow leaves


@dataclass(frozen=True, eq=False)
class Rule:
    """How an input is given to clusters: q(t|x) ~ exp((ln p(t) - beta d(x, t)) / alpha); the largest alone at alpha 0.

    Attributes:
        beta: multiplier of the distance, which need not be that of the functional.
        marginal: (k,) p(t).
        laws: (k, n_y) the laws that inputs are compared with.
        dual: whether the distance is KL(r || p(y|x)) instead of KL(p(y|x) || r).
        alpha: softness.
    """

    beta: float
    marginal: np.ndarray
    laws: np.ndarray
    dual: bool = False
    alpha: float = 1.0

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """(m, k) q(t|x) for rows p(y|x)."""
        if self.dual:
            distance = xlogy(self.laws, self.laws).sum(axis=1) - logs(rows) @ self.laws.T
        else:
            distance = xlogy(rows, rows).sum(axis=1)[:, None] - rows @ logs(self.laws).T
        exponent = logs(self.marginal) - self.beta * distance
        if self.alpha == 0:
            return np.eye(len(self.marginal))[exponent.argmax(axis=1)]
        exponent -= exponent.max(axis=1, keepdims=True)
        found = np.exp(np.maximum(exponent, -800 * self.alpha) / self.alpha)
        return found / found.sum(axis=1, keepdims=True)

    def reaches(self, rows: np.ndarray) -> np.ndarray:
        """(m,) whether some cluster is at a finite distance from each row."""
        if self.dual:
            return np.ones(len(rows), dtype=bool)  # zeros are refused before
        return ((rows > 0) @ (self.laws <= _NEVER).T.astype(float) == 0).any(axis=1)


@dataclass(frozen=True, eq=False)
class Blend:
    """Two rules, one of which is drawn for each input: what reaches the points of a linear piece of the curve.

    Attributes:
        share: how often the first is drawn.
        cluster: number of each cluster of the first, then of the second; equal ones are one cluster.
    """

    first: Rule | Blend
    second: Rule | Blend
    share: float
    cluster: np.ndarray

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """(m, k) q(t|x)."""
        drawn = np.hstack([self.share * self.first(rows), (1 - self.share) * self.second(rows)])
        return drawn @ np.eye(int(self.cluster.max()) + 1)[self.cluster]

    def reaches(self, rows: np.ndarray) -> np.ndarray:
        """(m,) whether both rules reach each row."""
        return self.first.reaches(rows) & self.second.reaches(rows)


@dataclass(frozen=True, eq=False)
class Solution:
    """A solution of a bottleneck problem at one beta. All information is in nats.

    Attributes:
        method: the functional.
        beta: multiplier of I(T;Y).
        encoded: the encoder, or what makes it when it is asked for: along a curve it never is, and may be large.
        marginal: (n_clusters,) p(t), largest first.
        decoder: (n_clusters, n_y) laws of the clusters: p(y|t) along the chain T - X - Y; for the dual its own
            geometric means, while :attr:`chain_decoder` is p(y|t).
        mi_input: I(X;T).
        mi_target: I(T;Y) along the chain, from the encoder.
        mi_target_geometric: for the dual, the information of p(t) and its geometric laws. It is no information about
            Y, and can exceed I(X;Y); nan for other methods.
        objective: the method's own cost.
        free_energy: I(X;T) + beta E[d], for methods that have a distance; nan otherwise.
        gap: no encoder has a cost lower by more than this, as far as ``starts`` starts of the search for the
            certificate's maximum tell (for two labels: a grid); nan where the method has no certificate, or none was
            asked for.
        starts: of that search.
        residual: largest ln(p_new(t) / p(t)) one more update would bring; 0 where no cluster would grow.
        converged: whether the residual and the step of the laws are at their tolerances.
        sweeps: updates made at this beta.
        notes: what to beware of.
    """

    method: Method
    beta: float
    encoded: np.ndarray | Callable[[], np.ndarray] = field(repr=False)
    marginal: np.ndarray
    decoder: np.ndarray
    mi_input: float
    mi_target: float
    mi_target_geometric: float
    objective: float
    free_energy: float
    gap: float
    starts: int
    residual: float
    converged: bool
    sweeps: int
    joint: Joint = field(repr=False)
    rule: Rule | Blend = field(repr=False)
    notes: tuple[str, ...] = ()

    @cached_property
    def encoder(self) -> np.ndarray:
        """(n_x, n_clusters) q(t|x); p(t) for an x without probability."""
        return self.encoded() if callable(self.encoded) else self.encoded

    @property
    def n_clusters(self) -> int:
        """Effective number of clusters: distinct laws with weight."""
        return len(self.marginal)

    @property
    def entropy(self) -> float:
        """H(T) in nats."""
        return float(entr(self.marginal).sum())

    @property
    def chain_decoder(self) -> np.ndarray:
        """(n_clusters, n_y) p(y|t) = sum_x p(x|t) p(y|x)."""
        weights = self.encoder * self.joint.p_x[:, None]
        return weights.T @ self.joint.p_y_given_x / weights.sum(axis=0)[:, None]

    def encode(self, p_y_given_x: Any) -> np.ndarray:
        """(m, n_clusters) q(t|x) of inputs it may not have seen, by what is known of their label.

        Args:
            p_y_given_x: (m, n_y) laws of the label, or one of them; rows are normalised on a copy.

        Raises:
            InputError: not laws on the labels of the joint, or zeros in them for the dual.
        """
        try:
            rows = np.atleast_2d(np.array(p_y_given_x, dtype=np.float64))
        except (TypeError, ValueError):
            raise InputError("encode needs rows p(y|x) of numbers, got something else.") from None
        labels = self.joint.shape[1]
        if rows.ndim != 2 or rows.shape[1] != labels:
            raise InputError(f"encode needs rows p(y|x) over {labels} labels, got shape {rows.shape}.")
        top = rows.max(axis=1, keepdims=True)
        rows = np.divide(rows, top, out=rows, where=np.isfinite(top) & (top > 0))  # so that no sum overflows
        total = rows.sum(axis=1)
        if not (np.isfinite(rows).all() and (rows >= 0).all() and (total > 0).all()):
            raise InputError("encode needs finite, non-negative rows with some weight in each.")
        rows = rows / total[:, None]
        self._check_reach(rows)
        if isinstance(self.rule, Rule) and self.rule.dual:
            seen = self.joint.p_y > 0
            if (rows[:, seen] <= 0).any():
                raise InputError("The dual bottleneck needs p(y|x) > 0: encode got rows with zeros; smooth them first.")
        return self.rule(rows)

    def _check_reach(self, rows: np.ndarray) -> None:
        """Refuse inputs infinitely far from every cluster.

        Raises:
            InputError: an input with labels that no one cluster has together.
        """
        lost = ~self.rule.reaches(rows)
        if lost.any():
            raise InputError(
                f"encode got row {int(lost.argmax())} with labels that no one cluster has together, so that it is "
                "infinitely far from all; smooth the joint, Joint(...).smoothed(0.01), and solve again."
            )


def informations(joint: Joint, encoder: np.ndarray) -> tuple[float, float]:
    """(I(X;T), I(T;Y)) in nats of an (n_x, k) encoder along the chain T - X - Y."""
    merged = joint.sufficient
    return merged_informations(merged.p_x, merged.rows, encoder[merged.first])


def merged_informations(p_x: np.ndarray, rows: np.ndarray, encoder: np.ndarray) -> tuple[float, float]:
    """The same on a merged problem: (m,), (m, n_y) and (m, k)."""
    if encoder.shape[1] == 1:
        return 0.0, 0.0
    weights = encoder * p_x[:, None]
    marginal = weights.sum(axis=0)
    there = marginal > 0
    encoder, weights, marginal = encoder[:, there], weights[:, there], marginal[there]
    rate = float((weights * np.log(np.where(encoder > 0, encoder / marginal, 1.0))).sum())
    laws = weights.T @ rows / marginal[:, None]
    overall = p_x @ rows
    relevant = float(marginal @ xlogy(laws, np.where(laws > 0, laws / overall, 1.0)).sum(axis=1))
    return max(0.0, rate), max(0.0, relevant)


def same_laws(laws: np.ndarray) -> np.ndarray:
    """(k,) number of each of (k, n_y) laws, those that differ by at most 1e-6 in every label having one."""
    pairs = KDTree(laws).query_pairs(_ALIKE, p=np.inf, output_type="ndarray")
    linked = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(laws), len(laws)))
    return connected_components(linked, directed=False)[1]


def law_information(marginal: np.ndarray, laws: np.ndarray) -> float:
    """Mutual information in nats of p(t) r_t(y)."""
    if len(marginal) == 1:
        return 0.0
    overall = marginal @ laws
    return max(float(marginal @ xlogy(laws, np.where(laws > 0, laws / overall, 1.0)).sum(axis=1)), 0.0)


def expanded_encoder(joint: Joint, encoder: np.ndarray, marginal: np.ndarray) -> np.ndarray:
    """(n_x, k) encoder of the whole table from that of the merged problem; p(t) for inputs without probability."""
    group = joint.sufficient.group
    if np.array_equal(group, np.arange(len(encoder))):
        return encoder
    whole = encoder[group]
    whole[group < 0] = marginal
    return whole


def expanded_laws(joint: Joint, laws: np.ndarray) -> np.ndarray:
    """(k, n_y) laws over all labels from those over the labels that occur."""
    labels = joint.sufficient.labels
    if labels.all():
        return laws
    wide = np.zeros((len(laws), len(labels)))
    wide[:, labels] = laws
    return wide
