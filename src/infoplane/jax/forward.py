"""A user's function, compiled once for every structure of its state; weights flattened and put back."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from ..recordings.replay import apart, one_state

Outputs = Mapping[str, Any]


class Forward:
    """``forward(state, x)`` or ``forward(state, x, key)``, compiled; the state is any tree of arrays and other things.

    Attributes:
        noisy: it takes a key.
    """

    def __init__(self, forward: Callable[..., Outputs], *, compiled: bool) -> None:
        if not callable(forward):
            raise InputError(f"watch needs a function forward(state, x) or forward(state, x, key), got {forward!r}.")
        self._forward, self._compiled = forward, compiled
        self.noisy = _takes_key(forward)
        self._programs: dict[Any, Callable[..., Outputs]] = {}

    def __call__(self, state: Any, x: Any, key: Any) -> dict[str, Any]:
        """The outputs for one batch.

        Raises:
            InputError: they are no dict of arrays.
        """
        leaves, structure = jax.tree_util.tree_flatten(state)
        dynamic = [leaf for leaf in leaves if _is_array(leaf)]
        fixed = tuple(None if _is_array(leaf) else leaf for leaf in leaves)
        found = self._program(structure, fixed)(dynamic, x, key)
        if not isinstance(found, Mapping) or not found:
            raise InputError(
                f"watch needs forward to give a dict from layer to activations, got {type(found).__name__}; return "
                'for example {"hidden": hidden, "output": output}.'
            )
        return {str(name): value for name, value in found.items()}

    def _program(self, structure: Any, fixed: tuple[Any, ...]) -> Callable[..., Outputs]:
        def run(dynamic: list[Any], x: Any, key: Any) -> Outputs:
            arrays = iter(dynamic)
            leaves = [next(arrays) if leaf is None else leaf for leaf in fixed]
            state = jax.tree_util.tree_unflatten(structure, leaves)
            return self._forward(state, x, key) if self.noisy else self._forward(state, x)

        if not self._compiled:
            return run
        try:
            return self._programs.setdefault((structure, fixed), jax.jit(run))
        except TypeError:  # something in the state that cannot be looked up: compiled anew each time would be slower
            return run


def flattened(state: Any) -> np.ndarray:
    """(P,) floating numbers of a state."""
    return one_state(_arrays(state))[0]


def restored(row: np.ndarray, like: Any) -> Any:
    """A state whose floating arrays are those of a row, all else as in ``like``."""
    plan = one_state(_arrays(like))[1]
    arrays = apart(row, plan)
    leaves, structure = jax.tree_util.tree_flatten(like)
    back = [jnp.asarray(arrays[str(k)], leaf.dtype) if str(k) in arrays else leaf for k, leaf in enumerate(leaves)]
    return jax.tree_util.tree_unflatten(structure, back)


def _arrays(state: Any) -> dict[str, np.ndarray]:
    leaves = jax.tree_util.tree_leaves(state)
    found = {str(k): np.asarray(leaf) for k, leaf in enumerate(leaves) if _is_array(leaf)}
    return {k: a.astype(np.float32) if a.dtype.name in ("bfloat16", "float16") else a for k, a in found.items()}


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray | np.generic) and getattr(leaf.dtype, "kind", "V") in "fiubVc"


def _takes_key(forward: Callable[..., Any]) -> bool:
    try:
        every = inspect.signature(forward).parameters.values()
    except (TypeError, ValueError):
        return False
    places = [p for p in every if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p for p in places if p.default is p.empty]
    if len(places) < 2 or len(needed) > 3:
        raise InputError(
            f"watch calls forward(state, x), or forward(state, x, key) for a network that is random, and this function "
            f"takes {len(needed)} arguments; wrap it."
        )
    return len(needed) == 3 or (len(places) >= 3 and places[2].name in ("key", "rng", "seed"))
