"""Networks that run with noise: their layers are Gaussian mixtures whose centres noisy passes draw.

T = S + noise, with S the layer before its own noise. Given S the law of T is Gaussian and known, so h(T) and h(T|x)
are entropies of mixtures of such Gaussians: over the samples' centres, and over the centres of one sample's passes. A
mixture of finitely many drawn centres has on average too small an entropy; at points that were not drawn from it, its
mean surprisal is on average too large. To first order in 1 / passes the two errors are equal, so the half-way value is
nearly free of them, and the two ends bracket the truth on average.

Where passes are too few for that, a third number helps: with any density q(t|x), here the Gaussian with the moments
of the passes of x, E ln q(t|x) / mean_x' q(t|x') is at most I(X;T) for X uniform on the samples, as q then makes a
guess at x from t (Barber and Agakov 2003); likewise E ln q(t|y) / q(t) is at most I(T;Y).
"""

from __future__ import annotations

import abc
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from scipy.special import xlogy

from ..errors import InputError, Refusal
from ..estimate import Estimate
from ..samples import Variable, is_whole
from .base import Doubt, Estimator, LayerBlock, LayerInformation
from .brackets import Bracket, bounded, difference, exactly, halfway, steadied
from .gaussian_mixtures import log_densities, normal_log_density, own_log_densities
from .plugin import label_codes

_POINTS = 4096  # points at least at which the density of T is evaluated
_CENTRES = 2048  # components at least of that density, where passes are random
_OF_ALL, _FRESH, _OF_ONE = 0, 1, 2  # streams of passes: centres of all samples, points apart from them, one sample's
_WIDE = 64  # units up to which the guess has full covariances
_BLOCK_BYTES = 2**28  # of the passes of one sample each, handled at once


class _Drawn(NamedTuple):
    """Noisy passes of all samples, up to one layer.

    Attributes:
        centres: (n, draws, d) before the layer's own noise.
        points: (n, draws, d) with it.
        control: (n, draws) of mean 0, which goes along with the surprisal: half the noise's squared length, less d/2.
    """

    centres: np.ndarray
    points: np.ndarray
    control: np.ndarray


class _Guess(NamedTuple):
    """A model q(t|x) at points drawn apart from what it was fitted to, in nats.

    Attributes:
        scores: (n, draws) ln q(t|x) less ln of its mean over x.
        surprisals: (n, draws, 1 + columns) -ln of that mean, and of its means weighted with the laws of the labels.
    """

    scores: np.ndarray
    surprisals: np.ndarray


@dataclass(frozen=True)
class Propagation(Estimator):
    """What :class:`SamplePropagation` and :class:`GaussianDropout` share.

    Attributes:
        draws: noisy passes of every sample for h(T|x), where a layer before has noise; at least 2.
        kind: of the noise it is for.
        needs: how a network gets that noise.
    """

    draws: int = 64
    replays: ClassVar[bool] = True
    needs_input: ClassVar[bool] = True
    randomised: ClassVar[bool] = True
    kind: ClassVar[str]
    needs: ClassVar[str]

    def __post_init__(self) -> None:
        if not is_whole(self.draws) or self.draws < 2:
            raise InputError(f"{type(self).__name__}(draws) needs a whole number, at least 2, got {self.draws!r}.")
        object.__setattr__(self, "draws", int(self.draws))

    @abc.abstractmethod
    def scales(self, centres: np.ndarray, sigma: float) -> np.ndarray:
        """Standard deviations of a layer's own noise at (..., d) centres: of their shape, or (d,) shared by all."""

    def estimate(self, x: Variable, y: Variable, *, seed: int) -> Estimate:
        raise InputError(
            f"{type(self).__name__} sends samples through a noisy network again and again, and arrays cannot do that; "
            f"pass a recording of a network with {self.needs} to information_plane, or use KSG() on arrays."
        )

    def layer(self, block: LayerBlock) -> LayerInformation:
        laws = _laws(block)
        inputs: list[Bracket | None] = []
        targets: list[list[Bracket]] = []
        notes: dict[str, None] = {}
        for cell in range(block.cells):
            try:
                found = self._measure(block, cell, None if laws is None else laws[cell])
            except Refusal as refusal:
                notes[str(refusal)] = None
                found = None, []
            inputs.append(found[0])
            targets.append(found[1])
        if laws is None:
            notes[f"{type(self).__name__} takes classes for I(T;Y) and y is continuous; name an estimator_target."] = (
                None
            )
        return _collected(block, inputs, targets, tuple(notes))

    def _measure(self, block: LayerBlock, cell: int, law: np.ndarray | None) -> tuple[Bracket, list[Bracket]]:
        """I(X;T), and I(T;Y) with the labels in every order, of one snapshot."""
        passes = block.passes
        if passes is None or passes.noise.kind != self.kind:
            raise Refusal(
                f"{type(self).__name__} measures layers with noise of their own, in a network with {self.needs}; "
                "other layers are nan."
            )
        random = np.random.default_rng([block.seed, *passes.names[cell], 0x5A3])
        n, sigma = block.n, passes.noise.sigma
        laws = [] if law is None else [law[order] for order in block.permutations]
        columns = np.concatenate([np.ones((n, 1)), *laws], axis=1)

        def drawn(count: int, stream: int) -> _Drawn:
            return self._noisy(passes.centres(cell, count, _word(block.seed, stream)), sigma, random)

        guess = None
        if passes.noise.certain:
            whole = drawn(max(2, -(-_POINTS // n)), _OF_ALL)
            count, components = whole.points.shape[1], whole.centres[:, :1]
            within = exactly(self._certain_entropy(components[:, 0], sigma))
        else:
            count = -(-_CENTRES // n)
            first, fresh = drawn(count, _OF_ALL), drawn(max(count, -(-_POINTS // (2 * n))), _FRESH)
            whole, components = _Drawn(*(np.hstack(pair) for pair in zip(first, fresh, strict=True))), first.centres
            one = passes.centres(cell, self.draws, _word(block.seed, _OF_ONE))
            within, guess = self._within(one, sigma, random), self._guessed(whole.points, one, columns, sigma)
        surprisals = self._surprisals(whole.points, components, columns, sigma)

        def both_ends(terms: np.ndarray) -> Bracket:
            terms = steadied(terms, whole.control)
            return halfway(terms[:, :count], terms[:, count:] if guess else terms, terms)

        found = difference(both_ends(surprisals[..., 0]), within)
        information = bounded(found, None if guess is None else guess.scores, math.log(n))
        relevant = [
            bounded(
                both_ends(_gain(surprisals, law, k)),
                None if guess is None else _gain(guess.surprisals, law, k),
                _entropy(law),
            )
            for k, law in enumerate(laws)
        ]
        return information, relevant

    def _surprisals(self, points: np.ndarray, centres: np.ndarray, columns: np.ndarray, sigma: float) -> np.ndarray:
        """(n, draws, columns) of -ln of the mixture's density, the samples weighted with each column."""
        count, d = centres.shape[1:]
        flat = centres.reshape(-1, d)
        weights = np.repeat(_weights(columns) / count, count, axis=0)
        found = log_densities(points.reshape(-1, d), flat, self.scales(flat, sigma), weights)
        return -found.reshape(*points.shape[:2], -1)

    def _noisy(self, centres: np.ndarray, sigma: float, random: np.random.Generator) -> _Drawn:
        """Passes with the layer's own noise about their (n, draws, d) centres."""
        centres = centres.astype(np.float64)
        z = random.standard_normal(centres.shape)
        points = centres + self.scales(centres, sigma) * z
        return _Drawn(centres, points, 0.5 * ((z**2).sum(axis=-1) - z.shape[-1]))

    def _within(self, centres: np.ndarray, sigma: float, random: np.random.Generator) -> Bracket:
        """h(T|x), a mean over the samples, from (n, draws, d) centres of each sample's own passes."""
        inside, apart, controls = [], [], []
        for part in _parts(centres):
            one = self._noisy(part, sigma, random)
            every, others = own_log_densities(one.points, one.centres, self.scales(one.centres, sigma))
            inside.append(-every)
            apart.append(-others)
            controls.append(one.control)
        control = np.concatenate(controls)
        within, beyond = (steadied(np.concatenate(terms), control) for terms in (inside, apart))
        return halfway(within, beyond, within)

    def _guessed(self, points: np.ndarray, centres: np.ndarray, columns: np.ndarray, sigma: float) -> _Guess:
        """q(t|x) Gaussian with the moments of x's passes, at points apart from these; of wide layers unit by unit."""
        d = centres.shape[2]
        middle, spreads = [], []
        for part in _parts(centres):
            part = part.astype(np.float64)
            own = np.broadcast_to(self.scales(part, sigma) ** 2, part.shape).mean(axis=1)
            middle.append(part.mean(axis=1))
            off = part - middle[-1][:, None]
            if d > _WIDE:
                spreads.append(np.sqrt((off**2).sum(axis=1) / (self.draws - 1) + own))
            else:
                covariance = np.einsum("nki,nkj->nij", off, off) / (self.draws - 1)
                covariance[:, np.arange(d), np.arange(d)] += own
                spreads.append(covariance)
        means, spread = np.concatenate(middle), np.concatenate(spreads)
        mixed = log_densities(points.reshape(-1, d), means, spread, _weights(columns))
        mixed = mixed.reshape(*points.shape[:2], -1)
        return _Guess(normal_log_density(points, means, spread) - mixed[..., 0], -mixed)

    def _certain_entropy(self, centres: np.ndarray, sigma: float) -> float:
        """h(T|x), a mean over the samples, where the centre is a function of x: that of the noise alone, exactly."""
        n, d = centres.shape
        logs = np.broadcast_to(np.log(self.scales(centres, sigma)), (n, d)).sum(axis=1).mean()
        return float(logs) + 0.5 * d * math.log(2.0 * math.pi * math.e)


def _doubts(found: list[Bracket | None], of: Literal["input", "target"]) -> list[Doubt]:
    """A warning for every snapshot whose passes were too few."""
    return [
        Doubt(
            cell,
            of,
            f"passes were too few to say more than that it lies between {one.lower:.3g} and {one.upper:.3g} nats; "
            "raise draws, or measure a layer with fewer units or more noise.",
        )
        for cell, one in enumerate(found)
        if one is not None and not one.settled
    ]


def _parts(centres: np.ndarray) -> Iterator[np.ndarray]:
    """(n, draws, d) centres in blocks of samples."""
    size = max(1, _BLOCK_BYTES // (32 * centres.shape[1] * centres.shape[2]))
    for start in range(0, len(centres), size):
        yield centres[start : start + size]


def _word(seed: int, stream: int) -> int:
    """A number of 32 bits for a stream of passes, made of any seed."""
    return int(np.random.SeedSequence([seed, stream]).generate_state(1)[0])


def _gain(surprisals: np.ndarray, law: np.ndarray, order: int) -> np.ndarray:
    """(n, draws) of sum_y p(y|x) ln of p(t|y) / p(t), with the columns of one order of the labels."""
    first = 1 + order * law.shape[1]
    own = surprisals[..., first : first + law.shape[1]]
    return surprisals[..., 0] - np.where(law[:, None] > 0, law[:, None] * own, 0.0).sum(axis=-1)


def _weights(columns: np.ndarray) -> np.ndarray:
    """Columns with sum 1."""
    total = columns.sum(axis=0)
    return columns / np.where(total > 0, total, 1.0)


def _entropy(law: np.ndarray) -> float:
    """H(Y), the ceiling of I(T;Y) whatever the law of the label."""
    p = law.mean(axis=0)
    return float(-xlogy(p, p).sum())


def _laws(block: LayerBlock) -> np.ndarray | None:
    """(cells, n, classes) law of every sample's label, one-hot where it is certain; None for a continuous target."""
    if block.p_y_given_x is not None:
        return np.asarray(block.p_y_given_x, np.float64)
    if np.issubdtype(block.y.dtype, np.floating):
        return None
    labels = label_codes(block.y)
    return np.eye(int(labels.max()) + 1)[labels]


def _collected(
    block: LayerBlock,
    inputs: list[Bracket | None],
    targets: list[list[Bracket]],
    notes: tuple[str, ...],
) -> LayerInformation:
    """Both informations of all snapshots, nan where one was refused."""
    nothing = np.full(block.cells, np.nan)
    first: list[Bracket | None] = [row[0] if row else None for row in targets]

    def column(found: list[Bracket | None], name: str) -> np.ndarray:
        return np.array([np.nan if one is None else getattr(one, name) for one in found])

    orders = len(block.permutations)
    ends = {
        f"mi_{kind}_bracket_{end}": column(found, end)
        for kind, found in (("input", inputs), ("target", first))
        for end in ("lower", "upper")
    }
    values = column(inputs, "value")
    return LayerInformation(
        mi_input=values,
        mi_input_stderr=column(inputs, "stderr"),
        mi_input_lower=nothing,
        mi_input_upper=nothing,
        mi_target=np.array([[one.value for one in row] or [np.nan] * orders for row in targets]),
        mi_target_stderr=column(first, "stderr"),
        mi_target_lower=nothing,
        mi_target_upper=nothing,
        saturated=values > 0.95 * math.log(block.n),
        n_codes=np.zeros(block.cells, np.int32),
        out_of_range=np.zeros(block.cells, np.int64),
        notes=notes,
        doubts=(*_doubts(inputs, "input"), *_doubts(first, "target")),
        further=ends,
    )
