"""A network over its training as ensembles: wide ones come near infinite width, PyTorch equals JAX, files keep all."""

from __future__ import annotations

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import infoplane as ip
from infoplane.infinite import Dense, Ensemble, empirical_information
from infoplane.infinite.finite import draw
from infoplane.results import load, save

NET = Dense(1, "erf", 1.5, 0.1)
RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((20, 4))
Y = X[:, 0] + 0.3 * RANDOM.standard_normal(20)
TRAIN, TEST, TIMES = (X[:12], Y[:12]), (X[12:], Y[12:]), [0.1, 1.0, 10.0]


def forward(p, x):
    hidden = jax.scipy.special.erf(1.5 / x.shape[1] ** 0.5 * x @ p["w1"] + 0.1 * p["b1"])
    return (1.5 / p["w1"].shape[1] ** 0.5 * hidden @ p["w2"] + 0.1 * p["b2"])[:, 0]


def weights(width: int, seed: int):
    one = draw(NET, width, (4,), seed=seed)
    return {"w1": one.weights[0], "b1": one.biases[0], "w2": one.weights[1], "b2": one.biases[1]}


@pytest.mark.slow
def test_wide_networks_come_near_infinite_width() -> None:
    """Four groups of 8 networks of width 512 and 200 starts: within 5 errors of the mean and a bias of order 1/512."""
    wanted = Ensemble(NET, *TRAIN).information(*TEST, TIMES, draws=64)
    found = [
        empirical_information(
            forward, {0: [weights(512, 1000 * g + s) for s in range(8)]}, TRAIN, TEST, TIMES,
            networks=True, starts=[weights(512, 1000 * g + 100 + s) for s in range(200)], draws=64,
        )
        for g in range(4)
    ]  # fmt: skip
    for name in ("loss_gibbs", "mi_input", "mi_target", "fisher_trace"):
        each = np.array([one[name].to_numpy()[0] for one in found])
        error = each.std(axis=0, ddof=1) / np.sqrt(4)
        truth = wanted[name].to_numpy()
        assert (abs(each.mean(axis=0) - truth) < 5 * error + 0.02 * abs(truth)).all(), name


def test_one_network_over_its_training_and_the_file(tmp_path) -> None:
    start = weights(32, 0)
    moved = {name: 1.2 * value for name, value in start.items()}
    starts = [weights(32, seed) for seed in range(1, 31)]
    found = empirical_information(forward, {7: moved, 0: start}, TRAIN, TEST, TIMES, starts=starts)
    assert found.mi_input.dims == ("epoch", "time")
    assert found.epoch.to_numpy().tolist() == [0, 7]
    kernels = ip.infinite.empirical_kernels(forward, moved, TRAIN[0])
    np.testing.assert_allclose(found.kernel_ntk[1], kernels.ntk, rtol=1e-6)
    several = ip.infinite.empirical_kernels(forward, starts, TRAIN[0], networks=True)
    np.testing.assert_allclose(found.kernel_nngp, several.nngp, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.fisher_trace[:, 0], found.eigenvalues.sum("mode"), rtol=1e-9)
    assert float(found.drift[0]) == 0.0 < float(found.drift[1])
    assert any("30 start" in note for note in json.loads(found.attrs["notes"]))
    save(found, tmp_path / "found.nc")
    xr.testing.assert_identical(load(tmp_path / "found.nc"), found)


def test_torch_gives_the_same() -> None:
    torch = pytest.importorskip("torch", reason="the twin is a PyTorch network")

    def plain(p, x):
        return jnp.tanh(x @ p["0.weight"].T + p["0.bias"]) @ p["2.weight"].T + p["2.bias"]

    torch.manual_seed(0)
    made = [
        torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1)).double() for _ in range(9)
    ]
    states = [one.state_dict() for one in made]
    before = {name: value.clone() for name, value in states[0].items()}
    tensors = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in (TRAIN, TEST)]
    theirs = ip.torch.empirical_information(made[0], {0: states[0], 1: states[1]}, *tensors, TIMES, starts=states[1:])
    with jax.enable_x64(True):
        pytrees = [{name: value.numpy() for name, value in state.items()} for state in states]
        ours = empirical_information(plain, {0: pytrees[0], 1: pytrees[1]}, TRAIN, TEST, TIMES, starts=pytrees[1:])
    for name in ours.data_vars:
        np.testing.assert_allclose(theirs[name], ours[name], rtol=1e-5, atol=1e-8, err_msg=str(name))
    assert all(torch.equal(before[name], value) for name, value in made[0].state_dict().items())
    assert made[0].training


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: empirical_information(forward, {}, TRAIN, TEST, TIMES), "weights by epoch"),
        (lambda: empirical_information(forward, [1], TRAIN, TEST, TIMES), "weights by epoch"),
        (lambda: empirical_information(forward, {0: weights(4, 0)}, TRAIN, TEST, TIMES), "2 random starts"),
        (lambda: empirical_information(forward, {0: []}, TRAIN, TEST, TIMES, networks=True), "at least one network"),
        (lambda: _with((X[:12], Y[:11]), TEST), "target for every input"),
        (lambda: _with((X[:12], np.ones((12, 2))), (X[12:], np.ones((8, 2)))), "as many outputs"),
    ],
)
def test_what_does_not_fit_is_refused(made, words: str) -> None:
    with pytest.raises(ip.InputError, match=words):
        made()


def _with(train, test):
    return empirical_information(forward, {0: weights(4, 0)}, train, test, TIMES, starts=[weights(4, 1), weights(4, 2)])
