"""Where layers sit along the bottleneck's curve: their fitted betas, and how close these are to critical ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.special import ndtr

from ..channels import Channel, Quantize
from ..errors import InputError
from ..estimators import Estimator
from ..estimators.counting import keys_of
from ..progress import Progress, silent
from ..recordings.base import Recording, Split
from .bounds import BETAS, LayerBeta, beta_residuals, layer_beta
from .outputs import through
from .view import Cells, View, is_soft

_CELLS = ("seed", "epoch", "layer")


def layer_betas(
    recording: Recording,
    estimator: Estimator,
    *,
    channel: Channel | None = None,
    epochs: Sequence[int] | None = None,
    split: Split = "all",
    progress: Progress = silent,
) -> xr.Dataset:
    """The fitted beta of every layer at every checkpoint; see :func:`infoplane.plane.layer_beta`.

    Args:
        recording: on a task whose law p(y|x) is known and random.
        estimator: one that counts codes, such as ``Binned(30)``.
        channel: the quantiser, for an estimator that brings none.
        epochs: members of ``recording.epochs``; all if None.
        split: which inputs, equally likely.
        progress: called with the number of snapshots done.

    Returns:
        Dataset over (seed, epoch, layer): ``layer_beta``, ``layer_beta_residual`` in nats (never read one without the
        other), ``layer_beta_at_edge``, true where the beta is an end of the searched range, 0.8 or 300.

    Raises:
        InputError: certain labels or an unknown law; a channel that gives no codes.
    """
    law = recording.probe.p_y_given_x
    if law is None or not is_soft(law):
        raise InputError(
            "layer_betas needs random labels of known law p(y|x): for certain ones every beta above 1 fits alike. "
            "twelve_bit(gamma=0.1) is such a task."
        )
    wanted = recording.epochs if epochs is None else np.atleast_1d(np.asarray(epochs)).tolist()
    marks = sorted({recording.position("epoch", e) for e in wanted})
    names = list(recording.layers)
    view = View(recording, estimator, channel, names, marks)
    if not isinstance(view.channel, Quantize):
        raise InputError(f"layer_betas needs codes, as Binned(30) makes them, got the channel {view.channel!r}.")
    shape = (len(recording.seeds), len(marks), len(names))
    found = {name: np.full(shape, np.nan) for name in ("layer_beta", "layer_beta_residual")}
    at_edge, done = np.zeros(shape, bool), 0
    column_of = {mark: i for i, mark in enumerate(marks)}
    for block in recording.blocks(names, marks, split):
        columns = [column_of[mark] for mark in block.epoch]
        for k, layer in enumerate(names):
            fits = fitted(view, block.activations[layer], Cells(block.seed, block.epoch), layer, split)
            found["layer_beta"][block.seed, columns, k] = [fit.beta for fit in fits]
            found["layer_beta_residual"][block.seed, columns, k] = [fit.residual for fit in fits]
            at_edge[block.seed, columns, k] = [fit.at_edge for fit in fits]
        done += len(block.seed)
        progress("fitting betas", done, shape[0] * shape[1])
    coords = {"seed": np.asarray(recording.seeds), "epoch": np.asarray(recording.epochs)[marks], "layer": names}
    variables = {name: (_CELLS, values) for name, values in found.items()}
    return xr.Dataset({**variables, "layer_beta_at_edge": (_CELLS, at_edge)}, coords)


def residual_profiles(
    recording: Recording, estimator: Estimator, betas: Any, *, epoch: int, progress: Progress = silent
) -> xr.Dataset:
    """How far every layer is from the bottleneck encoder of each of some betas, at one checkpoint.

    Args:
        recording: on a task whose law p(y|x) is known, certain or random.
        estimator: one that counts codes and brings its quantiser, such as ``Binned(30)``.
        betas: (m,) positive multipliers.
        epoch: a member of ``recording.epochs``.
        progress: called with the number of layers done.

    Returns:
        Dataset with ``residual`` over (seed, layer, beta) in nats: a valley where the fit means something, a level line
        where every beta fits alike.

    Raises:
        InputError: an unknown law.
    """
    law, names = recording.probe.p_y_given_x, list(recording.layers)
    if law is None:
        raise InputError("residual_profiles needs the law p(y|x) of the label, and this recording does not know it.")
    grid = np.asarray(betas, np.float64).ravel()
    view = View(recording, estimator, None, names, [recording.position("epoch", epoch)])
    found = np.empty((len(recording.seeds), len(names), len(grid)))
    for row, number in enumerate(recording.seeds):
        for k, layer in enumerate(names):
            values = recording.activations(int(number), epoch, layer)[None]
            cells = Cells(np.array([row]), np.array(view.marks))
            found[row, k] = beta_residuals(_codes(view, values, cells, layer, "all")[0], law, grid)
            progress("residuals", row * len(names) + k + 1, len(recording.seeds) * len(names))
    coords = {"seed": np.asarray(recording.seeds), "layer": names, "beta": grid}
    return xr.Dataset({"residual": (("seed", "layer", "beta"), found)}, coords)


def fitted(view: View, values: np.ndarray, cells: Cells, layer: str, split: Split) -> list[LayerBeta]:
    """The fits of some snapshots of one layer, (cells, n, d) activations of these cells."""
    recording = view.recording
    law, samples = recording.probe.p_y_given_x, recording.samples(split)
    assert law is not None
    laws = [law if samples is None else law[samples[row]] for row in cells.seeds]
    return [layer_beta(codes, own) for codes, own in zip(_codes(view, values, cells, layer, split), laws, strict=True)]


def _codes(view: View, values: np.ndarray, cells: Cells, layer: str, split: Split) -> np.ndarray:
    """(cells, n) codes of (cells, n, d) activations, as the view's channel makes them."""
    block = view.block(values, cells, layer, split, np.arange(values.shape[1])[None])
    return keys_of(np.asarray(through(view.channel, block)))


def critical_betas_of(dataset: xr.Dataset) -> np.ndarray:
    """The critical betas that a dataset names in its attributes; none if it does not."""
    return np.asarray(json.loads(str(dataset.attrs.get("critical_betas", "[]"))), np.float64)


class Nearness(NamedTuple):
    """How close betas are to critical ones.

    Attributes:
        distance: |ln(beta / nearest critical beta)|; nan outside the range compared.
        rank: the share of log-uniform betas of that range that are as close or closer: uniform on (0, 1) for betas
            that have nothing to do with critical ones.
        p_independent: the chance of a mean rank as small for betas drawn independently.
        p_shifted: the chance of it when all betas are moved together by one random factor (round the range): betas of
            networks alike are no independent draws, and this null keeps their pattern.
        counted: how many betas were compared.
    """

    distance: np.ndarray
    rank: np.ndarray
    p_independent: float
    p_shifted: float
    counted: int


def nearness(beta: np.ndarray, critical: np.ndarray, at_edge: np.ndarray | None = None) -> Nearness:
    """Compare fitted betas with critical ones, against betas that are log-uniform from the least critical one to 300.

    Args:
        beta: fitted betas, of any shape; those not finite, outside the range or at its end are left out.
        critical: critical betas, any order, at least one of them in the range.
        at_edge: which betas are ends of the range searched, of the same shape.

    Raises:
        InputError: no critical beta below 300.
    """
    high = np.log(BETAS[1])
    marks = np.sort(np.log(np.asarray(critical, np.float64).ravel()))
    marks = marks[marks < high]
    if len(marks) == 0:
        raise InputError(f"nearness needs a critical beta below {BETAS[1]:g}, got none.")
    low = marks[0]
    values = np.log(np.asarray(beta, np.float64))
    there = np.isfinite(values) & (values >= low) & (values < high)
    there &= True if at_edge is None else ~np.asarray(at_edge)
    distance = np.where(there, _distance(np.where(there, values, low), marks), np.nan)
    rank = np.where(there, _share_within(np.nan_to_num(distance), marks, high), np.nan)
    counted = int(there.sum())
    if counted == 0:
        return Nearness(distance, rank, np.nan, np.nan, 0)
    mean = float(rank[there].mean())
    p_independent = ndtr((mean - 0.5) * np.sqrt(12 * counted))  # a mean of uniform numbers, taken as normal
    offsets = (np.arange(2000) + 0.5) / 2000 * (high - low)
    moved = [_distance(low + (values[there] - low + offset) % (high - low), marks) for offset in offsets]
    means = np.array([_share_within(d, marks, high).mean() for d in moved])
    return Nearness(distance, rank, float(p_independent), float((means <= mean).mean()), counted)


def _distance(values: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """To the nearest of sorted marks."""
    right = np.clip(np.searchsorted(marks, values), 0, len(marks) - 1)
    left = np.maximum(right - 1, 0)
    return np.minimum(np.abs(values - marks[left]), np.abs(values - marks[right]))


def _share_within(distance: np.ndarray, marks: np.ndarray, high: float) -> np.ndarray:
    """Share of the range from the first mark to ``high`` that lies within a distance of a mark."""
    gaps, last = np.diff(marks), high - marks[-1]
    within = np.minimum(2 * distance[..., None], gaps).sum(axis=-1) + np.minimum(distance, last)
    return within / (high - marks[0])
