"""Information of layers with noise of their own, against quadrature on layers of one and two units."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.special import logsumexp

import infoplane as ip
from infoplane.channels import OwnNoise
from infoplane.estimators import GaussianDropout, LayerBlock, Passes, SamplePropagation
from infoplane.estimators.brackets import monte_carlo_error, steadied
from infoplane.estimators.gaussian_mixtures import log_densities, normal_log_density, own_log_densities

INPUTS = np.linspace(-1.5, 1.8, 8)
LABELS = (INPUTS > 0.4).astype(np.int64)
FIRST = np.tanh(np.stack([1.3 * INPUTS + 0.2, -0.7 * INPUTS**2 + 0.4], axis=1))  # (n, 2)


def block_of(centres, noise: OwnNoise, y=LABELS, law=None, seed: int = 0, orders=None) -> LayerBlock:
    """One snapshot whose centres come from a function (draws, generator) -> (n, draws, d)."""
    n = len(y)

    def drawn(cell: int, draws: int, stream: int) -> np.ndarray:
        return centres(draws, np.random.default_rng([stream, 99]))

    activations = centres(1, np.random.default_rng(0))[None, :, 0]
    orders = np.arange(n)[None] if orders is None else orders
    passes = Passes(noise, drawn, ((0, 0, 0),))
    return LayerBlock(activations, y[None, :, None], orders, p_y_given_x=law, seed=seed, passes=passes)


def first_layer(units: int):
    return lambda draws, random: np.repeat(FIRST[:, None, :units], draws, axis=1)


def second_layer(sigma: float, multiplicative: bool = False):
    """One unit fed by one noisy unit."""

    def centres(draws, random):
        noise = sigma * random.standard_normal((len(FIRST), draws, 1))
        before = FIRST[:, None, :1] * (1 + noise) if multiplicative else FIRST[:, None, :1] + noise
        return np.tanh(1.6 * before - 0.3)

    return centres


def informations(densities: np.ndarray, grids: list[np.ndarray], labels=LABELS, law=None) -> tuple[float, float]:
    """I(X;T) and I(T;Y) from (n, *grid) densities of T given every input, by the trapezoidal rule."""
    law = np.eye(2)[labels] if law is None else law

    def entropy(density):
        values = -np.where(density > 0, density * np.log(np.maximum(density, 1e-300)), 0.0)
        for grid in reversed(grids):
            values = trapezoid(values, grid, axis=-1)
        return values

    whole = entropy(densities.mean(axis=0))
    share = law.mean(axis=0)
    classes = [np.tensordot(law[:, k] / law[:, k].sum(), densities, 1) for k in range(law.shape[1])]
    given_y = sum(p * entropy(density) for p, density in zip(share, classes, strict=True))
    return float(whole - entropy(densities).mean()), float(whole - given_y)


def gaussian(t, centre, scale):
    return np.exp(-0.5 * ((t - centre) / scale) ** 2) / (scale * math.sqrt(2 * math.pi))


def truth(case: str, sigma: float, law=None) -> tuple[float, float]:
    grid = np.linspace(-3.5, 3.5, 4001)
    if case == "one unit":
        return informations(np.stack([gaussian(grid, c, sigma) for c in FIRST[:, 0]]), [grid], law=law)
    if case == "one unit, dropout":
        return informations(np.stack([gaussian(grid, c, sigma * abs(c)) for c in FIRST[:, 0]]), [grid], law=law)
    if case == "two units":
        coarse = np.linspace(-3, 3, 601)
        columns = [np.stack([gaussian(coarse, c, sigma) for c in FIRST[:, k]]) for k in (0, 1)]
        return informations(columns[0][:, :, None] * columns[1][:, None, :], [coarse, coarse], law=law)
    nodes, weights = np.polynomial.hermite_e.hermegauss(160)
    weights = weights / weights.sum()
    densities = []
    for c in FIRST[:, 0]:
        before = c * (1 + sigma * nodes) if "dropout" in case else c + sigma * nodes
        after = np.tanh(1.6 * before - 0.3)
        scale = sigma * np.abs(after) if "dropout" in case else np.full_like(after, sigma)
        densities.append(weights @ gaussian(grid[None], after[:, None], scale[:, None]))
    return informations(np.stack(densities), [grid], law=law)


CASES = {
    "one unit": lambda sigma: (first_layer(1), OwnNoise("additive", sigma, True)),
    "two units": lambda sigma: (first_layer(2), OwnNoise("additive", sigma, True)),
    "one unit, dropout": lambda sigma: (first_layer(1), OwnNoise("multiplicative", sigma, True)),
    "second layer": lambda sigma: (second_layer(sigma), OwnNoise("additive", sigma, False)),
    "second layer, dropout": lambda sigma: (second_layer(sigma, True), OwnNoise("multiplicative", sigma, False)),
}


def measured(case: str, sigma: float, seed: int = 0, **settings):
    centres, noise = CASES[case](sigma)
    method = GaussianDropout() if noise.kind == "multiplicative" else SamplePropagation()
    return method.layer(block_of(centres, noise, seed=seed, **settings))


@pytest.mark.parametrize("sigma", [0.1, 0.4])
@pytest.mark.parametrize("case", list(CASES))
def test_quadrature_on_small_layers(case, sigma):
    found, (mi_input, mi_target) = measured(case, sigma), truth(case, sigma)
    assert abs(found.mi_input[0] - mi_input) < 4 * found.mi_input_stderr[0] + 2e-4
    assert abs(found.mi_target[0, 0] - mi_target) < 4 * found.mi_target_stderr[0] + 2e-4
    assert found.further["mi_input_bracket_lower"][0] <= found.mi_input[0] <= found.further["mi_input_bracket_upper"][0]


@pytest.mark.parametrize("case", ["one unit", "second layer"])
def test_random_labels_are_taken_with_their_law(case):
    chance = 1 / (1 + np.exp(-2 * INPUTS))
    law = np.stack([1 - chance, chance], axis=1)
    found = measured(case, 0.3, law=law[None])
    assert abs(found.mi_target[0, 0] - truth(case, 0.3, law)[1]) < 4 * found.mi_target_stderr[0] + 2e-4


@pytest.mark.parametrize(
    "case", ["one unit", "one unit, dropout", pytest.param("second layer", marks=pytest.mark.slow)]
)
def test_error_bars_are_right_over_200_repetitions(case):
    """Squared deviations over stated errors have mean 1: chi-squared with 200 degrees, so to 4 of its errors."""
    repetitions = 200
    mi_input, mi_target = truth(case, 0.3)
    scores = []
    for seed in range(repetitions):
        found = measured(case, 0.3, seed=seed)
        scores.append(
            [
                (found.mi_input[0] - mi_input) / found.mi_input_stderr[0],
                (found.mi_target[0, 0] - mi_target) / found.mi_target_stderr[0],
            ]
        )
    mean_square = (np.array(scores) ** 2).mean(axis=0)
    assert (np.abs(mean_square - 1) < 4 * math.sqrt(2 / repetitions)).all(), mean_square


def test_a_single_gaussian_has_its_entropy_and_constant_dropout_no_information():
    alone = np.zeros((5, 3))
    points = np.random.default_rng(0).standard_normal((2000, 3)) * 0.2
    surprisals = -log_densities(points, alone, np.full(3, 0.2), np.full((5, 1), 0.2))[:, 0]
    exact = 1.5 * math.log(2 * math.pi * math.e * 0.04)
    assert abs(surprisals.mean() - exact) < 4 * math.sqrt(1.5 / 2000)
    constant = block_of(lambda draws, random: np.full((8, draws, 2), 0.7), OwnNoise("multiplicative", 0.3, True))
    found = GaussianDropout().layer(constant)
    assert abs(found.mi_input[0]) < 1e-12
    assert abs(found.mi_target[0, 0]) < 1e-12


def test_two_points_far_apart_are_one_bit_and_coinciding_ones_nothing():
    far = np.array([[-3.0], [3.0]])
    for places, exact in ((far, math.log(2)), (0 * far, 0.0)):
        block = block_of(
            lambda draws, random, p=places: np.repeat(p[:, None], draws, axis=1),
            OwnNoise("additive", 0.1, True),
            y=np.array([0, 1]),
        )
        found = SamplePropagation().layer(block)
        assert found.mi_input[0] == pytest.approx(exact, abs=1e-12)
        assert found.mi_target[0, 0] == pytest.approx(exact, abs=1e-12)


def test_densities_against_a_slow_twin():
    random = np.random.default_rng(3)
    points, centres = random.standard_normal((40, 3)) + 1e3, random.standard_normal((7, 3)) + 1e3
    weights = random.dirichlet(np.ones(7), size=2).T
    diagonal = random.uniform(0.3, 1.0, (7, 3))
    factor = random.standard_normal((7, 3, 3))
    full = factor @ factor.transpose(0, 2, 1) + 0.1 * np.eye(3)
    for scales, covariances in (
        (np.full(3, 0.5), np.broadcast_to(0.25 * np.eye(3), (7, 3, 3))),
        (diagonal, np.stack([np.diag(s**2) for s in diagonal])),
        (full, full),
    ):
        twin = np.empty((40, 7))
        for k in range(7):
            off = points - centres[k]
            inside = np.einsum("ni,ij,nj->n", off, np.linalg.inv(covariances[k]), off)
            twin[:, k] = -0.5 * (inside + np.linalg.slogdet(2 * math.pi * covariances[k])[1])
        expected = logsumexp(twin[:, :, None], axis=1, b=weights[None])
        np.testing.assert_allclose(log_densities(points, centres, scales, weights), expected, rtol=1e-7)
        own = normal_log_density(np.repeat(points[None], 7, axis=0), centres, np.asarray(covariances))
        np.testing.assert_allclose(own, twin.T, rtol=1e-7)


@pytest.mark.parametrize("size", [1e-3, 1e-7, 1e-11])
def test_densities_where_one_component_is_far_narrower_than_all_others(size):
    """Gaussian dropout of a unit close to 0: its density stands beside theirs, without cancellation."""
    centres = np.array([[size], [0.7], [-0.4]])
    points = size * (1 + 0.1 * np.linspace(-2, 2, 5))[:, None]
    found = log_densities(points, centres, 0.1 * np.abs(centres), np.full((3, 1), 1 / 3))[:, 0]
    z = (points[:, 0] - size) / (0.1 * size)
    expected = -0.5 * z**2 - 0.5 * math.log(2 * math.pi) - math.log(0.3 * size)
    np.testing.assert_allclose(found, expected, atol=1e-2 if size == 1e-3 else 1e-4)


@pytest.mark.parametrize("d", [64, 200])
def test_wide_deep_layers_keep_their_promise(d):
    """The truth lies in the bracket, in a layer too wide for full covariances too."""
    places = 0.25 * np.random.default_rng(2).standard_normal((40, d)) / math.sqrt(d / 10)
    y = (np.arange(40) % 2).astype(np.int64)
    cloud = block_of(
        lambda draws, random: places[:, None] + 0.2 * random.standard_normal((40, draws, d)),
        OwnNoise("additive", 0.2, False),
        y=y,
    )
    alone = OwnNoise("additive", math.hypot(0.2, 0.2), True)
    exact = SamplePropagation().layer(
        block_of(lambda draws, random: np.repeat(places[:, None], draws, axis=1), alone, y=y)
    )
    found = SamplePropagation(draws=24).layer(cloud)
    for kind, value in (("input", exact.mi_input[0]), ("target", exact.mi_target[0, 0])):
        assert found.further[f"mi_{kind}_bracket_lower"][0] < value < found.further[f"mi_{kind}_bracket_upper"][0]


def test_own_densities_with_and_without_a_points_own_component():
    random = np.random.default_rng(4)
    centres = random.standard_normal((3, 6, 2))
    points = centres + 0.3 * random.standard_normal(centres.shape)
    for scales in (np.full(2, 0.3), random.uniform(0.2, 0.5, centres.shape)):
        every, others = own_log_densities(points, centres, scales)
        for i in range(3):
            own = scales if scales.ndim == 1 else scales[i]
            uniform = np.full((6, 1), 1 / 6)
            np.testing.assert_allclose(every[i], log_densities(points[i], centres[i], own, uniform)[:, 0], rtol=1e-9)
            for k in range(6):
                left = np.delete(centres[i], k, axis=0)
                kept = own if scales.ndim == 1 else np.delete(own, k, axis=0)
                alone = log_densities(points[i, k : k + 1], left, kept, np.full((5, 1), 0.2))[0, 0]
                assert others[i, k] == pytest.approx(alone, rel=1e-9)


def test_a_control_steadies_without_moving():
    random = np.random.default_rng(6)
    control = random.standard_normal((50, 40))
    terms = 2.0 + 1.5 * control + 0.1 * random.standard_normal(control.shape)
    calm = steadied(terms, control)
    assert monte_carlo_error(calm) < 0.1 * monte_carlo_error(terms)
    assert abs(calm.mean() - 2.0) < 4 * monte_carlo_error(calm)


def test_shuffled_labels_come_one_column_an_order():
    orders = np.stack([np.arange(8), np.roll(np.arange(8), 4)])
    both = measured("one unit", 0.3, orders=orders)
    alone = measured("one unit", 0.3, y=LABELS[orders[1]])
    assert both.mi_target.shape == (1, 2)
    assert both.mi_target[0, 1] == pytest.approx(alone.mi_target[0, 0], rel=1e-9)


@pytest.mark.slow
def test_too_few_passes_are_told_and_the_value_is_then_a_lower_bound():
    """Ten units with far noisier inputs than their own noise: mixtures of 32 passes cannot fill ten dimensions.

    Each input's cloud is a Gaussian, so the truth is that of a layer with this noise alone.
    """
    places = 0.6 * np.random.default_rng(1).standard_normal((30, 10))
    spread, sigma = 0.5, 0.05
    y = (np.arange(30) % 2).astype(np.int64)
    cloud = block_of(
        lambda draws, random: places[:, None] + spread * random.standard_normal((30, draws, 10)),
        OwnNoise("additive", sigma, False),
        y=y,
    )
    alone = OwnNoise("additive", math.hypot(spread, sigma), True)
    exact = SamplePropagation().layer(
        block_of(lambda draws, random: np.repeat(places[:, None], draws, axis=1), alone, y=y)
    )
    found = SamplePropagation(draws=32).layer(cloud)
    assert [d.of for d in found.doubts] == ["input", "target"]
    assert math.isnan(found.mi_input_stderr[0])  # of a bound, no error tells how far it is from the truth
    assert "passes were too few" in found.doubts[0].sentence
    for kind, value in (("input", exact.mi_input[0]), ("target", exact.mi_target[0, 0])):
        assert found.further[f"mi_{kind}_bracket_lower"][0] < value < found.further[f"mi_{kind}_bracket_upper"][0]
    assert 0.6 * exact.mi_input[0] < found.mi_input[0] < exact.mi_input[0]


@pytest.mark.parametrize(
    ("method", "noise"),
    [
        pytest.param(SamplePropagation(16), ip.networks.AdditiveNoise(0.2), marks=pytest.mark.slow),
        (GaussianDropout(16), ip.networks.MultiplicativeNoise(0.2)),
    ],
)
def test_planes_of_noisy_networks(method, noise):
    whole = ip.data.twelve_bit()
    keep = np.random.default_rng(0).permutation(4096)[:200]
    task = ip.data.Task(whole.x[keep] - 0.45, whole.y[keep], "part")
    network = ip.networks.MLP([12, 3, 2, 2], noise=noise)
    recording = ip.networks.train_ensemble(network, task, seeds=1, epochs=2, batch_size=64, checkpoint_epochs=[2])
    null = 2 if isinstance(method, SamplePropagation) else 0  # every size of sample is another program to compile
    plane = ip.information_plane(recording, method, null=null, split="test", epochs=[2], layers=["hidden 2", "output"])
    hidden = plane.sel(layer="hidden 2").squeeze()
    assert plane.mi_input.attrs["quantity"] == "I(X;T) of the noisy network"
    assert 0 < float(hidden.mi_input_stderr) < 0.1
    assert 0 < float(hidden.mi_input) <= math.log(40)
    assert (0 < float(hidden.mi_target_p_value) <= 1) == (null > 0)
    assert bool(plane.mi_input.sel(layer="output").isnull().all())
    assert "layers with noise of their own" in plane.attrs["notes"]
    again = ip.information_plane(recording, method, split="test", epochs=[2], layers=["hidden 2"])
    np.testing.assert_array_equal(hidden.mi_input, again.mi_input.sel(layer="hidden 2").squeeze())


@pytest.mark.parametrize(("sigma", "bits"), [(0.1, 11.99999), (0.3, 9.8880), (0.5, 5.8313), (1.0, 1.9290)])
def test_noise_of_the_analysis_on_the_hypercube(sigma, bits):
    """A deterministic layer seen through a channel: the value lies at the truth, where bounds leave up to six bits."""
    task = ip.data.twelve_bit()
    recording = ip.recordings.from_arrays({"x": 5.0 + task.x.astype(float)}, task.y, enumerated=True)
    plane = ip.information_plane(recording, SamplePropagation(), channel=ip.channels.AdditiveGaussian(sigma)).squeeze()
    assert plane.mi_input.attrs["quantity"] == f"I(X; T + noise {sigma:g})"
    error = float(plane.mi_input_stderr) / math.log(2)
    assert error < 0.03
    assert abs(float(plane.mi_input) / math.log(2) - bits) < 4 * error + 6e-5
    relative = ip.channels.AdditiveGaussian(2 * sigma, relative=True)  # every unit has the standard deviation 1/2
    other = ip.information_plane(recording, SamplePropagation(), channel=relative).squeeze()
    assert float(other.mi_input) == pytest.approx(float(plane.mi_input), rel=1e-9)


@pytest.mark.slow
def test_beside_another_estimator_each_keeps_its_own_bracket():
    task = ip.data.twelve_bit()
    network = ip.networks.MLP([12, 3, 2], noise=ip.networks.AdditiveNoise(0.2))
    recording = ip.networks.train_ensemble(network, task, seeds=1, epochs=1, checkpoint_epochs=[1])
    binned, method, few = ip.estimators.Binned(10), SamplePropagation(), {"epochs": [1], "layers": ["hidden 1"]}
    target = ip.information_plane(recording, binned, estimator_target=method, seed=2**31, **few)
    assert "mi_input_bracket_lower" not in target
    assert "mi_target_bracket_lower" in target
    source = ip.information_plane(recording, method, estimator_target=binned, **few)
    assert "mi_input_bracket_lower" in source
    assert "mi_target_bracket_lower" not in source


def test_noise_that_does_not_fit_is_refused():
    task, plain = ip.data.twelve_bit(), ip.networks.MLP([12, 3, 2])
    settings = {"seeds": 1, "epochs": 1, "checkpoint_epochs": [1]}
    silent = ip.networks.train_ensemble(plain, task, **settings)
    with pytest.raises(ip.InputError, match="needs noise, and this recording declares none"):
        ip.information_plane(silent, SamplePropagation())
    channel = ip.channels.AdditiveGaussian(0.1)
    with pytest.raises(ip.InputError, match=r"here it is additive; use SamplePropagation\(\)"):
        ip.information_plane(silent, GaussianDropout(), channel=channel)
    network = ip.networks.MLP([12, 3, 2], noise=ip.networks.AdditiveNoise(0.1))
    noisy = ip.networks.train_ensemble(network, task, **settings)
    with pytest.raises(ip.InputError, match=r"with the noise it runs with .additive Gaussian, sigma 0.1"):
        ip.information_plane(noisy, SamplePropagation(), channel=channel)
    kept = ip.recordings.from_arrays({"t": task.x}, task.y, x=task.x, noise="some")
    with pytest.raises(ip.InputError, match="keeps activations only; use KSG"):
        ip.information_plane(kept, SamplePropagation())
    for wrapper in (ip.estimators.Debiased, ip.estimators.Compressed):
        with pytest.raises(ip.InputError, match="sends samples through a network; use it alone"):
            wrapper(SamplePropagation())


def test_errors_and_refusals():
    with pytest.raises(ip.InputError, match="pass a recording of a network with additive noise"):
        ip.mutual_information(np.random.default_rng(0).normal(size=(50, 2)), np.arange(50) % 2, SamplePropagation())
    with pytest.raises(ip.InputError, match="at least 2, got 1"):
        SamplePropagation(draws=1)
    sometimes = block_of(  # zeros in some passes only, where a layer before has noise
        lambda draws, random: np.maximum(FIRST[:, None] + random.standard_normal((8, draws, 2)), 0.0),
        OwnNoise("multiplicative", 0.3, False),
    )
    found = GaussianDropout().layer(sometimes)
    assert math.isnan(found.mi_input[0])
    assert math.isnan(found.mi_target[0, 0])
    assert "no noise there" in found.notes[0]
    dead = block_of(lambda draws, random: np.zeros((8, draws, 2)), OwnNoise("multiplicative", 0.3, True))
    found = GaussianDropout().layer(dead)
    assert math.isnan(found.mi_input[0])
    assert "no noise there and I(X;T) is infinite" in found.notes[0]
    wrong = SamplePropagation().layer(dead)
    assert "additive noise" in wrong.notes[0]
    target = SamplePropagation().layer(
        block_of(first_layer(1), OwnNoise("additive", 0.3, True), y=np.linspace(0.0, 1.0, 8))
    )
    assert math.isnan(target.mi_target[0, 0])
    assert math.isfinite(target.mi_input[0])
    assert "estimator_target" in target.notes[0]
