"""Kernels of finite networks as they are: JAX, PyTorch and a twin agree; wide ones approach the infinite ones."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import infoplane as ip
from infoplane.infinite import Dense, Kernels, empirical, empirical_kernels, kernel_drift
from infoplane.infinite.finite import draw

torch = pytest.importorskip("torch", reason="one of the twins is a PyTorch network")

X = np.random.default_rng(0).standard_normal((9, 4))
Y = np.random.default_rng(1).standard_normal((5, 4))


def forward(p, x):
    return jnp.tanh(x @ p["first"]) @ p["second"] + p["shift"]


def weights(seed: int = 0, outputs: int = 3) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    sizes = {"first": (4, 6), "second": (6, outputs), "shift": (outputs,)}
    return {name: random.standard_normal(size).astype(np.float32) for name, size in sizes.items()}


def slow(p: dict[str, np.ndarray], x1: np.ndarray, x2: np.ndarray) -> Kernels:
    """Gradient by gradient, pair by pair, from the closed form of this network."""

    def gradients(point: np.ndarray) -> np.ndarray:
        hidden = np.tanh(point @ p["first"])
        rows = []
        for o in range(p["shift"].size):
            first = np.outer(point, p["second"][:, o] * (1 - hidden**2))
            second = np.zeros_like(p["second"], dtype=np.float64)
            second[:, o] = hidden
            shift = np.eye(p["shift"].size)[o]
            rows.append(np.concatenate([first.ravel(), second.ravel(), shift]))
        return np.array(rows)

    def outputs(x: np.ndarray) -> np.ndarray:
        return np.tanh(x @ p["first"]) @ p["second"] + p["shift"]

    count = p["shift"].size
    ntk = np.array([[np.vdot(gradients(a), gradients(b)) / count for b in x2] for a in x1])
    return Kernels(outputs(x1) @ outputs(x2).T / count, ntk)


@pytest.mark.parametrize("block", [1, 400, 10**9])
@pytest.mark.parametrize("other", [None, Y])
def test_the_kernel_is_that_of_a_slow_twin(
    block: int, other: np.ndarray | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(empirical, "BLOCK_BYTES", block)
    p = weights()
    found = empirical_kernels(forward, p, X, other)
    for got, expected in zip(found[:2], slow(p, X, X if other is None else other)[:2], strict=True):
        np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-5)
    assert found.curvature is None
    if other is None:
        np.testing.assert_array_equal(found.ntk, found.ntk.T)


def test_torch_gives_the_same_and_leaves_the_model_as_found() -> None:
    p = weights()
    model = torch.nn.Sequential(torch.nn.Linear(4, 6, bias=False), torch.nn.Tanh(), torch.nn.Linear(6, 3))
    model = torch.nn.Sequential(*model, torch.nn.Dropout(0.5)).train()
    with torch.no_grad():
        model[0].weight.copy_(torch.from_numpy(p["first"].T))
        model[2].weight.copy_(torch.from_numpy(p["second"].T))
        model[2].bias.copy_(torch.from_numpy(p["shift"]))
    before = torch.random.get_rng_state()
    found = ip.torch.empirical_kernels(model, torch.from_numpy(X).float(), torch.from_numpy(Y).float())
    assert model.training
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(w.grad is None for w in model.parameters())
    for got, expected in zip(found[:2], slow(p, X, Y)[:2], strict=True):
        np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-5)
    model[0].weight.requires_grad_(False)
    fewer = ip.torch.empirical_kernels(model, torch.from_numpy(X).float())
    assert np.linalg.eigvalsh(found_all(model, X) - fewer.ntk).min() > -1e-4  # what is held fixed adds nothing


def found_all(model, x: np.ndarray) -> np.ndarray:
    for weight in model.parameters():
        weight.requires_grad_(True)
    return ip.torch.empirical_kernels(model, torch.from_numpy(x).float()).ntk


def test_the_mean_over_wide_networks_is_the_infinite_kernel() -> None:
    """Eight networks of width 512: the spread over networks falls as its root, the bias as the width."""
    net = Dense(2, "erf", 1.5, 0.1)
    made = [draw(net, 512, (4,), seed=seed) for seed in range(8)]

    def run(p, x):
        hidden = x
        for k, (w, b) in enumerate(p):
            scale = 1.5 / np.sqrt(w.shape[0])
            hidden = scale * hidden @ w + 0.1 * b
            hidden = jax.scipy.special.erf(hidden) if k < 2 else hidden
        return hidden

    several = [list(zip(one.weights, one.biases, strict=True)) for one in made]
    each = np.array([empirical_kernels(run, one, X).ntk for one in several])
    np.testing.assert_allclose(each[0], made[0].ntk(X), rtol=1e-4, atol=1e-4)
    together = empirical_kernels(run, several, X, networks=True).ntk
    np.testing.assert_allclose(together, each.mean(axis=0), rtol=1e-6)
    error = each.std(axis=0, ddof=1) / np.sqrt(8)
    assert (abs(together - net.kernels(X)[1]) < 5 * error + 10 / 512).all()


def test_drift_of_the_kernel() -> None:
    start = np.diag([3.0, 1.0])
    turned = np.array([[0.6, -0.8], [0.8, 0.6]])
    found = kernel_drift({5: Kernels(start, turned @ start @ turned.T), 0: start, 9: 2.0 * start})
    assert found.epoch.to_numpy().tolist() == [0, 5, 9]
    np.testing.assert_allclose(found.fisher_trace, [4.0, 4.0, 8.0])
    np.testing.assert_allclose(found.eigenvalues, [[3.0, 1.0], [3.0, 1.0], [6.0, 2.0]])
    np.testing.assert_allclose(found.participation, 1.6)
    np.testing.assert_allclose(found.drift[[0, 2]], [0.0, 1.0], atol=1e-12)
    np.testing.assert_allclose(found.alignment[[0, 2]], [1.0, 1.0])
    assert 0.0 < float(found.drift[1]) < 1.0


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: empirical_kernels(lambda p, x: x @ p * jnp.nan, np.ones(4), X), "finite outputs"),
        (lambda: empirical_kernels(lambda p, x: (x @ p).sum(), np.ones(4), X), "outputs for 9 inputs"),
        (lambda: empirical_kernels(forward, {}, X), "no array"),
        (lambda: empirical_kernels(forward, [], X, networks=True), "at least one network"),
        (lambda: kernel_drift({0: np.eye(2), 1: np.eye(3)}), "square kernels"),
        (lambda: kernel_drift({}), "square kernels"),
        (lambda: ip.torch.empirical_kernels(torch.nn.ReLU(), torch.zeros(2, 3)), "weights that require"),
    ],
)
def test_what_does_not_fit_is_refused(made, words: str) -> None:
    with pytest.raises(ip.InputError, match=words):
        made()


def test_a_side_that_is_held_makes_its_rows_once_and_one_that_is_too_large_does_not(monkeypatch) -> None:
    rows, asked_for = np.random.default_rng(0).standard_normal((6, 2, 5)), []

    def jacobian(first: int, last: int) -> np.ndarray:
        asked_for.append((first, last))
        return rows[first:last]

    side = empirical.Sides(6, np.ones((6, 2)), jacobian, 5)
    other = empirical.Sides(3, np.ones((3, 2)), lambda first, last: rows[first:last], 5)
    mine = empirical.held(side)
    own, cross = empirical.multiplied(mine).ntk, empirical.multiplied(other, mine).ntk
    np.testing.assert_allclose(own, np.einsum("iop,jop->ij", rows, rows) / 2, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(cross, own[:3], rtol=1e-12, atol=1e-14)
    assert asked_for == [(0, 6)]
    monkeypatch.setattr(empirical, "BLOCK_BYTES", 8 * 2 * 5 * 2)  # two rows
    assert empirical.held(side) is side
