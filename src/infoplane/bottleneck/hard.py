"""The deterministic bottleneck, and what lies between it and the soft one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import entr

from ..errors import InputError
from ..threads import one_blas_thread
from .annealed import IB
from .base import CERTAIN, LOOSE, Effort, Method
from .exact_partitions import best_partitions
from .geometry import Arithmetic
from .joint import Joint
from .partition_search import searched
from .partitions import line
from .soft_search import SoftSearch
from .softened import SETTLED, atoms_of
from .solution import Rule, Solution, expanded_encoder, expanded_laws, merged_informations

_FEW = 8  # betas below which some more between and around them are searched as well
_MOST = 3000  # different inputs, whose pairs take half a gigabyte
_AROUND = (0.7, 0.85, 1.15, 1.4, 2.0)


@dataclass(frozen=True)
class DIB(Method):
    """The deterministic bottleneck: H(T) - beta I(T;Y) (arXiv:1604.00268).

    The cost is concave in the encoder, so the best encoder is hard: one cluster for every input. For two labels (up to
    5000 different inputs) and for up to ten different inputs it is found exactly, and ``gap`` is 0. Otherwise it is
    searched: reverse annealing from T = X, the hard version of IB's solutions, merges and single moves until none
    lowers the cost, and restarts. There is no certificate then: ``gap`` is the distance to IB's certified optimum, a
    lower bound since H(T) >= I(X;T), and stays positive at the best encoder; nan where nothing is certified.

    ``encode`` gives an input to argmax_t [ln p(t) - beta KL(p(y|x) || p(y|t))], the first of equal ones. The
    solution's own inputs are there too, since no single move lowers the cost.

    Every candidate is searched through k (m + k) n_y numbers for m inputs with different p(y|x) and k clusters.

    Args:
        restarts: rounds of restarts out of disturbed clusterings.

    Raises:
        InputError: more than 3000 different inputs with more than two labels.
    """

    restarts: int = 6

    def __post_init__(self) -> None:
        _check_restarts(self.restarts, "DIB")

    def descend(self, joint: Joint, betas: Sequence[float], effort: Effort) -> Iterator[Solution]:
        answers = _hard(joint, betas, effort, self.restarts)
        for beta in betas:
            yield _solution(self, joint, beta, 0.0, answers[beta])


@dataclass(frozen=True)
class GeneralizedIB(Method):
    """Between deterministic and soft: H(T) - alpha H(T|X) - beta I(T;Y) (arXiv:1604.00268).

    alpha 1 is IB and alpha 0 is DIB, and both are left to these. In between the cost is
    alpha (I(X;T) - beta I(T;Y)) + (1 - alpha) (H(T) - beta I(T;Y)). Updates that never raise it, reverse annealing,
    starts from the solutions of both ends, merges and moves of single inputs search for the least. There is no
    certificate: ``gap`` is the distance to alpha times IB's lower bound plus 1 - alpha times DIB's, nan where nothing
    is certified.

    Args:
        alpha: weight of H(T|X), from 0 to 1.
        restarts: rounds of restarts of the hard clusterings it begins from.

    Raises:
        InputError: alpha outside [0, 1]; more different inputs than DIB takes.
    """

    alpha: float
    restarts: int = 6

    def __post_init__(self) -> None:
        if isinstance(self.alpha, bool) or not isinstance(self.alpha, int | float | np.number):
            raise InputError(f"GeneralizedIB needs a number for alpha, got {self.alpha!r}.")
        if not 0 <= self.alpha <= 1:
            raise InputError(
                f"GeneralizedIB needs alpha from 0 (DIB) to 1 (IB), the weight of H(T|X), got {self.alpha}."
            )
        _check_restarts(self.restarts, "GeneralizedIB")

    def descend(self, joint: Joint, betas: Sequence[float], effort: Effort) -> Iterator[Solution]:
        if self.alpha == 1:
            solutions = IB().descend(joint, betas, effort)
            return (dataclasses.replace(solution, method=self) for solution in solutions)
        if self.alpha == 0:
            solutions = DIB(self.restarts).descend(joint, betas, effort)
            return (dataclasses.replace(solution, method=self) for solution in solutions)
        return self._between(joint, betas, effort)

    def _between(self, joint: Joint, betas: Sequence[float], effort: Effort) -> Iterator[Solution]:
        answers = _soft(joint, betas, effort, self.alpha, self.restarts)
        for beta in betas:
            yield _solution(self, joint, beta, self.alpha, answers[beta])


@dataclass
class _Answer:
    """What a search found at one beta.

    Attributes:
        encoder: (m, k) of the merged inputs.
        floor: a lower bound of H(T) - alpha H(T|X) + beta H(Y|T); nan where there is none.
        loose: whether the bound is below what can be reached.
        converged: whether no change that the search knows lowers the cost.
        steps: changes or updates made.
        starts: of the certificate behind the bound.
    """

    encoder: np.ndarray
    floor: float
    loose: bool = False
    converged: bool = True
    steps: int = 0
    starts: int = 0


def _check_restarts(restarts: int, who: str) -> None:
    if isinstance(restarts, bool) or not isinstance(restarts, int | np.integer) or restarts < 0:
        raise InputError(f"{who} needs a whole number of restarts, at least 0, got {restarts!r}.")


def _ladder(betas: Sequence[float]) -> list[float]:
    """Betas to search at, falling: those asked for, and some around them where they are few."""
    asked = set(betas)
    if len(asked) < _FEW:
        asked |= {beta * factor for beta in betas for factor in _AROUND}
    return sorted(asked, reverse=True)


@dataclass
class _Plain:
    """The solution of IB at one beta: where to begin, and a lower bound, since H(T) >= I(X;T)."""

    encoder: np.ndarray
    floor: float
    starts: int


def _plain(joint: Joint, ladder: list[float], effort: Effort) -> dict[float, _Plain]:
    solutions = IB().descend(joint, ladder, Effort(effort.certify, effort.seed))
    return {
        s.beta: _Plain(s.encoder[joint.sufficient.first], s.objective - s.gap + s.beta * joint.entropy_y, s.starts)
        for s in solutions
    }


@one_blas_thread
def _hard(
    joint: Joint, betas: Sequence[float], effort: Effort, restarts: int, plain: dict[float, _Plain] | None = None
) -> dict[float, _Answer]:
    """The best clusterings, by beta; ``plain`` has at least these betas, falling."""
    weights = joint.sufficient.p_x[:, None] * joint.sufficient.rows
    given = effort.first_encoder(joint)
    exact = best_partitions(weights, np.array(list(betas), dtype=float))
    if exact is not None:
        costs = (line(weights, labels) for labels in exact)
        return {
            beta: _Answer(_one_hot(labels), of_t + beta * noise)
            for beta, labels, (of_t, noise) in zip(betas, exact, costs, strict=True)
        }
    if len(weights) > _MOST:
        raise InputError(
            f"DIB weighs all pairs of inputs with different p(y|x), of which it takes {_MOST}, got {len(weights)}. "
            "Sequential(n_clusters=...) takes more, with a number of clusters of your choice."
        )
    plain = _plain(joint, _ladder(betas), effort) if plain is None else plain
    ladder = list(plain)
    floors = {beta: plain[beta].floor for beta in ladder}
    offers = [(beta, plain[beta].encoder.argmax(axis=1)) for beta in ladder]
    if given is not None:
        offers += [(beta, given.argmax(axis=1)) for beta in ladder]
    search = searched(weights, ladder, offers, floors, restarts, effort.seed)
    return {
        beta: _Answer(
            _one_hot(search.labels(beta)), floors[beta], True, search.is_settled(beta), search.changes[beta],
            plain[beta].starts,
        )
        for beta in betas
    }  # fmt: skip


def _one_hot(labels: np.ndarray) -> np.ndarray:
    return np.eye(int(labels.max()) + 1)[labels]


@one_blas_thread
def _soft(joint: Joint, betas: Sequence[float], effort: Effort, alpha: float, restarts: int) -> dict[float, _Answer]:
    """The best encoders between soft and hard, by beta."""
    geometry = Arithmetic(joint.sufficient.p_x, joint.sufficient.rows)
    given = effort.first_encoder(joint)
    ladder = _ladder(betas)
    plain = _plain(joint, ladder, effort)
    hard = _hard(joint, ladder, effort, restarts, plain)
    search = SoftSearch(geometry, alpha, ladder)
    search.anneal()
    for beta in ladder:
        for encoder in (plain[beta].encoder, hard[beta].encoder, given):
            if encoder is not None:
                search.offer(beta, atoms_of(geometry, encoder))
    search.spread()
    return {
        beta: _Answer(
            search.found[beta].encoder, (1 - alpha) * hard[beta].floor + alpha * plain[beta].floor, True,
            search.found[beta].step < SETTLED, search.sweeps[beta], plain[beta].starts,
        )
        for beta in betas
    }  # fmt: skip


def _solution(method: Method, joint: Joint, beta: float, alpha: float, answer: _Answer) -> Solution:
    merged = joint.sufficient
    marginal = merged.p_x @ answer.encoder
    marginal /= marginal.sum()
    order = np.argsort(-marginal, kind="stable")
    encoder, marginal = answer.encoder[:, order], marginal[order]
    laws = (encoder * merged.p_x[:, None]).T @ merged.rows / marginal[:, None]
    rate, relevant = merged_informations(merged.p_x, merged.rows, encoder)
    given_x = float(merged.p_x @ entr(encoder).sum(axis=1))
    objective = float(entr(marginal).sum()) - alpha * given_x - beta * relevant
    whole, wide = expanded_encoder(joint, encoder, marginal), expanded_laws(joint, laws)
    rule = Rule(beta, marginal, wide, alpha=alpha)
    again = merged.p_x @ rule(joint.p_y_given_x)[merged.first]
    notes = [CERTAIN] if joint.deterministic else []
    if answer.loose and np.isfinite(answer.floor):
        notes.append(LOOSE)
    return Solution(
        method, beta, whole, marginal, wide, rate, relevant, mi_target_geometric=np.nan, objective=objective,
        free_energy=np.nan, gap=max(objective - answer.floor + beta * joint.entropy_y, 0.0), starts=answer.starts,
        residual=_largest_ratio(marginal, again), converged=answer.converged, sweeps=answer.steps, joint=joint,
        rule=rule, notes=tuple(notes),
    )  # fmt: skip


def _largest_ratio(before: np.ndarray, after: np.ndarray) -> float:
    """Largest |ln(after / before)|, infinite where a cluster would be left."""
    return np.inf if (after <= 0).any() else float(np.abs(np.log(after / before)).max())
