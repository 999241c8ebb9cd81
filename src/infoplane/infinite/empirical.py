"""Kernels of networks of finite width, as they are: the tangent kernel of a user's own network, and how far it moves.

The rows of the Jacobian are made a block of samples at a time and multiplied there, so that memory holds two blocks
and never the whole: with P parameters and O outputs a block of b samples takes b O P numbers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from ..errors import InputError
from ..results import provenance
from .kernels import Kernels

BLOCK_BYTES = 500_000_000  # of one block of rows of the Jacobian
Rows = Callable[[int, int], np.ndarray]


class Sides(NamedTuple):
    """One network at one set of points.

    Attributes:
        n: points.
        outputs: (n, O).
        jacobian: called with (first, last), gives the rows of these points, (last - first, O, P).
        parameters: P.
    """

    n: int
    outputs: np.ndarray
    jacobian: Rows
    parameters: int


def empirical_kernels(
    forward: Callable[[Any, Any], Any], parameters: Any, x1: Any, x2: Any = None, *, networks: bool = False
) -> Kernels:
    """The tangent kernel of a JAX network at its parameters, and the second moments of its outputs.

    T(x, x') is the mean over the O outputs of the inner products of their gradients, so that O tr T is the trace of the
    Fisher information of a Gaussian output of unit variance; K(x, x') is the mean over outputs of f(x) f(x'), which of
    one network has rank O at most. Means over several networks approach the kernels of the ensemble they are drawn
    from. The parametrisation is the network's own. Memory: two blocks of rows of the Jacobian, half a gigabyte each, or
    the rows of two samples where these are larger; rows are made anew for every block before
    them. For PyTorch see :func:`infoplane.torch.empirical_kernels`.

    Args:
        forward: called with (parameters, x), gives (n,) or (n, O) outputs; each row depends on its own row of x only.
        parameters: a pytree of arrays; with ``networks=True`` a sequence of them, to be averaged over.
        x1: (n1, ...) inputs.
        x2: (n2, ...) inputs; those of x1 if None.
        networks: whether ``parameters`` are those of several networks.

    Returns:
        Kernels (n1, n2), float64; without curvature. :meth:`Ensemble.from_kernels` takes them.

    Raises:
        InputError: outputs of another shape, that are not finite, or no parameters.
    """
    several = list(parameters) if networks else [parameters]
    if not several:
        raise InputError("empirical_kernels(networks=True) needs the parameters of at least one network, got none.")
    side = asked(forward)
    found = [multiplied(*(side(one, x) for x in ((x1,) if x2 is None else (x1, x2)))) for one in several]
    nngp, ntk = (np.mean(every, axis=0) for every in ([k.nngp for k in found], [k.ntk for k in found]))
    return Kernels(nngp, ntk)


def multiplied(one: Sides, other: Sides | None = None) -> Kernels:
    """K and T from Jacobians, block by block; symmetric to the last bit for one set of points."""
    b = one if other is None else other
    for side in (one, b):
        if not np.isfinite(side.outputs).all():
            raise InputError("empirical_kernels needs finite outputs, and the network gives nan or infinity.")
    per_row = 8 * one.outputs.shape[1] * one.parameters
    rows = max(1, BLOCK_BYTES // per_row)
    ntk = np.empty((one.n, b.n))
    for first in range(0, one.n, rows):
        mine = one.jacobian(first, min(first + rows, one.n))
        for start in range(first if other is None else 0, b.n, rows):
            theirs = mine if other is None and start == first else b.jacobian(start, min(start + rows, b.n))
            part = np.tensordot(mine, theirs, axes=([1, 2], [1, 2])) / one.outputs.shape[1]
            ntk[first : first + len(mine), start : start + len(theirs)] = part
            if other is None and start != first:
                ntk[start : start + len(theirs), first : first + len(mine)] = part.T
    if other is None:
        ntk = (ntk + ntk.T) / 2.0
    return Kernels(one.outputs @ b.outputs.T / one.outputs.shape[1], ntk)


def held(one: Sides) -> Sides:
    """The same side with its Jacobian made once, where all rows are one block and memory holds them anyway."""
    if 8 * one.n * one.outputs.shape[1] * one.parameters > BLOCK_BYTES:
        return one
    whole = functools.cache(lambda: one.jacobian(0, one.n))
    return one._replace(jacobian=lambda first, last: whole()[first:last])


def kernel_drift(kernels: Mapping[int, Kernels] | Mapping[int, np.ndarray]) -> xr.Dataset:
    """How the tangent kernel of one network moves with training: whether it is where infinite width would leave it.

    Args:
        kernels: by epoch, kernels of the same points, or tangent kernels alone, (n, n).

    Returns:
        Dataset over (epoch) and (epoch, mode): ``fisher_trace`` = tr T, ``eigenvalues`` from the largest,
        ``participation`` = (sum lambda)^2 / sum lambda^2, ``drift`` = |T - T_0| / |T_0| (Frobenius), and ``alignment``,
        the cosine between T and T_0. At infinite width drift is 0 and alignment 1.

    Raises:
        InputError: no kernels, or of other shapes.
    """
    taken = {int(epoch): np.asarray(one.ntk if isinstance(one, Kernels) else one) for epoch, one in kernels.items()}
    shapes = {one.shape for one in taken.values()}
    if len(shapes) != 1 or len(shape := shapes.pop()) != 2 or shape[0] != shape[1]:
        raise InputError("kernel_drift needs square kernels of the same points at one epoch or more.")
    epochs = sorted(taken)
    start = taken[epochs[0]]
    size = np.linalg.norm(start)
    eigenvalues = np.array([np.linalg.eigvalsh(taken[e])[::-1] for e in epochs])
    drift = np.array([np.linalg.norm(taken[e] - start) for e in epochs]) / size
    cosine = np.array([np.vdot(taken[e], start) / (np.linalg.norm(taken[e]) * size) for e in epochs])
    return xr.Dataset(
        {
            "fisher_trace": ("epoch", eigenvalues.sum(axis=1)),
            "participation": ("epoch", eigenvalues.sum(axis=1) ** 2 / (eigenvalues**2).sum(axis=1)),
            "drift": ("epoch", drift),
            "alignment": ("epoch", cosine),
            "eigenvalues": (("epoch", "mode"), eigenvalues),
        },
        coords={"epoch": epochs},
        attrs=provenance(device="cpu"),
    )


def asked(forward: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Sides]:
    """How to look at JAX networks (parameters, x); those of one structure are compiled together, once."""
    import jax
    import jax.numpy as jnp
    from jax.flatten_util import ravel_pytree

    compiled: dict[Any, Any] = {}

    def side(parameters: Any, x: Any) -> Sides:
        flat, unravel = ravel_pytree(parameters)
        if not flat.size:
            raise InputError("empirical_kernels needs parameters, and the pytree has no array.")
        x = jnp.asarray(x)

        def of_one(p: jax.Array, point: jax.Array) -> jax.Array:
            return jnp.atleast_1d(forward(unravel(p), point[None])[0])

        leaves, structure = jax.tree.flatten(parameters)
        key = (structure, *((np.shape(leaf), np.asarray(leaf).dtype.str) for leaf in leaves))
        rows = compiled.setdefault(key, jax.jit(jax.vmap(jax.jacrev(of_one), (None, 0))))
        return Sides(
            len(x),
            as_outputs(np.asarray(forward(unravel(flat), x)), len(x)),
            lambda first, last: np.asarray(rows(flat, x[first:last]), np.float64),
            int(flat.size),
        )

    return side


def as_outputs(values: np.ndarray, n: int) -> np.ndarray:
    """(n, O) float64 outputs.

    Raises:
        InputError: another shape.
    """
    values = np.asarray(values, np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != n:
        raise InputError(f"empirical_kernels needs (n,) or (n, O) outputs for {n} inputs, got shape {values.shape}.")
    return values
