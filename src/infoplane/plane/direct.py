"""I(X;T) where the noise of a layer is known: the entropy of the layer less that of its noise."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..channels import OwnNoise
from ..errors import InputError, Refusal
from ..estimate import Estimate
from ..estimators import KozachenkoLeonenko, WeightedKL
from ..estimators.entropies import LARGEST_DIMENSION
from ..progress import Progress, silent
from ..recordings.base import Recording
from ..results import check, provenance
from ..samples import Variable
from ..threads import one_blas_thread
from .ceilings import ceilings

_CELLS = ("seed", "epoch", "layer")
_PARTS = ("mi_input", "mi_input_stderr", "mi_target", "mi_target_stderr")


@one_blas_thread
def direct_information(
    recording: Recording,
    estimator: WeightedKL | KozachenkoLeonenko | None = None,
    *,
    layers: Sequence[str] | None = None,
    epochs: Sequence[int] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """h(T) - d/2 ln(2 pi e sigma^2): what a layer with additive Gaussian noise of its own knows, by one entropy only.

    For T = S + sigma Z the second term is h(T | S) exactly, so the difference is I(S;T). At the first layer with noise
    S is a function of the input and I(S;T) = I(X;T). At a deeper one S carries noise of layers before, and I(S;T) is no
    less than I(X;T): an upper value, and the quantity says so. An orthonormal projection, such as the codes of
    :func:`infoplane.recordings.compressed` with plain PCA, leaves the noise as it is, and the same holds for codes.

    Beside I(E(X);T) from three entropies this needs no code of the input, so it does not lose what that code loses.

    Args:
        recording: layers of at most 12 columns with known additive noise; others get nan and a note.
        estimator: of the entropies, and of I(T;Y) beside; ``WeightedKL()`` if None.
        layers: names; all if None.
        epochs: members of ``recording.epochs``; all if None.
        seed: seed of the estimator.
        progress: called with the number of snapshots done.

    Returns:
        A plane over (seed, epoch, layer), nats, with standard errors; attribute ``exact_noise_layers`` names the layers
        whose ``mi_input`` is I(X;T) itself.

    Raises:
        InputError: no layer has additive noise of known size, or an estimator without an entropy of this kind.
    """
    started = time.perf_counter()
    method = WeightedKL() if estimator is None else estimator
    if not isinstance(method, WeightedKL | KozachenkoLeonenko):
        raise InputError(f"direct_information takes WeightedKL() or KozachenkoLeonenko(), got {estimator!r}.")
    names, marks = recording.chosen("direct_information", layers, epochs)
    noises = {name: noise for name in names if (noise := recording.own_noise(name)) and noise.kind == "additive"}
    if not noises:
        raise InputError(
            "direct_information needs a layer with additive Gaussian noise of known size, and no layer here has that: "
            "its entropy given the input is then not known; use information_plane(...)."
        )
    shape = (len(recording.seeds), len(marks), len(names))
    found = {part: np.full(shape, np.nan) for part in _PARTS}
    warned, reasons = np.zeros(shape, bool), {}
    done = 0
    for block in recording.blocks(names, marks):
        for k, name in enumerate(names):
            for cell, (row, mark) in enumerate(zip(block.seed, block.epoch, strict=True)):
                at = (int(row), marks.index(int(mark)), k)
                values = np.asarray(block.activations[name][cell])
                told, cell_found = _measured(method, values, recording.y, noises.get(name), seed)
                for kind, one in cell_found.items():
                    found[f"mi_{kind}"][at], found[f"mi_{kind}_stderr"][at] = one.value, one.stderr
                    warned[at] |= bool(one.warnings)
                reasons |= dict.fromkeys(f"{name}: {text}" for text in told)
        done += len(block.seed)
        progress("measuring entropies", done, shape[0] * shape[1])
    return _assembled(
        recording, method, names, marks, noises, {**found, "warned": warned}, list(reasons), started, seed
    )


def _measured(
    method: WeightedKL | KozachenkoLeonenko, values: np.ndarray, y: np.ndarray, noise: OwnNoise | None, seed: int
) -> tuple[list[str], dict[str, Estimate]]:
    """What to beware of; and "input", I(S;T) from the entropy of T, and "target", I(T;Y), as far as they can be had."""
    told: list[str] = []
    found: dict[str, Estimate] = {}
    d = values.shape[1]
    if d > LARGEST_DIMENSION:
        return [f"no entropy is seen in {d} dimensions, at most {LARGEST_DIMENSION}; compress the layer first."], {}
    t, target = Variable(values, "T"), Variable(np.asarray(y).reshape(len(values), -1), "y")
    try:
        if noise is None:
            told.append("its own noise is not known or not additive, so h(T|X) is not known.")
        else:
            entropy = method.entropy(t, seed=seed)
            given = 0.5 * d * math.log(2.0 * math.pi * math.e * noise.sigma**2)
            found["input"] = dataclasses.replace(entropy, value=entropy.value - given, quantity="I(S;T)")
            told += entropy.warnings
        found["target"] = method.estimate(t, target, seed=seed)
    except Refusal as refusal:
        told.append(str(refusal))
    return told, found


def _assembled(
    recording: Recording,
    method: WeightedKL | KozachenkoLeonenko,
    names: list[str],
    marks: list[int],
    noises: dict[str, OwnNoise],
    found: dict[str, np.ndarray],
    reasons: list[str],
    started: float,
    seed: int,
) -> xr.Dataset:
    certain = [name for name in names if name in noises and noises[name].certain]
    deeper = [name for name in names if name in noises and not noises[name].certain]
    of_codes = ", of compressed variables" if recording.compressed[1] else ""
    coords = {"seed": recording.seeds, "epoch": recording.epochs[marks], "layer": np.asarray(names)}
    dataset = xr.Dataset({name: (_CELLS, values) for name, values in found.items()}, coords=coords)
    nothing = np.full(found["mi_input"].shape, np.nan)
    for end in ("mi_input_lower", "mi_input_upper", "mi_target_lower", "mi_target_upper"):
        dataset[end] = (_CELLS, found["mi_input"] if deeper and end == "mi_input_upper" else nothing)
    quantity = "I(S;T) by h(T) and the known noise, S before noise" if deeper else "I(X;T) by h(T) and the known noise"
    common = {"unit": "nats", "estimator": str(method)}
    dataset["mi_input"].attrs = {
        "quantity": quantity + of_codes,
        "direction": "upper" if deeper else "estimate",
        **common,
    }
    dataset["mi_target"].attrs = {"quantity": "I(T;Y)" + of_codes, "direction": "estimate", **common}
    notes = [*recording.notes, *reasons]
    if deeper:
        same = f" At {', '.join(certain)} it is I(X;T)." if certain else ""
        notes.append(f"At {', '.join(deeper)} the value is I(S;T), which is no less than I(X;T).{same}")
    dataset.attrs = provenance(
        estimator=f"h(T) by {method}, less that of the known noise",
        channel="Identity(assume_stochastic=False)",
        exact_noise_layers=certain,
        seed=seed,
        task=recording.probe.task,
        noise=recording.noise or "none",
        training=recording.provenance,
        notes=list(dict.fromkeys(notes)),
        seeds=[int(s) for s in recording.seeds],
        method=str(method),
        command=f"infoplane.plane.direct_information(recording, {method}, seed={seed})",
        **ceilings(recording, "all"),
        wall_time=time.perf_counter() - started,
    )
    return check(dataset)
