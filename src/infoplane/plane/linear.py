"""The plane of a linear network on normal inputs, in closed form: what an estimate of it has to agree with."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import xarray as xr

from ..channels import AdditiveGaussian
from ..errors import InputError
from ..laws import LinearLayer
from ..networks import WeightsRecording
from ..results import check, provenance
from .summary import add_summary

_CELLS = ("seed", "epoch", "layer")


def linear_plane(
    recording: WeightsRecording,
    law: LinearLayer,
    channel: AdditiveGaussian,
    *,
    parts: Mapping[str, Sequence[int]] | None = None,
) -> xr.Dataset:
    """What every layer of a linear network knows of a normal input and a linear target, exactly.

    A layer is T = Wbar X + b, Wbar the product of all weights up to it; X ~ N(0, S) and Y = V X + noise are the law's.
    All are jointly normal, so with noise of the analysis added to T every information is a log-determinant of
    covariances (:class:`infoplane.laws.LinearLayer`). Saxe et al. 2018, On the information bottleneck theory of deep
    learning, study deep linear networks so; the formulas are derived. Cost O((dx + dt)^3) a cell.

    Args:
        recording: of an ``MLP(..., activation="linear", output="linear")`` that runs without noise.
        law: of the data: its weights are the teacher V (dy, dx), its sigma the target's noise, its covariance S.
        channel: the noise of the analysis, without which I(X;T) is infinite.
        parts: columns of X by name, such as ``{"relevant": range(10)}``.

    Returns:
        Plane over (seed, epoch, layer), in nats and exact, of the law and not of samples: ``mi_input``, ``mi_target``,
        and ``mi_NAME`` = I(X[columns]; T) of every part; over (seed, epoch) the recorded curves and
        ``loss_population``, half the expected squared error of a new sample. The attribute ``ceiling_mi_target`` is
        I(X;Y). Estimates from samples come close to it: ``information_plane(recording, Gaussian(), channel=channel)``.

    Raises:
        InputError: another network, a law of other widths, another channel, parts without a column.
    """
    _check(recording, law, channel)
    columns = {f"mi_{name}": list(chosen) for name, chosen in (parts or {}).items()}
    for name in ("mi_input", "mi_target"):
        if name in columns:
            raise InputError(f"linear_plane has a part {name[3:]!r} already, of all inputs; choose another name.")
    shape = (len(recording.seeds), len(recording.epochs), len(recording.layers))
    found = {name: np.full(shape, np.nan) for name in ("mi_input", "mi_target", *columns)}
    loss = np.full(shape[:2], np.nan)
    for row, seed in enumerate(recording.seeds):
        for column, epoch in enumerate(recording.epochs):
            layers = list(effective_weights(recording, seed, epoch))
            for position, (weights, _) in enumerate(layers):
                layer = LinearLayer(weights, _noise(weights, law, channel), law.covariance)
                here = row, column, position
                found["mi_input"][here] = layer.mutual_information
                found["mi_target"][here] = layer.target(law.weights, law.sigma).mutual_information
                for name, chosen in columns.items():
                    found[name][here] = layer.inputs(chosen).mutual_information
            loss[row, column] = _population_loss(*layers[-1], law)
    coords = {"seed": recording.seeds, "epoch": recording.epochs, "layer": list(recording.layers)}
    dataset = xr.Dataset({name: (_CELLS, values) for name, values in found.items()}, coords)
    dataset["loss_population"] = (_CELLS[:2], loss)
    dataset = dataset.assign({str(name): values for name, values in recording.scalars.items()})
    names = {"mi_input": channel.input_name, "mi_target": channel.target_name}
    names |= {name: channel.input_name.replace("X", f"X {name.removeprefix('mi_')}", 1) for name in columns}
    for name, quantity in names.items():
        dataset[name].attrs = {"quantity": quantity, "direction": "exact", "unit": "nats"}
    dataset.attrs = provenance(
        method="closed form of a linear network on normal inputs",
        channel=repr(channel),
        task=recording.probe.task,
        noise="none",
        training=recording.provenance,
        seeds=[int(seed) for seed in recording.seeds],
        ceiling_mi_target=law.mutual_information,
    )
    return check(add_summary(dataset))


def effective_weights(recording: WeightsRecording, seed: int, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Wbar (units, inputs) and b (units,) of every layer of a linear network, T = Wbar x + b, in double precision."""
    weights = bias = None
    for matrix, shift in recording.weights(seed, epoch):
        matrix, shift = matrix.astype(np.float64), shift.astype(np.float64)
        bias = shift if bias is None else matrix @ bias + shift
        weights = matrix if weights is None else matrix @ weights
        yield weights, bias


def _noise(weights: np.ndarray, law: LinearLayer, channel: AdditiveGaussian) -> float:
    """Standard deviation of the noise, in units of the layer; a dead layer's deviation is taken as 1."""
    spread = math.sqrt(np.einsum("ij,jk,ik->", weights, law.input_covariance, weights) / len(weights))
    return channel.sigma * (spread or 1.0 if channel.relative else 1.0)


def _population_loss(weights: np.ndarray, bias: np.ndarray, law: LinearLayer) -> float:
    error = weights - law.weights
    squares = np.einsum("ij,jk,ik->", error, law.input_covariance, error)
    return 0.5 * float(squares + bias @ bias + len(bias) * law.sigma**2)


def _check(recording: WeightsRecording, law: LinearLayer, channel: AdditiveGaussian) -> None:
    if not isinstance(recording, WeightsRecording):
        raise InputError(
            f"linear_plane needs the weights of a network, as train_ensemble records them, got a "
            f"{type(recording).__name__}."
        )
    network = recording.network
    if (network.activation, network.output) != ("linear", "linear") or recording.noise is not None:
        raise InputError(
            "linear_plane needs MLP(..., activation='linear', output='linear') without noise, got "
            f"{network.activation}/{network.output}{', with noise' if recording.noise else ''}."
        )
    if not isinstance(law, LinearLayer) or (law.dim_x, law.dim_y) != (network.widths[0], network.widths[-1]):
        got = f"widths {law.dim_y}, {law.dim_x}" if isinstance(law, LinearLayer) else f"a {type(law).__name__}"
        raise InputError(
            f"linear_plane needs the law of the data as laws.LinearLayer(teacher of shape "
            f"({network.widths[-1]}, {network.widths[0]}), noise, covariance of X), got {got}."
        )
    if not isinstance(channel, AdditiveGaussian):
        raise InputError(f"linear_plane needs the channel AdditiveGaussian(sigma), got {channel!r}.")
