"""The compiled part of training: many trade-offs and seeds at once, in one loop."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import optax

from ..errors import InputError
from ..samples import is_real, is_whole
from . import objectives as of
from . import terms
from .encoders import Encoder
from .model import Gaussians, Model, Spread, build
from .objectives import Objective, Terms

_TRAIN, _ORDER = 0x7121, 0x0DE7  # random numbers of noise, and of the order of samples


@dataclass(frozen=True)
class Optimizer:
    """Adam, whose step may shrink by a factor every few epochs.

    Attributes:
        learning_rate: of the first epoch.
        beta1: decay of the mean gradient.
        shrink: factor on the learning rate, every ``every`` epochs; 1 for none.
        every: epochs between shrinkings.
    """

    learning_rate: float = 1e-3
    beta1: float = 0.9
    shrink: float = 1.0
    every: int = 2

    def __post_init__(self) -> None:
        fine = (
            is_real(self.learning_rate)
            and 0 < self.learning_rate < math.inf
            and is_real(self.beta1)
            and 0 <= self.beta1 < 1
        )
        if not (fine and is_real(self.shrink) and 0 < self.shrink <= 1 and is_whole(self.every) and self.every >= 1):
            raise InputError(
                "Optimizer needs learning_rate > 0, beta1 in [0, 1), shrink in (0, 1] and every as a whole number, 1 "
                f"or more, got {self}."
            )

    def transformation(self, steps: int) -> optax.GradientTransformation:
        """For epochs of so many steps."""
        rate = optax.exponential_decay(self.learning_rate, steps * self.every, self.shrink, staircase=True)
        return optax.adam(rate, b1=self.beta1)


class State(NamedTuple):
    """Where training stands; every array of a model has leading axes (seed, objective).

    Attributes:
        models: trained numbers.
        averages: their running average; None where none is kept.
        optimizer: Adam's state.
        step: updates made.
    """

    models: Any
    averages: Any
    optimizer: Any
    step: jax.Array

    @property
    def used(self) -> Any:
        """The numbers that measurements and predictions use."""
        return self.models if self.averages is None else self.averages


class Data(NamedTuple):
    """What is trained on: (n, ...) inputs and (n,) labels."""

    x: jax.Array
    y: jax.Array


@dataclass(frozen=True)
class Program:
    """One training loop; equal programs share what was compiled.

    Attributes:
        objectives: k that draw z in the same way.
        encoder, shape, classes, latent, spread: of the model.
        optimizer: how it is trained.
        batch: samples a step; an incomplete batch at the end of an epoch is left out.
        draws: of z for every sample of a batch.
        polyak: decay of the running average of the trained numbers; 0 for none.
        trained_marginal: whether m(z) is trained, and N(0, I) otherwise.
    """

    objectives: tuple[Objective, ...]
    encoder: Encoder
    shape: tuple[int, ...]
    classes: int
    latent: int
    spread: Spread
    optimizer: Optimizer
    batch: int
    draws: int
    polyak: float
    trained_marginal: bool

    def outline(self) -> tuple[Any, Any]:
        """A model with only the shapes of what is trained, and one with only what is not."""
        return _outline(self.encoder, self.shape, self.classes, self.latent, self.spread)

    def initial(self, seeds: tuple[int, ...], n: int) -> State:
        """Before training. Objectives of one seed begin as the same network and see the same batches."""
        keys = jnp.stack([jr.key(seed) for seed in seeds])
        single = _initial_numbers(self.encoder, self.shape, self.classes, self.latent, self.spread, keys)
        state = _initial_state(len(self.objectives), self.optimizer, single)
        if not self.polyak:
            return state
        return state._replace(averages=jax.tree.map(jnp.copy, state.models))  # buffers of its own: both are donated

    def advance(self, state: State, data: Data, seeds: tuple[int, ...], start: int, stop: int) -> tuple[State, Any]:
        """Train from one epoch to another; returns the (seed, objective) mean loss of the last."""
        keys = jnp.stack([jr.key(seed) for seed in seeds])
        return _advance(self, state, data, keys, jnp.int32(start), jnp.int32(stop))

    def laws(self, model: Model, x: jax.Array) -> Gaussians:
        """The laws of z, as the objectives draw it."""
        return drawn_laws(model, x, self.objectives[0].latent)


def drawn_laws(model: Model, x: jax.Array, latent: of.Latent) -> Gaussians:
    """(n, latent) means and scales; a scale that all share is that of ``model.shared``, none is 0."""
    mean, scale = model.encode(x)
    if latent == "mean":
        return Gaussians(mean, jnp.zeros_like(scale))
    if latent == "shared":
        return Gaussians(mean, jnp.broadcast_to(model.shared_scale(), mean.shape))
    return Gaussians(mean, scale)


@functools.partial(jax.jit, static_argnums=range(5))
def _initial_numbers(
    encoder: Encoder, shape: tuple[int, ...], classes: int, latent: int, spread: Spread, keys: jax.Array
) -> Any:
    """The numbers of one model for each key."""

    def numbers(key: jax.Array) -> Any:
        return eqx.filter(build(encoder, shape, classes, latent, spread, key), eqx.is_inexact_array)

    return jax.vmap(numbers)(keys)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _initial_state(objectives: int, optimizer: Optimizer, single: Any) -> State:
    """The same numbers for every objective, and what the optimiser starts from, whatever an epoch's steps are."""
    models = jax.tree.map(lambda a: jnp.repeat(a[:, None], objectives, axis=1), single)
    return State(models, None, optimizer.transformation(1).init(models), jnp.zeros((), jnp.int32))


@functools.lru_cache(16)
def _outline(encoder: Encoder, shape: tuple[int, ...], classes: int, latent: int, spread: Spread) -> tuple[Any, Any]:
    model = eqx.filter_eval_shape(build, encoder, shape, classes, latent, spread, jr.key(0))

    def trained(leaf: Any) -> bool:
        return isinstance(leaf, jax.ShapeDtypeStruct) and jnp.issubdtype(leaf.dtype, jnp.inexact)

    return eqx.partition(model, trained)


@functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
def _advance(
    program: Program, state: State, data: Data, keys: jax.Array, start: jax.Array, stop: jax.Array
) -> tuple[State, jax.Array]:
    n = len(data.y)
    steps = max(1, n // program.batch)
    transformation = program.optimizer.transformation(steps)
    _, static = program.outline()
    gradients = jax.vmap(functools.partial(_seed_gradients, program, static), (0, 0, 0, 0, None))

    def update(state: State, rows: jax.Array) -> tuple[State, jax.Array]:
        noise = jax.vmap(lambda key: jr.fold_in(jr.fold_in(key, _TRAIN), state.step))(keys)
        batch = data.x[rows], data.y[rows]
        loss, gradient = gradients(state.models, *batch, noise, state.step)
        change, optimizer = transformation.update(gradient, state.optimizer)
        models = optax.apply_updates(state.models, change)
        # The first steps weigh more, so that an average early on is not that of the start.
        decay = jnp.minimum(program.polyak, (1.0 + state.step) / (10.0 + state.step))
        averages = optax.incremental_update(models, state.averages, 1.0 - decay) if program.polyak else None
        return State(models, averages, optimizer, state.step + 1), loss

    def epoch(number: jax.Array, carry: tuple[State, jax.Array]) -> tuple[State, jax.Array]:
        orders = jax.vmap(lambda key: jr.permutation(jr.fold_in(jr.fold_in(key, _ORDER), number), n))(keys)
        rows = orders[:, : steps * program.batch].reshape(len(keys), steps, -1).swapaxes(0, 1)
        state, losses = jax.lax.scan(update, carry[0], rows)
        return state, losses.mean(axis=0)

    nothing = jnp.zeros((len(keys), len(program.objectives)))
    return jax.lax.fori_loop(start, stop, epoch, (state, nothing))


def _seed_gradients(
    program: Program, static: Any, models: Any, x: jax.Array, y: jax.Array, key: jax.Array, step: jax.Array
) -> tuple[jax.Array, Any]:
    """(objective,) losses and gradients of one seed's models on one batch."""
    hot = jax.nn.one_hot(y, program.classes)
    noisy = [
        hot if one.noise is None else one.noise.probabilities(y, x, classes=program.classes, key=jr.fold_in(key, 1))
        for one in program.objectives
    ]
    laws = jnp.stack([law.astype(hot.dtype) for law in noisy])
    wanted = jnp.asarray([one.decoder_target == "noise model" for one in program.objectives])
    targets = jnp.where(wanted[:, None, None], laws, hot)
    weights = of.stacked(program.objectives, step)

    def loss(numbers: Any, weight: of.Weights, target: jax.Array, law: jax.Array) -> tuple[jax.Array, jax.Array]:
        model = eqx.combine(numbers, static)
        found, fit = _terms(program, model, x, y, target, law, key)
        value = of.loss(of.averaged(found), weight)
        return value + fit, value

    gradient, value = jax.vmap(jax.grad(loss, has_aux=True))(models, weights, targets, laws)
    return value, gradient


def _terms(
    program: Program, model: Model, x: jax.Array, y: jax.Array, target: jax.Array, law: jax.Array, key: jax.Array
) -> tuple[Terms, jax.Array]:
    """Terms of a batch, and what priors and read-out are fitted by.

    Those are fitted with weight 1 whatever the trade-off, on z as it is: that makes bounds tight and leaves the
    gradient of the encoder as the objective has it.
    """
    mean, scale = laws = program.laws(model, x)
    noisy = program.objectives[0].latent != "mean"
    fixed = jax.lax.stop_gradient
    z = mean if not noisy else mean + scale * jr.normal(key, (program.draws, *mean.shape), mean.dtype)
    logits = applied(model.classifier, z)
    fit = terms.distortion(applied(model.readout, fixed(z)), y).mean()
    conditional, marginal = model.conditionals(), model.marginals()
    rates = {}
    if noisy:
        fit += terms.kl_classes(*fixed(laws), conditional, y).mean()
        rates["rate_conditional"] = terms.kl_classes(mean, scale, fixed(conditional), y)
        if program.trained_marginal:
            fit += terms.kl_diagonal(*fixed(laws), marginal).mean()
            rates["rate"] = terms.kl_diagonal(mean, scale, fixed(marginal))
        else:
            rates["rate"] = terms.kl_standard(mean, scale)
    if any(one.uses_divergence for one in program.objectives):
        rates["divergence"] = terms.divergence(logits, law)
    if any(one.uses_kernel for one in program.objectives):
        rates["kernel"] = terms.kernel_rate(mean, scale[0, 0])
    return Terms(cross_entropy=terms.distortion(logits, target), **rates), fit


def applied(layer: eqx.nn.Linear, z: jax.Array) -> jax.Array:
    """(..., classes) of (..., latent)."""
    assert layer.bias is not None
    return z @ layer.weight.T + layer.bias
