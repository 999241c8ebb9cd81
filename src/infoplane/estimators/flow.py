"""Mutual information from two normalising flows whose latents are jointly normal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError, Refusal
from ..samples import Variable, is_whole
from .base import Density, Pointwise
from .coordinates import Coordinates, fitted_canonical, gaussian_terms
from .dense import dense
from .training import Budget, Fold, check_budget, filled, folded, train

_FEWEST = 32  # samples; below, nothing is left to learn from
_STRETCH = 2.0  # a layer multiplies a coordinate by e^-2 to e^2 at most, which keeps training stable


@dataclass(frozen=True)
class NormalizingFlow(Pointwise):
    """Two flows u = f(x) and v = g(y) to jointly normal latents: I = -1/2 sum_i ln(1 - rho_i^2).

    Mutual information does not change under the invertible f and g, and for jointly normal latents with canonical
    correlations rho_i it is closed. Both flows and the correlations are fitted together by maximum likelihood of the
    joint density, N(u, v; rho) |det f'| |det g'|, from the identity in canonical coordinates of the normal scores: the
    start is the value of a normal copula, and early stopping on a validation part may leave it there. The samples are
    split into folds; the value is the mean over all samples of ln N(u, v) - ln N(u) - ln N(v), each under flows fitted
    on the other folds. ``details`` has the closed form too, from the correlations of the latents of held-out samples.

    The flows are affine couplings, each changing a random half of the coordinates. Where no member of the family makes
    the latents jointly normal the value is low as a rule, though not a bound: strong nonlinear mixing of many
    coordinates is out of reach of a few thousand samples.

    Source: two marginal flows and a joint Gaussian base are MIENF, arXiv:2403.02187; the likelihood and the pointwise
    form are derived here.

    Attributes:
        layers: couplings of each flow.
        hidden: width of their networks.
        steps: updates at most.
        batch: samples an update.
        learning_rate: Adam's first step size.
        folds: parts for cross-fitting.
        patience: looks (every 50 updates) at the validation part without improvement before training ends.
    """

    randomised: ClassVar[bool] = True
    needs_input: ClassVar[bool] = True
    layers: int = 6
    hidden: int = 64
    steps: int = 2000
    batch: int = 512
    learning_rate: float = 2e-3
    folds: int = 2
    patience: int = 4

    def __post_init__(self) -> None:
        for name in ("layers", "hidden"):
            if not is_whole(getattr(self, name)) or getattr(self, name) < 1:
                raise InputError(f"NormalizingFlow needs a positive whole number as {name}, got {getattr(self, name)}.")
        check_budget("NormalizingFlow", self.budget, self.folds)

    @property
    def budget(self) -> Budget:
        return Budget(self.steps, self.batch, self.learning_rate, weight_decay=1e-4, patience=self.patience)

    def density(self, x: Variable, y: Variable, *, seed: int) -> Density:
        for v in (x, y):
            if v.kind == "discrete":
                raise Refusal(
                    f"NormalizingFlow needs densities and {v.name} is discrete; "
                    "use InfoNCE() or Decoder(), or Plugin() where both are."
                )
        if x.n < max(_FEWEST, 16 * self.folds):
            raise Refusal(f"NormalizingFlow needs at least {max(_FEWEST, 16 * self.folds)} samples, got {x.n}.")
        folds = folded(x.n, self.folds, seed)
        sides = x.values.astype(np.float64), y.values.astype(np.float64)
        found = [fitted_canonical(*sides, fold.training, fold.validation, (True, True)) for fold in folds]
        if not all(c.x.shape[1] and c.y.shape[1] for c in found):
            return Density(np.zeros(x.n), ("One side does not vary, so there is nothing to be informed about.",))
        if len({(c.x.shape[1], c.y.shape[1]) for c in found}) > 1:
            raise Refusal(
                "NormalizingFlow needs data that vary in the same directions in every fold; drop rare columns."
            )
        return self._fitted(folds, found, seed)

    def _fitted(self, folds: list[Fold], found: list[Coordinates], seed: int) -> Density:
        size = len(folds[0].test)

        def part(chosen: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
            pairs = list(zip(found, chosen, strict=True))
            return np.stack([c.x[rows] for c, rows in pairs]), np.stack([c.y[rows] for c, rows in pairs])

        training, validation = part([f.training for f in folds]), part([f.validation for f in folds])
        test = part([filled(f.test, size, size)[0] for f in folds])
        start = [self._initial(seed, run, c) for run, c in enumerate(found)]
        start, masks = (jax.tree.map(lambda *leaves: np.stack(leaves), *side) for side in zip(*start, strict=True))
        trained = train(_TASK, self.budget, start, masks, training, validation, seed=seed)
        with jax.enable_x64(False):
            latents = [np.asarray(z, np.float64) for z in _latents(trained.parameters, masks, test)]
        correlations = np.tanh(np.asarray(trained.parameters["correlations"], np.float64))
        terms, closed = np.empty(sum(len(f.test) for f in folds)), 0.0
        for fold, u, v, r in zip(folds, *latents, correlations, strict=True):
            u, v = u[: len(fold.test)], v[: len(fold.test)]
            terms[fold.test] = gaussian_terms(u, v, r)
            closed += _closed_form(u, v) * len(fold.test) / len(terms)
        best = np.asarray(trained.best_step).tolist()
        notes = [
            f"Held out: {self.folds} folds, flows kept after {best} of {int(trained.steps)} updates.",
            "Where the flows cannot make the latents jointly normal the value is low as a rule; it is no bound.",
        ]
        if any(c.dropped for c in found):
            notes.append(f"{found[0].dropped} directions were left out: the training part is too small for them.")
        details = {"steps": int(trained.steps), "best_steps": best, "closed_form": closed}
        return Density(terms, tuple(notes), details=details)

    def _initial(self, seed: int, run: int, c: Coordinates) -> tuple[Any, Any]:
        """Parameters that make both flows the identity, and the masks of what each layer looks at."""
        random = np.random.default_rng([seed, 4, run])
        flows, masks = {}, {}
        for name, side in (("x", c.x), ("y", c.y)):
            d = side.shape[1]
            chains = [dense(random, (d, self.hidden, self.hidden, 2 * d), last=0.0) for _ in range(self.layers)]
            flows[name] = jax.tree.map(lambda *leaves: np.stack(leaves), *chains)
            masks[name] = _masks(random, self.layers, d)
        flows["correlations"] = np.arctanh(c.correlations).astype(np.float32)
        return flows, masks


def _masks(random: np.random.Generator, layers: int, d: int) -> np.ndarray:
    """(layers, d) ones where a layer looks, zeros where it changes: a random half, then the other half."""
    if d == 1:
        return np.zeros((layers, 1), np.float32)
    halves = [random.permutation(d) < d // 2 for _ in range(-(-layers // 2))]
    return np.array([mask for half in halves for mask in (half, ~half)][:layers], np.float32)


def _flow(layers: Any, masks: jax.Array, z: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(n, d) latents and (n,) ln |det| of the map."""

    def couple(carry: tuple[jax.Array, jax.Array], layer: Any) -> tuple[tuple[jax.Array, jax.Array], None]:
        z, log_det = carry
        chain, mask = layer
        hidden = z * mask
        for i, (w, b) in enumerate(chain):
            hidden = hidden @ w + b
            hidden = jax.nn.silu(hidden) if i < len(chain) - 1 else hidden
        stretch, shift = jnp.split(hidden, 2, axis=1)
        stretch = _STRETCH * jnp.tanh(stretch / _STRETCH) * (1.0 - mask)
        return (z * jnp.exp(stretch) + shift * (1.0 - mask), log_det + stretch.sum(axis=1)), None

    return jax.lax.scan(couple, (z, jnp.zeros(z.shape[0], z.dtype)), (layers, masks))[0]


@dataclass(frozen=True)
class _Task:
    """Maximum likelihood of the joint density, as :func:`train` takes it."""

    def loss(self, parameters: Any, fixed: Any, memory: jax.Array, rows: Any) -> tuple[jax.Array, jax.Array]:
        return -self.score(parameters, fixed, rows), memory

    def score(self, parameters: Any, fixed: Any, rows: Any) -> jax.Array:
        """Mean log-likelihood, up to a constant."""
        (u, of_x), (v, of_y) = (_flow(parameters[n], fixed[n], z) for n, z in zip("xy", rows, strict=True))
        r = jnp.tanh(parameters["correlations"])
        k, within = r.size, 1.0 - r * r
        a, b = u[:, :k], v[:, :k]
        ratio = (r * (2.0 * a * b - r * (a * a + b * b)) / (2.0 * within)).sum(axis=1) - 0.5 * jnp.log(within).sum()
        return (of_x + of_y + ratio - 0.5 * ((u * u).sum(axis=1) + (v * v).sum(axis=1))).mean()


_TASK = _Task()


@jax.jit
def _latents(parameters: Any, masks: Any, rows: Any) -> tuple[jax.Array, jax.Array]:
    def of_run(run: Any) -> tuple[jax.Array, jax.Array]:
        p, m, (x, y) = run
        return _flow(p["x"], m["x"], x)[0], _flow(p["y"], m["y"], y)[0]

    return jax.lax.map(of_run, (parameters, masks, rows))


def _closed_form(u: np.ndarray, v: np.ndarray) -> float:
    """-1/2 sum ln(1 - rho^2) with the canonical correlations of latents."""
    q = [np.linalg.qr(z - z.mean(axis=0))[0] for z in (u, v)]
    rho = np.linalg.svd(q[0].T @ q[1], compute_uv=False)
    return float(-0.5 * np.log1p(-(np.minimum(rho, 1.0 - 1e-12) ** 2)).sum())
