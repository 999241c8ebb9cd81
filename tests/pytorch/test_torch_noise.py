"""Noise on layers of every kind is the noise that the recording declares."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch_models import data, plain

import infoplane as ip
from infoplane.estimators import PairwiseBounds

PROBE = data(400, seed=7)
Pair = namedtuple("Pair", ["values", "other"])
SIGMA = 0.3


class Gives(nn.Module):
    """A linear layer that returns its values in some other form."""

    def __init__(self, form: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear, self.form = nn.Linear(10, 6), form

    def forward(self, x: torch.Tensor) -> Any:
        return self.form(self.linear(x))


class Taken(nn.Module):
    def __init__(self, form: Callable[[torch.Tensor], Any], take: Callable[[Any], torch.Tensor]) -> None:
        super().__init__()
        self.layer, self.take, self.out = Gives(form), take, nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.take(self.layer(x)))


FORMS: dict[str, tuple[Callable[[torch.Tensor], Any], Callable[[Any], torch.Tensor]]] = {
    "tuple": (lambda h: (h, h.tanh()), lambda out: out[0]),
    "named tuple": (lambda h: Pair(h, h.tanh()), lambda out: out.values),
    "dict": (lambda h: {"values": h, "other": h.tanh()}, lambda out: out["values"]),
    "samples second": (lambda h: h.reshape(-1, 2, 3).transpose(0, 1), lambda out: out.transpose(0, 1)),
}


@pytest.mark.parametrize("form", FORMS)
def test_noise_gets_into_outputs_of_every_form(form: str) -> None:
    """It is there, of the size declared, on the way on as well, and passes are centred on the values before it."""
    make, take = FORMS[form]
    model = Taken(make, take)
    clean = model.layer.linear(PROBE[0]).detach().numpy()
    watch = ip.torch.watch(model, PROBE, ["layer", "out"], outputs={"layer": take}, keep="weights")
    watch.noise(SIGMA, layers=["layer"])
    watch.snapshot(0)
    recording = watch.recording
    noisy = recording.activations(0, 0, "layer")
    error = SIGMA / np.sqrt(2 * clean.size)
    assert (noisy - clean).std() == pytest.approx(SIGMA, abs=4 * error)
    np.testing.assert_array_equal(recording.activations(0, 0, "out"), noisy)
    for draw in recording.propagate(0, 0, "layer", 2).swapaxes(0, 1):
        np.testing.assert_allclose(draw, clean, atol=1e-6)
    assert recording.scalars.snr[0, 0, 0] == pytest.approx(clean.var(axis=0).mean() / SIGMA**2, rel=1e-4)


@pytest.mark.parametrize(
    "take", [lambda out: out.mean(1, keepdim=True), lambda out: out[:, :2], lambda out: out.tanh()]
)
def test_noise_that_cannot_be_put_back_is_refused(take: Callable[[torch.Tensor], torch.Tensor]) -> None:
    model = Taken(lambda h: h, lambda h: h)
    watch = ip.torch.watch(model, PROBE, ["layer", "out"], outputs={"layer": take})
    with pytest.raises(ip.InputError, match="outputs= takes something else of layer"):
        watch.noise(SIGMA, layers=["layer"])
    assert not model.layer._forward_hooks


def test_a_share_of_a_pooled_layer_is_one_of_its_units(tmp_path: Path) -> None:
    """The noise acts before pooling; a run that goes on has the same."""

    def model() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Unflatten(1, (1, 2, 5)), nn.Conv2d(1, 3, 2), nn.Tanh(), nn.Flatten(), nn.Linear(12, 2))

    settings: dict[str, Any] = {"pooling": {"2": ip.torch.SpatialMean()}, "path": tmp_path / "run"}
    watch = ip.torch.watch(model(), PROBE, ["2", "4"], **settings)
    noise = watch.noise(0.2, layers=["2"], relative=True)
    watch.snapshot(0)
    assert watch.recording.scalars.snr[0, 0, 0] == pytest.approx(1 / 0.2**2, rel=1e-4)
    own = watch.recording.own_noise("2")
    assert own is not None
    assert own.sigma == pytest.approx(noise.sigmas["2"] / 2)  # of the mean of four positions
    later = model()
    with torch.no_grad():
        later[1].weight.mul_(3.0)
    again = ip.torch.watch(later, PROBE, ["2", "4"], **settings)
    assert again.noise(0.2, layers=["2"], relative=True).sigmas == pytest.approx(noise.sigmas)
    again.snapshot(1)
    assert again.recording.epochs.tolist() == [0, 1]


def test_looking_leaves_the_noise_of_training_where_it_is() -> None:
    """Snapshots, gradients and further noise draw numbers of their own."""
    found = []
    for look in (False, True):
        model = plain().eval()
        watch = ip.torch.watch(model, PROBE)
        watch.noise(SIGMA, layers=["2"])
        first = model(PROBE[0])
        if look:
            watch.snapshot(0)
            watch.gradients(lambda m, b: functional.cross_entropy(m(b[0]), b[1]), [PROBE])
            watch.noise(SIGMA, layers=["5"], relative=True).remove()
        found.append((first, model(PROBE[0])))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


def test_noise_of_training_starts_again_from_a_number() -> None:
    """The same number gives the same noise, another other noise; 0 is how it all began."""
    model = plain().eval()
    watch = ip.torch.watch(model, PROBE)
    noise = watch.noise(SIGMA, layers=["2"])
    drawn = [model(PROBE[0])]
    for number in (7, 8, 7, 0):
        noise.restart(number)
        drawn.append(model(PROBE[0]))
    assert torch.equal(drawn[1], drawn[3])
    assert not torch.equal(drawn[1], drawn[2])
    assert torch.equal(drawn[0], drawn[4])
    with pytest.raises(ip.InputError, match=r"noise\.restart needs a whole number"):
        noise.restart(-1)
    noise.remove()
    with pytest.raises(ip.InputError, match="was removed"):
        noise.restart(1)


def test_planes_of_other_noise_are_not_continued(tmp_path: Path) -> None:
    for epoch, sigma in enumerate([SIGMA, SIGMA, 2 * SIGMA]):
        watch = ip.torch.watch(plain(), PROBE, estimator=PairwiseBounds(0.1), path=tmp_path / "run")
        watch.noise({"2": sigma, "5": 1.0})
        if sigma == SIGMA:
            watch.snapshot(epoch)
            continue
        with pytest.raises(ip.InputError, match=r"measured with the noise \(additive Gaussian \(sigma 0.3, 1\)"):
            watch.snapshot(epoch)
