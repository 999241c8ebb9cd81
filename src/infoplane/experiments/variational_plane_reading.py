"""One small classifier of z, the same for all models: a lower bound of I(Z;Y) that no objective has a say in."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax

_EPOCHS, _BATCH, _WIDTH = 5, 200, 64


def read(z: np.ndarray, y: np.ndarray, z_test: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """(n_test, classes) ln q(.|z) of a network of two hidden layers, trained by cross-entropy on (z, y).

    Args:
        z: (n, d), one draw for every training image. y: (n,) labels.
        z_test: (n_test, d).
        classes: their number.
        seed: of the first weights and the batches.
    """
    centre, width = z.mean(axis=0), np.maximum(z.std(axis=0), 1e-6)
    seen, unseen = (jnp.asarray((one - centre) / width, jnp.float32) for one in (z, z_test))
    network = eqx.nn.MLP(z.shape[1], classes, _WIDTH, 2, key=jr.key(seed))
    return np.asarray(_read(network, seen, jnp.asarray(y), unseen, jr.key(seed)))


@eqx.filter_jit
def _read(network: Any, z: jax.Array, y: jax.Array, z_test: jax.Array, key: jax.Array) -> jax.Array:
    batch = min(_BATCH, len(y))
    steps = len(y) // batch
    numbers, static = eqx.partition(network, eqx.is_inexact_array)
    adam = optax.adam(optax.cosine_decay_schedule(3e-3, _EPOCHS * steps))
    orders = jax.vmap(lambda one: jr.permutation(one, len(y)))(jr.split(key, _EPOCHS))
    rows = orders[:, : steps * batch].reshape(_EPOCHS * steps, batch)

    def loss(numbers: Any, some: jax.Array) -> jax.Array:
        logits = jax.vmap(eqx.combine(numbers, static))(z[some])
        return optax.softmax_cross_entropy_with_integer_labels(logits, y[some]).mean()

    def update(carry: tuple[Any, Any], some: jax.Array) -> tuple[tuple[Any, Any], None]:
        numbers, state = carry
        change, state = adam.update(jax.grad(loss)(numbers, some), state)
        return (optax.apply_updates(numbers, change), state), None

    (numbers, _), _ = jax.lax.scan(update, (numbers, adam.init(numbers)), rows)
    return jax.nn.log_softmax(jax.vmap(eqx.combine(numbers, static))(z_test), axis=-1)
