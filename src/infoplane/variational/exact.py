"""Tables in place of networks: a variational objective minimised exactly on a joint of finitely many states.

What stochastic training aims at, without sampling, so that the bounds themselves can be compared with the optimum that
:mod:`infoplane.bottleneck` certifies.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import OptimizeResult, minimize
from scipy.special import rel_entr

from ..bottleneck import Joint
from ..errors import InputError
from ..samples import whole
from ..threads import one_blas_thread
from .label_noise import FLOOR, Confusion, Smooth
from .objectives import Objective, Prior, Terms, Weights, loss

_APART = 4.0  # logit by which the first start prefers a cluster of its own for every input


class Tables(NamedTuple):
    """All parts of a model as unnormalised logarithms.

    Attributes:
        encoder: (n_x, k) of q(t|x).
        decoder: (k, n_y) of c(y|t).
        prior: (k,) of m(t).
        conditional: (n_y, k) of b(t|y).
    """

    encoder: Any
    decoder: Any
    prior: Any
    conditional: Any


class Targets(NamedTuple):
    """What the label at each input might have been, averaged over p(y|x).

    Attributes:
        laws: (n_x, n_y) of the law that the decoder is compared with.
        logs: (n_x, n_y) of ln p~(.|x, y).
    """

    laws: Any
    logs: Any


@dataclass(frozen=True, eq=False)
class TableSolution:
    """A table model at a minimum of a variational objective; nats.

    Attributes:
        objective: what was minimised.
        encoder: (n_x, k) q(t|x).
        decoder: (k, n_y) c(y|t), of the model: the classifier, which need not be p(y|t).
        prior: (k,) m(t); p(t) where the objective trains none.
        conditional: (n_y, k) b(t|y); p(t|y) where the objective trains none.
        terms: D, R, R_c and the divergence, as the model's own parts give them.
        loss: the minimum.
        mi_input: I(X;T) of the encoder itself.
        mi_target: I(T;Y) of the encoder itself, along the chain T - X - Y.
        slope: largest absolute derivative left.
        losses: of all starts.
    """

    objective: Objective
    encoder: np.ndarray = field(repr=False)
    decoder: np.ndarray = field(repr=False)
    prior: np.ndarray = field(repr=False)
    conditional: np.ndarray = field(repr=False)
    terms: Terms
    loss: float
    mi_input: float
    mi_target: float
    slope: float
    losses: tuple[float, ...]


def table_terms(tables: Tables, p_xy: Any, targets: Targets) -> Terms:
    """The terms as exact sums over all states; JAX.

    Args:
        tables: the model.
        p_xy: (n_x, n_y) the joint.
        targets: see there.
    """
    q, c, m, b = (jax.nn.log_softmax(table, axis=-1) for table in tables)
    p_xt = jnp.exp(q) * p_xy.sum(axis=1)[:, None]
    p_t, p_ty = p_xt.sum(axis=0), jnp.exp(q).T @ p_xy
    own, law = (p_xt * q).sum(), jnp.exp(c)
    return Terms(
        distortion=-(p_ty * c).sum(),
        cross_entropy=-((p_xt.T @ targets.laws) * c).sum(),
        rate=own - (p_t * m).sum(),
        rate_conditional=own - (p_ty * b.T).sum(),
        divergence=(p_t[:, None] * law * c).sum() - (law * (p_xt.T @ targets.logs)).sum(),
    )


@one_blas_thread
def table_solution(
    objective: Objective,
    joint: Joint,
    *,
    clusters: int | None = None,
    law: Literal["joint", "labels"] = "joint",
    starts: int = 4,
    steps: int = 20_000,
    seed: int = 0,
) -> TableSolution:
    """The best table encoder, decoder and prior for an objective, by L-BFGS on exact derivatives in float64.

    Args:
        objective: :class:`VIB`, :class:`CEB`, :class:`DualVIB` or :class:`SquaredVIB`; its final beta counts.
        joint: p(x, y).
        clusters: states of T; as many as inputs if None.
        law: p~(.|x, y): "joint" takes p(y|x), as the dual bottleneck does; "labels" the objective's own noise model,
            as training on labels does.
        starts: the first is near a copy of X, the others are random; the best is kept, as the cost is not convex. Near
            an onset few starts may reach the optimum (of the dual at beta 4 on a table of three by three two of
            sixteen did): compare ``losses``, or take more.
        steps: of each start, at most.
        seed: of the random starts.

    Returns:
        TableSolution.

    Raises:
        InputError: an objective or a noise model that needs samples, no joint, or p(y|x) with zeros for the dual.
    """
    weights, targets = _problem(objective, joint, law)
    k = joint.shape[0] if clusters is None else whole(clusters, "clusters", 1)
    rng = np.random.default_rng(whole(seed, "seed"))
    first = list(_starts(joint, k, whole(starts, "starts", 1), rng))
    sizes = (*joint.shape, k)
    with jax.enable_x64(True):
        known = (jnp.asarray(joint.table), Targets(*map(jnp.asarray, targets)))
        ends = [_descended(start, (*known, weights, sizes), steps) for start in first]
        best = min(ends, key=lambda end: end.fun)
        laws, terms = _finished(best.x, *known, objective.prior, sizes)
        encoder, decoder, prior, conditional = map(np.asarray, laws)
    mi_input, mi_target = _informations(joint, encoder)
    return TableSolution(
        objective=objective,
        encoder=encoder,
        decoder=decoder,
        prior=prior,
        conditional=conditional,
        terms=Terms(*map(float, terms)),
        loss=float(best.fun),
        mi_input=mi_input,
        mi_target=mi_target,
        slope=float(np.abs(best.jac).max()),
        losses=tuple(float(end.fun) for end in ends),
    )


def _problem(objective: Objective, joint: Joint, law: str) -> tuple[Weights, Targets]:
    if not isinstance(joint, Joint):
        raise InputError(f"table_solution needs a Joint, got {type(joint).__name__}; write Joint(table).")
    if not isinstance(objective, Objective) or objective.uses_kernel:
        raise InputError(f"table_solution needs an objective such as VIB(beta=3), got {objective!r}.")
    if law not in ("joint", "labels"):
        raise InputError(f"table_solution needs law 'joint' or 'labels', got {law!r}.")
    schedule = getattr(objective, "schedule", None)
    return objective.weights(schedule.steps if schedule else 0), _targets(objective, joint, law)


def _targets(objective: Objective, joint: Joint, law: str) -> Targets:
    rows, noise = joint.p_y_given_x, objective.noise
    if noise is None:
        return Targets(rows, np.zeros_like(rows))
    if law == "labels":
        if not isinstance(noise, Smooth | Confusion):
            raise InputError(f"table_solution knows no inputs and draws nothing, which {noise!r} needs; use Smooth().")
        with jax.enable_x64(True):
            classes = joint.shape[1]
            known = np.asarray(noise.probabilities(np.arange(classes), classes=classes))
        noisy = objective.decoder_target == "noise model"
        return Targets(rows @ known if noisy else rows, rows @ np.log(np.clip(known, FLOOR, 1.0 - FLOOR)))
    if objective.uses_divergence and (rows[joint.p_x > 0] <= 0).any():
        raise InputError(
            f"{objective.name} needs p(y|x) > 0, as KL(c || p(y|x)) is infinite at a zero; smooth the joint, "
            "Joint(...).smoothed(0.01), or take law='labels'."
        )
    return Targets(rows, np.log(np.where(rows > 0, rows, 1.0)))


def _starts(joint: Joint, k: int, starts: int, rng: np.random.Generator) -> Iterator[Tables]:
    n_x = joint.shape[0]
    for start in range(starts):
        encoder = rng.normal(size=(n_x, k)) * (0.1 if start == 0 else 2.0)
        if start == 0:
            encoder[np.arange(n_x), np.arange(n_x) % k] += _APART
        q = np.exp(encoder) / np.exp(encoder).sum(axis=1, keepdims=True)
        p_ty = q.T @ joint.table + 1e-9
        yield Tables(encoder, np.log(p_ty), np.log(p_ty.sum(axis=1)), np.log(p_ty.T))


def _descended(start: Tables, problem: tuple[Any, ...], steps: int) -> OptimizeResult:
    def both(flat: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = _cost(flat, *problem)
        return float(value), np.array(slope)

    flat = np.concatenate([table.ravel() for table in start])
    limits = {"maxiter": steps, "maxfun": 2 * steps, "maxcor": 40, "ftol": 0.0, "gtol": 1e-12}
    return minimize(both, flat, jac=True, method="L-BFGS-B", options=limits)


def _tables(flat: Any, sizes: tuple[int, int, int]) -> Tables:
    n_x, n_y, k = sizes
    shapes = ((n_x, k), (k, n_y), (k,), (n_y, k))
    ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
    return Tables(*(part.reshape(shape) for part, shape in zip(jnp.split(flat, ends), shapes, strict=True)))


@partial(jax.jit, static_argnums=4)  # compiled once for all objectives on a problem of these sizes
@jax.value_and_grad
def _cost(flat: Any, p_xy: Any, targets: Targets, weights: Weights, sizes: tuple[int, int, int]) -> Any:
    return loss(table_terms(_tables(flat, sizes), p_xy, targets), weights)


@partial(jax.jit, static_argnums=(3, 4))
def _finished(
    flat: Any, p_xy: Any, targets: Targets, trained: Prior | None, sizes: tuple[int, int, int]
) -> tuple[Tables, Terms]:
    """The laws of a model and its terms, the prior that the objective does not train at its best for the encoder."""
    tables = _tables(flat, sizes)
    p_ty = jax.nn.softmax(tables.encoder, axis=-1).T @ p_xy
    if trained != "marginal":
        tables = tables._replace(prior=jnp.log(p_ty.sum(axis=1)))
    if trained != "conditional":
        tables = tables._replace(conditional=jnp.log(p_ty.T))
    return Tables(*(jax.nn.softmax(table, axis=-1) for table in tables)), table_terms(tables, p_xy, targets)


def _informations(joint: Joint, encoder: np.ndarray) -> tuple[float, float]:
    p_xt = encoder * joint.p_x[:, None]
    p_t, p_ty = p_xt.sum(axis=0), encoder.T @ joint.table
    rate = rel_entr(p_xt, joint.p_x[:, None] * p_t).sum()
    return float(rate), float(rel_entr(p_ty, p_t[:, None] * joint.p_y).sum())
