"""Watching changes nothing about training; noise does, until it is removed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch_models import data, plain, same_state, train

import infoplane as ip

PROBE = data(100, seed=7)


@pytest.mark.parametrize("keep", ["activations", "weights"])
def test_weights_are_the_same_bit_by_bit(keep: str) -> None:
    """Batch norm's buffers, dropout's masks and the order of the data included."""
    model = plain()
    watch = ip.torch.watch(model, PROBE, keep=keep)

    def look(epoch: int) -> None:
        loss = lambda m, b: functional.cross_entropy(m(b[0]), b[1])  # noqa: E731
        watch.snapshot(epoch, **watch.gradients(loss, [PROBE]))

    assert same_state(train(model, look=look), train(plain()))
    assert watch.recording.epochs.tolist() == [0, 1, 2]


def test_model_is_left_as_found() -> None:
    model = plain()
    model.train()
    model[3].eval()  # a mode of its own
    model(PROBE[0]).sum().backward()
    gradients = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    buffers, random = [b.clone() for b in model.buffers()], torch.get_rng_state()
    watch = ip.torch.watch(model, PROBE)
    watch.snapshot(0)
    assert [m.training for m in model.modules()] == [not isinstance(m, nn.Dropout) for m in model.modules()]
    assert all(torch.equal(a, b) for a, b in zip(buffers, model.buffers(), strict=True))
    assert all(torch.equal(a, p.grad) for a, p in zip(gradients, model.parameters(), strict=True))
    assert torch.equal(random, torch.get_rng_state())
    assert torch.is_grad_enabled()
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_model_is_left_as_found_when_it_fails() -> None:
    class Fails(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.broken = plain(), False

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.broken:
                raise RuntimeError("no more")
            return self.inner(x)

    model = Fails().train()
    watch = ip.torch.watch(model, PROBE, layers=["inner.2"])
    model.broken, random = True, torch.get_rng_state()
    with pytest.raises(RuntimeError, match="no more"):
        watch.snapshot(0)
    assert all(m.training for m in model.modules())
    assert torch.equal(random, torch.get_rng_state())
    assert not any(m._forward_hooks for m in model.modules())
    with pytest.raises(ip.InputError, match="cannot be run on the probe: RuntimeError: no more"):
        ip.torch.watch(model, PROBE)


def test_noise_acts_in_training_and_evaluation_until_removed() -> None:
    model = plain().eval()
    x = PROBE[0]
    clean = model(x)
    watch = ip.torch.watch(model, PROBE)
    random = torch.get_rng_state()
    with watch.noise(0.3, layers=["2"]) as noise:
        assert noise.sigmas == {"2": 0.3}
        assert not torch.equal(model(x), model(x))
        model[2].train()
        assert not torch.equal(model[:3](x), model[:3](x))
        added = torch.stack([model[:3](x) for _ in range(200)]).var(0).mean().sqrt().detach()
        assert abs(float(added) - 0.3) < 4 * 0.3 / np.sqrt(2 * 200 * x.shape[0] * 16)
    assert torch.equal(model(x), clean)
    assert torch.equal(random, torch.get_rng_state())  # its numbers are its own


def test_noise_changes_training_and_is_declared() -> None:
    model = plain()
    watch = ip.torch.watch(model, PROBE)
    noise = watch.noise(0.2, relative=True)
    assert not same_state(train(model, look=watch.snapshot), train(plain()))
    recording = watch.recording
    assert "additive Gaussian" in str(recording.noise)
    assert "0.2 of the layer's deviation" in str(recording.noise)
    first, second = recording.own_noise("2"), recording.own_noise("5")
    assert first is not None
    assert second is not None
    assert (first.sigma, first.certain, second.certain) == (noise.sigmas["2"], True, False)
    watched = ip.torch.watch(plain(), PROBE)
    watched.snapshot(0)
    deviation = np.sqrt(watched.recording.activations(0, 0, "2").var(axis=0).mean())
    assert first.sigma == pytest.approx(0.2 * deviation, rel=1e-5)
    snr = recording.scalars.snr.sel(epoch=0).to_numpy()[0]
    assert snr[0] == pytest.approx(1 / 0.2**2, rel=1e-4)
    assert np.isnan(snr[-1])
    watch.noise(0.1, layers=["6"])
    with pytest.raises(ip.InputError, match="make another watch"):
        watch.snapshot(9)


def test_multiplicative_noise_on_inputs_is_marked() -> None:
    model = plain().eval()
    watch = ip.torch.watch(model, PROBE)
    watch.noise(0.01, layers=nn.Linear, kind="multiplicative", at="input")
    watch.snapshot(0)
    assert watch.recording.noise == "multiplicative Gaussian (sigma 0.01) on the input of 0, 4, 6"
    assert watch.recording.own_noise("2") is None  # nothing of its own is known


def test_gradients_are_those_of_the_ensemble() -> None:
    task = ip.data.twelve_bit()
    network = ip.networks.MLP([12, 5, 3, 2], "tanh")
    recording = ip.networks.train_ensemble(
        network, task, seeds=1, epochs=2, batch_size=500, train_fraction=0.5, checkpoint_epochs=[2]
    )
    model = from_weights(recording.weights(0, 2))
    rows = np.flatnonzero(recording.probe.train[0])
    x, y = torch.from_numpy(task.x[rows]), torch.from_numpy(task.y[rows]).long()
    whole = [(x, y)]
    watch = ip.torch.watch(model, (x, y))
    found = watch.gradients(lambda m, b: functional.cross_entropy(m(b[0]), b[1]), whole)
    kept = recording.scalars.sel(seed=0, epoch=2)
    assert watch.layers == ("1", "3", "4")
    np.testing.assert_allclose(found["weight_norm"], kept.weight_norm, rtol=1e-6)
    np.testing.assert_allclose(found["gradient_mean"], kept.gradient_mean, rtol=1e-4)  # the mean is that of any batches
    np.testing.assert_allclose(found["gradient_std"], 0.0, atol=1e-9)  # of one batch
    thirds = [(x[k::3], y[k::3]) for k in range(3)]
    parts = watch.gradients(lambda m, b: functional.cross_entropy(m(b[0]), b[1]), thirds)
    np.testing.assert_allclose(parts["gradient_mean"], kept.gradient_mean, rtol=1e-4)
    by_hand = []
    for part_x, part_y in thirds:
        model.zero_grad()
        functional.cross_entropy(model(part_x), part_y).backward()
        by_hand.append([model[k].weight.grad.double().numpy() for k in (0, 2, 4)])
    for k in range(3):
        each = np.stack([one[k] for one in by_hand])
        weights = np.array([len(b[0]) for b in thirds]) / len(x)
        mean = np.tensordot(weights, each, 1)
        deviation = np.sqrt((weights * ((each - mean) ** 2).sum(axis=(1, 2))).sum())
        assert parts["gradient_std"][k] == pytest.approx(deviation, rel=1e-5)


def from_weights(layers: list[tuple[np.ndarray, np.ndarray]]) -> nn.Sequential:
    """A PyTorch model with the weights of one of the package's own networks with tanh."""
    parts: list[nn.Module] = []
    for weights, biases in layers:
        linear = nn.Linear(weights.shape[1], weights.shape[0])
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(np.array(weights)))
            linear.bias.copy_(torch.from_numpy(np.array(biases)))
        parts += [linear, nn.Tanh()]
    return nn.Sequential(*parts[:-1])


@pytest.mark.slow
def test_the_same_network_through_both_roads() -> None:
    """From the same weights: pairwise bounds to 1e-5; binned too, less samples within 1e-6 of an inner edge."""
    task = ip.data.twelve_bit()
    network = ip.networks.MLP([12, 10, 7, 5, 4, 3, 2], "tanh")
    own = ip.networks.train_ensemble(network, task, seeds=1, epochs=60, checkpoint_epochs=[60])
    model = from_weights(own.weights(0, 60))
    watch = ip.torch.watch(model, (torch.from_numpy(task.x), torch.from_numpy(task.y)), layers=nn.Tanh)
    watch.snapshot(60)
    theirs = watch.recording
    pairs = dict(zip(own.layers[:-1], theirs.layers, strict=True))
    bounds = [
        ip.information_plane(r, ip.estimators.PairwiseBounds(0.1), layers=names, epochs=[60])
        for r, names in ((own, list(pairs)), (theirs, list(pairs.values())))
    ]
    for name in ("mi_input", "mi_input_lower", "mi_target"):
        np.testing.assert_allclose(bounds[0][name], bounds[1][name], atol=1e-5)
    left_out = 0
    for mine, other in pairs.items():
        a, b = own.activations(0, 60, mine).astype(float), theirs.activations(0, 60, other).astype(float)
        edges = np.linspace(-1, 1, 31)[1:-1]
        clear = np.minimum(*(np.abs(v[..., None] - edges).min(axis=(1, 2)) for v in (a, b))) > 1e-6
        left_out += int((~clear).sum())
        found = [
            ip.information_plane(
                ip.recordings.from_arrays(
                    {"layer": v[clear].astype(np.float32)}, task.y[clear], ranges={"layer": (-1, 1)}
                ),
                ip.estimators.Binned(bins=30),
            )
            for v in (a, b)
        ]
        for name in ("mi_input", "mi_target"):
            np.testing.assert_allclose(found[0][name], found[1][name], atol=1e-5)
    assert left_out < 0.01 * len(pairs) * len(task.y)  # 30 bins of each of 29 units: about 2e-6 * 15 * 29 of them
