"""The passes an estimator sends through a layer: of a network that runs with noise, or of a channel that adds it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..channels import AdditiveGaussian, Channel, Identity, OwnNoise
from ..errors import InputError
from ..estimators import Passes
from ..estimators.pairwise import noise_scale
from ..estimators.propagation import Propagation
from ..recordings.base import Recording


def passes_of(
    recording: Recording,
    channel: Channel,
    activations: Any,
    names: tuple[tuple[int, int, int], ...],
    rows: np.ndarray | None,
    layer: str,
) -> Passes | None:
    """Passes up to a layer of some snapshots; None where there is no noise to pass.

    Args:
        recording: of the network.
        channel: Identity() for noise of the network's own, AdditiveGaussian(...) for noise of the analysis.
        activations: (cells, n, d) of the samples that are measured.
        names: (network, epoch, position of the layer) of every cell.
        rows: (cells, n) positions of these samples in the probe; None for all.
        layer: name.
    """
    if isinstance(channel, AdditiveGaussian):
        return _analysis(channel, activations, names)
    noise = recording.own_noise(layer)
    if noise is None:
        return None

    def centres(cell: int, draws: int, stream: int) -> np.ndarray:
        found = recording.propagate(*names[cell][:2], layer, draws, stream=stream)
        return found if rows is None else found[rows[cell]]

    return Passes(noise, centres, names)


def _analysis(channel: AdditiveGaussian, activations: Any, names: tuple[tuple[int, int, int], ...]) -> Passes:
    """Passes of a deterministic layer: its activations, in units of the noise the channel adds to each snapshot."""
    scale = noise_scale(activations, channel)

    def centres(cell: int, draws: int, stream: int) -> np.ndarray:
        return np.repeat(np.asarray(activations[cell], np.float64)[:, None] / scale[cell], draws, axis=1)

    return Passes(OwnNoise("additive", 1.0, certain=True), centres, names)


def check_replayed(estimator: Propagation, channel: Channel, recording: Recording) -> None:
    """That an estimator which replays passes has noise of its kind to replay: the network's, or a channel's.

    Raises:
        InputError: neither, both, or noise of another kind.
    """
    who = type(estimator).__name__
    own = [noise for name in recording.layers if (noise := recording.own_noise(name)) is not None]
    if isinstance(channel, AdditiveGaussian):
        if recording.noise is not None:
            raise InputError(
                f"{who} measures this network with the noise it runs with ({recording.noise}); leave out "
                f"channel={channel!r}."
            )
        kinds = {"additive"}
    elif isinstance(channel, Identity) and recording.noise is not None:
        if not own:
            raise InputError(
                f"{who} sends samples through the network again and again, and this recording keeps activations only; "
                "use KSG(), or record the network itself."
            )
        kinds = {noise.kind for noise in own}
    else:
        raise InputError(
            f"{who} needs noise, and this recording declares none; record a network with {estimator.needs}, or name "
            "noise of the analysis for SamplePropagation(), channel=AdditiveGaussian(sigma)."
        )
    if estimator.kind not in kinds:
        raise InputError(
            f"{who} measures layers with {estimator.kind} noise, and here it is {' and '.join(sorted(kinds))}; use "
            f"{'SamplePropagation' if 'additive' in kinds else 'GaussianDropout'}()."
        )
