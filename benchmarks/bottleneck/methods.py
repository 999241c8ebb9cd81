"""One function a solver of the bottleneck. Run by the Python of the package's own environment, as
``python -m benchmarks.bottleneck.methods FUNCTION MODULE PROBLEM RESULT``, so packages are imported inside
functions only.

Each function takes a (n_x, n_y) table p(x, y) and multipliers of I(T;Y), rising, and returns columns: ``mi_input`` and
``mi_target`` in nats, one a beta; ``gap`` where the package gives one; where the clusters are to be had also ``mass``
and ``laws``, lists of arrays, one a beta.
"""

from __future__ import annotations

import importlib
import math
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..peers.methods import peak_mebibytes

Columns = dict[str, Any]
RAGGED = ("mass", "laws")
ENOUGH = 20.0  # seconds after which a function is not called again


def our_curve(table: np.ndarray, betas: np.ndarray, certify: bool = False) -> Columns:
    from infoplane.bottleneck import Joint, curve

    found = curve(Joint(table), betas, certify=certify)
    columns: Columns = {name: found[name].to_numpy() for name in ("mi_input", "mi_target")}
    if certify:
        return columns | {"gap": found.gap.to_numpy()}
    sizes = found.n_clusters.to_numpy()
    columns["mass"] = [row[:k] for row, k in zip(found.marginal.to_numpy(), sizes, strict=True)]
    columns["laws"] = [row[:k] for row, k in zip(found.decoder.to_numpy(), sizes, strict=True)]
    return columns


def our_certified(table: np.ndarray, betas: np.ndarray) -> Columns:
    return our_curve(table, betas, certify=True)


def plain(table: np.ndarray, betas: np.ndarray) -> Columns:
    from .plain import anneal

    points = list(anneal(table, betas.tolist()))[::-1]
    return {name: [getattr(p, name) for p in points] for name in ("mi_input", "mi_target", "mass", "laws")}


def embo(table: np.ndarray, betas: np.ndarray, scale: float = 1.0) -> Columns:
    """Betas must be equally spaced; ``False`` keeps the points that it would drop."""
    from embo import InformationBottleneck

    ends = {"minbeta": scale * betas[0], "maxbeta": scale * betas[-1], "numbeta": len(betas)}
    work = InformationBottleneck(pxy=table.copy(), ensure_monotonic_bound=False, **ends)  # it divides its argument
    rate, relevant = work.get_bottleneck()[:2]
    return {"mi_input": math.log(2) * np.array(rate), "mi_target": math.log(2) * np.array(relevant)}


def embo_scaled(table: np.ndarray, betas: np.ndarray) -> Columns:
    """At beta ln 2, which makes up for divergences in bits beside logarithms of p(t) in nats: our beta."""
    return embo(table, betas, math.log(2))


def dit_optimiser(table: np.ndarray, betas: np.ndarray) -> Columns:
    from dit import Distribution
    from dit.rate_distortion.information_bottleneck import InformationBottleneck

    distribution = Distribution(list(np.ndindex(table.shape)), table.ravel().tolist())
    joints = []
    for beta in betas.tolist():
        work = InformationBottleneck(distribution, beta)
        work.optimize()
        joints.append(np.asarray(work.construct_joint(work._optima))[:, :, 0, :])
    return _of_joints(joints)


def dit_blahut_arimoto(table: np.ndarray, betas: np.ndarray) -> Columns:
    from dit.rate_distortion.blahut_arimoto import blahut_arimoto_ib

    return _of_joints([blahut_arimoto_ib(table, beta)[1] for beta in betas.tolist()])


def _of_joints(joints: list[np.ndarray]) -> Columns:
    """Columns of (n_x, n_y, k) laws p(x, y, t)."""
    columns: Columns = {"mi_input": [], "mi_target": [], "mass": [], "laws": []}
    for joint in joints:
        joint = joint[:, :, joint.sum(axis=(0, 1)) > 0]
        columns["mi_input"].append(_information(joint.sum(axis=1)))
        columns["mi_target"].append(_information(joint.sum(axis=0)))
        columns["mass"].append(joint.sum(axis=(0, 1)))
        columns["laws"].append((joint.sum(axis=0) / joint.sum(axis=(0, 1))).T)
    return columns


def _information(table: np.ndarray) -> float:
    there = table > 0
    apart = np.outer(table.sum(axis=1), table.sum(axis=0))
    return float((table[there] * np.log(table[there] / apart[there])).sum())


def main(name: str, module: str, problem: str, result: str) -> None:
    """Call a function three times, once where that takes long, and write what it found, its times and its memory.

    The module is imported beforehand, so that neither counts what importing takes.
    """
    importlib.import_module(module)
    function: Callable[[np.ndarray, np.ndarray], Columns] = globals()[name]
    with np.load(problem) as given:
        table, betas = given["table"], given["betas"]
    before, times, found = peak_mebibytes(), [], {}
    while not times or (len(times) < 3 and sum(times) < ENOUGH):
        start = time.perf_counter()
        found = function(table, betas)
        times.append(time.perf_counter() - start)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # embo works in a process of its own
    arrays = {"times": times, "mebibytes": max(peak_mebibytes(), children) - before}
    arrays |= {key: values for key, values in found.items() if key not in RAGGED}
    for key in RAGGED:
        arrays |= {f"{key}-{i}": values for i, values in enumerate(found.get(key, []))}
    np.savez(result, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
