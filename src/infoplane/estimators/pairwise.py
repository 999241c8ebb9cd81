"""Pairwise bounds on the information that a layer plus Gaussian noise carries."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..channels import AdditiveGaussian
from ..errors import InputError
from ..estimate import Direction, Estimate
from ..samples import Variable
from .base import Estimator, LayerBlock, LayerInformation
from .plugin import label_codes

_BLOCK_VALUES = 1_048_576  # distances held at once; measured best on two cores, and all the memory this needs
_COLUMNS = 64  # class sums taken at once: shuffled labels beyond that get a pass of their own
_FAR = 1e4  # norm beyond which a squared distance from a product is off by more than about 1e-7


@dataclass(frozen=True)
class PairwiseBounds(Estimator):
    """Lower and upper bound on I(X; T + N(0, sigma^2 I)) for X uniform on the n samples, and on I(T + noise; Y).

    With ``D_ij = ||t_i - t_j||^2`` and ``I_k = -mean_i ln mean_j exp(-D_ij / k sigma^2)``, the truth lies between I_8
    (Bhattacharyya) and I_2 (Kullback-Leibler), both within [0, ln n] (Kolchinsky & Tracey, arXiv:1706.02419). For
    labels, ``I_a - sum_y p(y) I_b,y`` is a bound only with a != b; the same kind twice is the number usually drawn, and
    is what ``value`` holds, its interval beside it. Labels must be certain given the input.

    Tight where clusters are well separated or coincide, up to several bits wide between. The noise belongs to the
    analysis: its sigma acts as a resolution, so sweep it. Cost O(n^2 d); memory O(n) times the number of classes.

    Attributes:
        sigma: standard deviation of the noise.
        relative: sigma in units of the layer's standard deviation.
    """

    direction: ClassVar[Direction] = "interval"
    sigma: float = 0.03162277660168379
    relative: bool = False

    def __post_init__(self) -> None:
        AdditiveGaussian(self.sigma, self.relative)

    @property
    def channel(self) -> AdditiveGaussian:
        return AdditiveGaussian(self.sigma, self.relative)

    def estimate(self, x: Variable, y: Variable, *, seed: int = 0) -> Estimate:
        floats = [v for v in (x, y) if v.kind == "continuous"]
        if len(floats) != 1:
            have = "two continuous variables" if floats else "none"
            raise InputError(
                f"PairwiseBounds needs one continuous variable (T before its noise) and one discrete, got {have}; "
                "pass classes, or np.arange(n) for I(X;T)."
            )
        t = floats[0]
        labels = (y if t is x else x).codes
        found = _bounds(t.values[None], labels[None, None, :], self.channel, with_error=True)
        classes = int(labels.max()) + 1
        ceiling = math.log(t.n) if classes == t.n else _entropy(labels)
        lower, upper = float(found.target_lower[0]), float(found.target_upper[0])
        notes = ["X is uniform on these samples; the noise is the analysis's own and acts as a resolution."]
        if float(found.upper[0]) > 0.95 * math.log(t.n):
            notes.append(
                f"Saturated: the upper bound is within 5 % of ln n = {math.log(t.n):.3g} nats; raise sigma or n."
            )
        if upper > ceiling + 1e-9:
            notes.append(f"The upper bound exceeds the ceiling H = {ceiling:.4g} nats of the discrete variable.")
        return Estimate(
            value=float(found.target[0, 0]),
            stderr=float(found.target_stderr[0]),
            lower=lower,
            upper=upper,
            direction="interval",
            quantity=self.channel.input_name if classes == t.n else self.channel.target_name,
            n_samples=t.n,
            notes=tuple(notes),
            method=str(self),
        )

    def layer(self, block: LayerBlock) -> LayerInformation:
        if np.issubdtype(block.y.dtype, np.floating):
            raise InputError(
                "PairwiseBounds needs discrete labels for I(T;Y) and y is continuous; "
                "name another estimator for the target, estimator_target=Binned(bins=30)."
            )
        if block.p_y_given_x is not None:
            raise InputError(
                "PairwiseBounds takes certain labels and this task's are random; "
                "name another estimator for the target, estimator_target=Binned(bins=30)."
            )
        labels = label_codes(block.y)[:, block.permutations]
        together = max(1, _COLUMNS // (int(labels.max()) + 1))
        parts = [
            _bounds(
                block.activations,
                labels[:, first : first + together],
                self.channel,
                with_error=first == 0 and not block.population,
            )
            for first in range(0, labels.shape[1], together)
        ]
        found = parts[0]._replace(target=np.concatenate([p.target for p in parts], axis=1))
        return LayerInformation(
            mi_input=found.upper,
            mi_input_stderr=found.stderr,
            mi_input_lower=found.lower,
            mi_input_upper=found.upper,
            mi_target=found.target,
            mi_target_stderr=found.target_stderr,
            mi_target_lower=found.target_lower,
            mi_target_upper=found.target_upper,
            saturated=found.upper > 0.95 * math.log(block.n),
            n_codes=np.zeros(block.cells, np.int32),
            out_of_range=np.zeros(block.cells, np.int64),
        )


class _Bounds(NamedTuple):
    """(cells,) nats each; ``target`` is (cells, targets)."""

    lower: np.ndarray
    upper: np.ndarray
    stderr: np.ndarray
    target: np.ndarray
    target_lower: np.ndarray
    target_upper: np.ndarray
    target_stderr: np.ndarray


def noise_scale(activations: np.ndarray, channel: AdditiveGaussian) -> np.ndarray:
    """(cells,) absolute sigma for (cells, n, d) activations."""
    if not channel.relative:
        return np.full(activations.shape[0], float(channel.sigma))
    std = np.sqrt(np.asarray(activations, np.float64).var(axis=1).mean(axis=-1))
    # A dead layer has no scale; any noise then gives 0 information, which is right.
    return channel.sigma * np.where(std > 0, std, 1.0)


def _bounds(activations, labels: np.ndarray, channel: AdditiveGaussian, with_error: bool) -> _Bounds:
    """Both bounds for (cells, n, d) activations and (cells, targets, n) labels."""
    cells, n, _ = activations.shape
    sigma = noise_scale(activations, channel)
    classes = int(labels.max()) + 1
    parts = []
    # I(X;T): every class is one sample, whose own information is 0.
    distinct = classes >= n and bool((np.diff(np.sort(labels[:, 0], axis=1), axis=1) > 0).all())
    with jax.enable_x64(True):
        for cell in range(cells):
            groups = np.zeros((1, n), np.int32) if distinct else labels[cell].astype(np.int32)
            parts.append(
                _row_sums(
                    *_centred(activations[cell], float(sigma[cell])), groups, 1 if distinct else classes, with_error
                )
            )
        lower, upper, spread, own_lower, own_upper, own_value_spread = (
            np.stack([np.asarray(p[k]) for p in parts]) for k in range(6)
        )
    if distinct:
        return _Bounds(lower, upper, spread, upper[:, None], lower, upper, spread)
    return _Bounds(
        lower=lower,
        upper=upper,
        stderr=spread if with_error else np.zeros(cells),
        target=upper[:, None] - own_upper,
        target_lower=lower - own_upper[:, 0],
        target_upper=upper - own_lower[:, 0],
        target_stderr=own_value_spread if with_error else np.zeros(cells),
    )


def _centred(activations, sigma: float) -> tuple[jax.Array, bool]:
    """One snapshot about its mean, such that exp(-D) is the wide kernel of the lower bound, and whether it is far.

    Far means that ``||a||^2 + ||b||^2 - 2ab`` loses, even in double precision, the distances that matter.
    """
    t = np.asarray(activations, np.float64)
    t = (t - t.mean(axis=0)) / (math.sqrt(8.0) * sigma)
    return jnp.asarray(t), bool(np.abs(t).max() * math.sqrt(t.shape[1]) > _FAR)


@functools.partial(jax.jit, static_argnames=("far", "classes", "with_error"))
def _row_sums(t: jax.Array, far: bool, labels: jax.Array, classes: int, with_error: bool):
    """Bounds of one snapshot: every distance once, in blocks of rows; one exponential serves both bounds.

    Args:
        t, far: (n, d) activations as `_centred` gives them.
        labels: (targets, n) classes.
        classes: number of classes.
        with_error: whether standard errors are wanted.

    Returns:
        (lower, upper, stderr of upper, own-class lower (targets,), own-class upper (targets,), stderr of the target)
    """
    n = t.shape[0]
    targets = labels.shape[0]
    rows = max(1, min(n, _BLOCK_VALUES // n))
    blocks = -(-n // rows)
    padded = jnp.pad(t, ((0, blocks * rows - n), (0, 0)))
    # One product with these columns sums a row over everything and over each class of each labelling.
    member = jax.nn.one_hot(labels, classes, dtype=jnp.float32)  # targets, n, classes
    columns = jnp.concatenate([jnp.ones((n, 1), jnp.float32), member.transpose(1, 0, 2).reshape(n, -1)], axis=1)
    padded_labels = jnp.pad(labels, ((0, 0), (0, blocks * rows - n)))
    sizes = member.sum(axis=1)  # targets, classes

    def kernels(first: jax.Array, part: jax.Array) -> tuple[jax.Array, jax.Array]:
        # exp(-D) is the kernel of the lower bound, its fourth power that of the upper one.
        wide = jnp.exp(-_squared_distances(part, t, far).astype(jnp.float32))
        itself = first + jnp.arange(rows)[:, None] == jnp.arange(n)
        # The barriers keep the compiler from working out each kernel again for every product it enters.
        wide = jax.lax.optimization_barrier(jnp.where(itself, 1.0, wide))
        return wide, jax.lax.optimization_barrier(jnp.square(jnp.square(wide)))

    def block(first: jax.Array):
        part = jax.lax.dynamic_slice_in_dim(padded, first, rows)
        labels_here = jax.lax.dynamic_slice_in_dim(padded_labels, first, rows, axis=1)
        valid = first + jnp.arange(rows) < n
        wide, narrow = kernels(first, part)
        sums = jnp.stack([_matmul(kernel, columns) for kernel in (wide, narrow)])  # 2, rows, 1 + targets * classes
        everything = sums[..., 0]
        by_class = sums[..., 1:].reshape(2, rows, targets, classes)
        own = jnp.take_along_axis(by_class, labels_here.T[None, :, :, None], axis=3)[..., 0]  # 2, rows, targets
        if not with_error:
            return everything, own, jnp.zeros((0, n))
        # Influence of sample j through the sums of all others; only the narrow kernel's value needs it.
        pull = jnp.where(valid, 1.0 / everything[1], 0.0)
        first_labels = jax.nn.one_hot(labels_here[0], classes) * valid[:, None]
        pull_own = first_labels / own[1, :, 0, None]
        reach = _matmul(narrow.T, jnp.concatenate([pull[:, None], pull_own], axis=1))  # n, 1 + classes
        reach_own = jnp.take_along_axis(reach[:, 1:], labels[0][:, None], axis=1)[:, 0]
        return everything, own, jnp.stack([reach[:, 0], reach_own])

    starts = jnp.arange(blocks) * rows
    if with_error:

        def step(total, first):
            everything, own, reach = block(first)
            return total + reach, (everything, own)

        reach, (everything, own) = jax.lax.scan(step, jnp.zeros((2, n)), starts)
    else:
        everything, own, _ = jax.lax.map(block, starts)
        reach = jnp.zeros((2, n))
    everything = jnp.moveaxis(everything, 1, 0).reshape(2, -1)[:, :n].astype(jnp.float64)
    own = jnp.moveaxis(own, 1, 0).reshape(2, blocks * rows, targets)[:, :n].astype(jnp.float64)

    information = jnp.log(n) - jnp.log(everything)  # 2, n: wide, narrow
    size = jnp.take_along_axis(sizes, labels, axis=1).T.astype(jnp.float64)  # n, targets
    own_information = jnp.log(size) - jnp.log(own)  # 2, n, targets
    influence = information[1] - reach[0]
    influence_target = influence - own_information[1, :, 0] + reach[1]
    lower, upper = information.mean(axis=1)
    own_lower, own_upper = own_information.mean(axis=1)
    root = jnp.sqrt(1.0 * n)
    return lower, upper, influence.std() / root, own_lower, own_upper, influence_target.std() / root


def _squared_distances(a: jax.Array, b: jax.Array, far: bool) -> jax.Array:
    """(m, n) of (m, d) and (n, d) rows: through one product, or column by column where that would lose digits."""
    if not far:
        return jnp.maximum((a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2.0 * _matmul(a, b.T), 0.0)

    def add(column: int, total: jax.Array) -> jax.Array:
        return total + (a[:, column, None] - b[:, column]) ** 2

    return jax.lax.fori_loop(0, a.shape[1], add, jnp.zeros((a.shape[0], b.shape[0]), a.dtype))


def _matmul(a: jax.Array, b: jax.Array) -> jax.Array:
    """A product at the precision of its numbers: accelerators would drop digits of single precision."""
    return jnp.matmul(a, b, precision="highest")


def _entropy(labels: np.ndarray) -> float:
    p = np.bincount(labels) / len(labels)
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())
