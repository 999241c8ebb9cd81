"""Values of a plane above ln n, H(Y) or I(X;Y) are told and flagged, and left as they are."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import numpy as np
import pytest

import infoplane as ip
from infoplane import information_plane
from infoplane.channels import AdditiveGaussian, Identity
from infoplane.errors import InputError
from infoplane.estimators import KDE, Binned, Estimator, Mixture, PairwiseBounds, Plugin
from infoplane.recordings import from_arrays
from infoplane.report.cautions import cautions
from infoplane.samples import Variable

BIT = math.log(2)
N = 80
Y = np.arange(N) % 2


@dataclass(frozen=True)
class Largest(Estimator):
    """The largest activation of the layer, in nats, whatever is asked."""

    looks: bool = False

    @property
    def needs_input(self) -> bool:  # type: ignore[override]
        return self.looks

    def estimate(self, x: Variable, y: Variable, *, seed: int) -> ip.Estimate:
        return ip.Estimate(float((x if x.name == "T" else y).values.max()), 0.0)


def layer_of(values: list[float]) -> np.ndarray:
    """(1, epochs, n, 1) activations with these maxima."""
    top = np.array(values)[:, None, None] * BIT
    return (top - np.linspace(0, 1e-3, N)[:, None])[None].astype(np.float64)


def notes(plane) -> list[str]:
    return [note for note in json.loads(plane.attrs["notes"]) if "exceeds" in note]


def test_cells_above_a_ceiling_are_counted_flagged_and_kept() -> None:
    layers = {"a": layer_of([0.5, 1.25, 6.0]), "b": layer_of([7.0, 0.99, 0.2])}
    plane = information_plane(from_arrays(layers, Y), Largest(), channel=Identity(assume_stochastic=True))
    assert notes(plane) == [
        "I(X;T) exceeds ln n = 6.32 bits in 1 of 6 cells, by up to 0.68 bits: no layer can know so much, so read these "
        "values as ln n.",
        "I(T;Y) exceeds H(Y) = 1 bits in 3 of 6 cells, by up to 6 bits: no layer can know so much, so read these "
        "values as H(Y).",
    ]
    assert plane.warned.isel(seed=0).to_numpy().tolist() == [[False, True], [True, False], [True, False]]
    assert plane.mi_target.sel(layer="a").to_numpy()[0] / BIT == pytest.approx([0.5, 1.25, 6.0])
    assert [c for c in cautions(plane) if "exceeds" in c] == notes(plane)


def test_a_plane_below_its_ceilings_says_nothing() -> None:
    plane = information_plane(from_arrays({"a": layer_of([0.5, 1.0])}, Y), Binned(4))
    assert notes(plane) == []
    assert not plane.warned.any()


def test_each_split_has_its_own_ceiling_and_its_own_sentence() -> None:
    """H(Y) is 1 bit on the training samples of both networks, and less on the others."""
    train = np.arange(N) < 60
    y = np.where(train, Y, np.arange(N) % 5 == 0)
    recording = from_arrays({"a": layer_of([0.9, 1.1])}, y, train=train)
    plane = information_plane(recording, Largest(), channel=Identity(assume_stochastic=True), split=["train", "test"])
    assert [note[: note.index(", by")] for note in notes(plane)] == [
        "I(T;Y) exceeds H(Y) = 1 bits in 1 of 2 cells of the split 'train'",
        "I(T;Y) exceeds H(Y) = 0.722 bits in 2 of 2 cells of the split 'test'",
    ]


def test_a_random_label_has_the_information_of_the_input_as_ceiling() -> None:
    """p(y|x) = 0.89 or 0.11: half a bit of I(X;Y), whatever labels were drawn."""
    law = np.where(Y[:, None] == [0, 1], 0.889972, 0.110028)
    recording = from_arrays({"a": layer_of([0.45, 0.6])}, Y, p_y_given_x=law)
    plane = information_plane(recording, Largest(), channel=Identity(assume_stochastic=True))
    (note,) = notes(plane)
    assert note.startswith("I(T;Y) exceeds I(X;Y) = 0.5 bits in 1 of 2 cells, by up to 0.1 bits")
    assert note.endswith("read these values as I(X;Y).")


def test_continuous_inputs_have_no_ceiling_where_they_are_looked_at() -> None:
    x = np.random.default_rng(0).standard_normal((N, 2))
    identity = Identity(assume_stochastic=True)
    layers = {"a": layer_of([9.0])}
    for inputs, looks, enumerated, expected in (
        (x, True, False, False), (x, False, False, True), (x, True, True, True), (np.arange(N), True, False, True),
    ):  # fmt: skip
        recording = from_arrays(layers, Y, inputs, enumerated=enumerated)
        plane = information_plane(recording, Largest(looks), channel=identity)
        assert any(note.startswith("I(X;T) exceeds ln n") for note in notes(plane)) == expected


@pytest.mark.parametrize(
    "estimator", [KDE(), Mixture(), PairwiseBounds(0.3), Binned(30)], ids=lambda e: type(e).__name__
)
def test_no_estimator_is_above_the_entropy_of_the_labels_without_a_note(estimator: Estimator) -> None:
    random = np.random.default_rng(1)
    near, far = random.standard_normal((2, N, 4))
    recording = from_arrays({"near": near, "far": far + 100.0 * Y[:, None]}, Y)
    channel = None if estimator.channel is not None else AdditiveGaussian(0.1)
    plane = information_plane(recording, estimator, channel=channel)
    above = (plane.mi_target > BIT + 1e-9) | (plane.mi_input > math.log(N) + 1e-9)
    loose = plane.mi_target_upper > BIT + 1e-9
    assert bool((above <= plane.warned).all())
    told = [note for note in notes(plane) if "I(T;Y)" in note]
    assert bool(told) == bool((plane.mi_target > BIT + 1e-9).any() or loose.any())
    assert bool(told) == (not isinstance(estimator, Binned))
    if isinstance(estimator, PairwiseBounds):
        assert told == [
            "The upper bound of I(T;Y) exceeds H(Y) = 1 bits in 2 of 2 cells: H(Y) is the better bound there."
        ]


def test_one_pass_of_a_noisy_network_is_called_what_it_is() -> None:
    random = np.random.default_rng(2)
    t, x = random.standard_normal((N, 2)), random.standard_normal((N, 3))
    noisy = from_arrays({"t": t}, Y, x, noise="Gaussian, sigma 0.1")
    for estimator, channel in ((Binned(5), None), (PairwiseBounds(0.3), None), (Plugin(), ip.channels.Quantize(5))):
        plane = information_plane(noisy, estimator, channel=channel)
        (note,) = (n for n in json.loads(plane.attrs["notes"]) if "one noisy pass" in n)
        assert note.startswith(f"The networks run with noise (Gaussian, sigma 0.1) and {estimator.short} saw one")
        assert "no I(X;T) of the noisy network" in note
        silent = information_plane(from_arrays({"t": t}, Y, x), estimator, channel=channel)
        assert not any("noisy pass" in n for n in json.loads(silent.attrs["notes"]))
        once = information_plane(from_arrays({"t": t}, Y, x, "a die", enumerated=True), estimator, channel=channel)
        assert once.mi_input.attrs["direction"] != "exact"  # all inputs, but not all that the noise can do
        assert float(once.mi_target_stderr.item()) > 0
    looking = information_plane(noisy, KDE(), channel=AdditiveGaussian(0.3))
    assert not any("noisy pass" in n for n in json.loads(looking.attrs["notes"]))
    coin = from_arrays({"t": t}, Y, np.arange(N) // 4, noise="a coin")  # every input four times: counted as such
    counted = information_plane(coin, Plugin(), channel=ip.channels.Quantize(5))
    assert not any("noisy pass" in n for n in json.loads(counted.attrs["notes"]))
    with pytest.raises(InputError, match="brings its own channel"):
        information_plane(noisy, Binned(5), channel=Identity())
