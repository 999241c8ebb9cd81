"""Normalising flows: where their family holds the law, the value is right; elsewhere it says that it is low."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import infoplane as ip
from infoplane.estimators import NormalizingFlow
from infoplane.estimators.dense import dense
from infoplane.estimators.flow import _closed_form, _flow, _masks

QUICK = NormalizingFlow(layers=2, hidden=32, steps=400)


def normal(n: int, d: int, mi: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    rho = math.sqrt(1 - math.exp(-2 * mi / d))
    x = random.standard_normal((n, d))
    return x, rho * x + math.sqrt(1 - rho**2) * random.standard_normal((n, d))


def some_flow(d: int, layers: int = 3, last: float = 0.5) -> tuple[list, np.ndarray]:
    random = np.random.default_rng(0)
    chains = [dense(random, (d, 8, 2 * d), last=last) for _ in range(layers)]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *chains), _masks(random, layers, d)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_the_volume_is_that_of_the_map(d: int) -> None:
    layers, masks = some_flow(d)
    layers = jax.tree.map(lambda leaf: leaf + 0.1, layers)
    z = jnp.asarray(np.random.default_rng(1).standard_normal((4, d)), jnp.float32)
    jacobian = jax.vmap(jax.jacobian(lambda row: _flow(layers, masks, row[None])[0][0]))(z)
    expected = jnp.linalg.slogdet(jacobian)[1]
    assert float(jnp.abs(expected).max()) > 1e-3
    np.testing.assert_allclose(_flow(layers, masks, z)[1], expected, atol=1e-4)


def test_every_coordinate_is_changed_by_some_layer_and_seen_by_another() -> None:
    masks = _masks(np.random.default_rng(0), 4, 7)
    assert (masks.min(axis=0) == 0).all()
    assert (masks.max(axis=0) == 1).all()


def test_training_starts_at_the_identity() -> None:
    layers, masks = some_flow(3, last=0.0)
    z = np.random.default_rng(1).standard_normal((4, 3)).astype(np.float32)
    latents, volume = _flow(layers, masks, jnp.asarray(z))
    np.testing.assert_allclose(latents, z)
    np.testing.assert_allclose(volume, 0.0)


def test_the_closed_form_does_not_care_for_coordinates() -> None:
    x, y = normal(4000, 3, 1.2)
    random = np.random.default_rng(2)
    value = _closed_form(x @ random.standard_normal((3, 3)), y + 5.0)
    assert value == pytest.approx(_closed_form(x, y), abs=1e-9)
    assert value == pytest.approx(1.2, abs=4 * math.sqrt(3 * (1 - math.exp(-0.8)) / 4000))  # sqrt(sum rho^2 / n)


@pytest.mark.slow
@pytest.mark.parametrize("transform", [lambda z: z, lambda z: z**3, np.arcsinh], ids=["plain", "cube", "asinh"])
def test_normal_data_and_monotone_maps_of_them_are_exact(transform: Callable[[np.ndarray], np.ndarray]) -> None:
    x, y = normal(3000, 3, 1.0)
    found = ip.mutual_information(transform(x), transform(y), QUICK)
    assert found.value == pytest.approx(1.0, abs=4 * found.stderr + 0.01)  # 9 coefficients in 2 x 1500 samples
    assert found.details["closed_form"] == pytest.approx(found.value, abs=0.05)
    assert found.direction == "estimate"
    assert any("low as a rule" in note for note in found.notes)


@pytest.mark.slow
def test_one_coordinate_a_side() -> None:
    found = ip.mutual_information(*normal(2000, 1, 0.7), QUICK)
    assert found.value == pytest.approx(0.7, abs=4 * found.stderr + 0.01)


@pytest.mark.slow
def test_flows_straighten_what_a_copula_cannot() -> None:
    """The second coordinate of x is bent by the first, so that each side is curved and no monotone map helps."""
    x, y = normal(3000, 2, 2.0)
    bent = x + np.c_[np.zeros(3000), 1.5 * x[:, 0] ** 2]
    copula = ip.mutual_information(bent, y, NormalizingFlow(layers=2, hidden=32, steps=1)).value
    found = ip.mutual_information(bent, y, NormalizingFlow(layers=4, hidden=32, steps=1000, learning_rate=5e-3))
    assert copula < 1.6
    assert found.value > copula + 0.2
    assert found.value < 2.0 + 4 * found.stderr


def test_independent_data_have_about_nothing() -> None:
    random = np.random.default_rng(3)
    found = ip.mutual_information(random.standard_normal((3000, 3)), random.random((3000, 3)), QUICK)
    assert abs(found.value) < 0.03


def test_a_side_that_does_not_vary_knows_nothing() -> None:
    assert ip.mutual_information(np.ones(100), np.random.default_rng(4).random(100), QUICK).value == 0.0


def test_what_has_no_density_is_refused() -> None:
    with pytest.raises(ip.InputError, match="needs densities and y is discrete"):
        ip.mutual_information(np.random.default_rng(5).random(100), np.arange(100) % 3, QUICK)
    with pytest.raises(ip.InputError, match="at least 32 samples, got 31"):
        ip.mutual_information(*normal(31, 1, 1.0), QUICK)


@pytest.mark.parametrize("settings", [{"layers": 0}, {"hidden": 1.5}, {"folds": 1}, {"steps": -3}])
def test_settings_that_cannot_be_are_refused(settings: dict) -> None:
    with pytest.raises(ip.InputError, match=f"as {next(iter(settings))}, got"):
        NormalizingFlow(**settings)
