"""Information quantities: acceptance numbers, identities, inequalities, and terms that must not be dropped."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, logsumexp
from scipy.stats import norm

from infoplane.errors import InputError
from infoplane.infinite import At, Dense, Dual, Ensemble, Kernels, bounds, losses, parameters, quantities
from infoplane.infinite.dynamics import Root, Spectrum

K = np.array([[1, 0.3], [0.3, 1.2]])
T = np.array([[2, 0.5], [0.5, 3]])
Q = np.array([[3, 0.6], [0.6, 5]])
Y = np.array([[1.0], [-0.5]])
GRID = np.array([0.0, *np.logspace(-6, 12, 40), np.inf])


def example(*times: float):
    spectrum = Spectrum.of(K, T, Y)
    return spectrum, spectrum.modes(np.array(times))


def curved(spectrum, modes, curvature) -> tuple[parameters.Parameters, np.ndarray]:
    """The terms, and the curvature one, which is there."""
    found = parameters.information(spectrum, modes, curvature)
    assert found.curvature is not None
    return found, found.curvature


def network(seed: int, n: int = 8, outputs: int = 2, net: Dense | None = None):
    """Spectrum and curvature at random training points."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, 3)), rng.standard_normal((n, outputs))
    kernels = (net or Dense(2, "erf")).covariances(x, curvature=True)
    return Spectrum.of(kernels.nngp, kernels.ntk, y), kernels.curvature


def linear(seed: int, n: int = 4, p: int = 7, outputs: int = 2):
    rng = np.random.default_rng(seed)
    jacobian, y = rng.standard_normal((n, p)), rng.standard_normal((n, outputs))
    return jacobian, y, Spectrum.of(jacobian @ jacobian.T, jacobian @ jacobian.T, y)


def test_the_worked_example():
    spectrum, modes = example(0.5, 3, np.inf)
    found, bent = curved(spectrum, modes, Q)
    np.testing.assert_allclose(found.total, [1.99094495, 15.04564295, np.inf], rtol=1e-8)
    without = parameters.information(spectrum, modes, None)
    np.testing.assert_allclose(without.total, [1.44880548, 13.79066453, np.inf], rtol=1e-8)
    assert without.curvature is None
    assert (found.volume[0], found.overlap[0], bent[0]) == pytest.approx((2.5, 1.39080270, 0.54213947), rel=1e-8)
    np.testing.assert_allclose(
        parameters.output_divergence(spectrum, modes), [1.88215597, 14.78111368, np.inf], rtol=1e-8
    )
    np.testing.assert_allclose(
        parameters.parameter_distance(spectrum, modes), [0.67921636, 1.57196864, 1.58260870], rtol=1e-8
    )
    np.testing.assert_allclose(parameters.action(spectrum, modes), [1.52534357, 1.72497806, 1.725], rtol=1e-8)
    np.testing.assert_allclose(parameters.fisher_energy(spectrum, modes), [3.67728182, 4.07496066, 4.075], rtol=1e-8)


def test_losses_of_the_worked_example():
    spectrum, modes = example(0.5)
    assert losses.gibbs_training(spectrum, modes).item() * 2 == pytest.approx(2.03753350, rel=1e-8)
    mean, covariance = spectrum.training(0.5)
    assert losses.bayes_joint(mean, covariance, Y) * 2 == pytest.approx(2.02015332, rel=1e-8)
    variance = np.array([[0.96238602]])
    point = quantities.output_divergence(np.array([[[0.13735847]]]), variance, np.array([1.1]))
    assert point.item() == pytest.approx(0.01284917, abs=1e-8)


def test_joint_bayes_on_train_needs_no_covariance_of_the_points():
    spectrum, _ = network(3)
    times = np.array([0.0, 0.1, 10.0, 1e4, np.inf])
    targets = spectrum.vectors @ spectrum.targets
    expected = [losses.bayes_joint(*spectrum.training(t), targets) for t in times]
    np.testing.assert_allclose(losses.bayes_joint_training(spectrum, spectrum.modes(times)), expected, rtol=1e-10)


def test_losses_are_those_of_the_normal_law():
    rng = np.random.default_rng(0)
    mean, y, part = rng.standard_normal((5, 2)), rng.standard_normal((5, 2)), rng.standard_normal((5, 5))
    covariance = part @ part.T
    wide = covariance + np.eye(5)
    squares = np.trace((y - mean).T @ np.linalg.solve(wide, y - mean))
    expected = (0.5 * squares + np.linalg.slogdet(2 * np.pi * wide)[1]) / 5
    assert losses.bayes_joint(mean, covariance, y) == pytest.approx(expected, rel=1e-10)
    variance = np.diag(covariance)
    points = -norm.logpdf(y, mean, np.sqrt(variance + 1)[:, None]).sum(axis=1)
    np.testing.assert_allclose(losses.bayes(mean[None], variance[None], y)[0], points, rtol=1e-12)
    z = mean + np.sqrt(variance)[:, None] * rng.standard_normal((40_000, 5, 2))
    simulated = -norm.logpdf(y, z, 1).sum(axis=2)
    error = simulated.std(axis=0) / np.sqrt(len(z))
    assert (np.abs(losses.gibbs(mean[None], variance[None], y)[0] - simulated.mean(axis=0)) < 4 * error).all()


@pytest.mark.parametrize("tau", [0.01, 0.2, 0.6])
def test_a_linear_model_by_normal_laws_of_the_parameters(tau):
    """Identity: the KL in parameter space, the one of the outputs, and the closed form are the same number."""
    jacobian, y, spectrum = linear(5)
    modes = spectrum.modes(np.array([tau]))
    found = parameters.information(spectrum, modes, np.zeros((4, 4)))
    gain = (spectrum.vectors * modes.gain[0]) @ spectrum.vectors.T
    shrink = np.eye(7) - jacobian.T @ gain @ jacobian
    mean = jacobian.T @ gain @ y
    covariance = shrink @ shrink
    outputs = y.shape[1]
    expected = outputs / 2 * (np.trace(covariance) - 7 - 2 * np.linalg.slogdet(shrink)[1]) + 0.5 * (mean**2).sum()
    assert found.total.item() == pytest.approx(expected, rel=1e-8)
    assert parameters.output_divergence(spectrum, modes).item() == pytest.approx(expected, rel=1e-8)
    assert found.volume[0] + found.distance[0] > expected * 1.1  # without the overlap it is another number


def test_output_divergence_on_train_is_that_of_the_joint_law():
    spectrum, _ = network(1)
    prior = Root.of(spectrum.vectors @ spectrum.nngp @ spectrum.vectors.T)
    times = np.array([1e-3, 0.1, 1.0])
    expected = [quantities.output_divergence_joint(*spectrum.training(t), prior) for t in times]
    np.testing.assert_allclose(parameters.output_divergence(spectrum, spectrum.modes(times)), expected, rtol=1e-5)


SINE = Dual(  # E sin(u) sin(v) for normal u, v, and E of the products of its first and second derivatives
    lambda a, b, c: np.exp(-(a + c) / 2) * np.sinh(b),
    lambda a, b, c: np.exp(-(a + c) / 2) * np.cosh(b),
    lambda a, b, c: np.exp(-(a + c) / 2) * np.sinh(b),
    name="sine",
)  # fmt: skip


@given(
    st.integers(0, 10_000), st.integers(0, 3), st.floats(0.5, 3.0), st.sampled_from(["erf", "linear", SINE]),
    st.booleans(),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_parameters_know_no_less_than_outputs_do(seed, depth, scale, activation, residual):
    """Data processing: with the curvature term the KL of the parameters is never below that of the outputs."""
    spectrum, curvature = network(seed, net=Dense(depth, activation, scale, 0.1, residual=residual))
    modes = spectrum.modes(GRID[1:-1])
    found, bent = curved(spectrum, modes, curvature)
    output = parameters.output_divergence(spectrum, modes)
    assert (found.total >= output * (1 - 1e-7) - 1e-9).all()
    for term in (found.volume, found.overlap, found.distance, bent):
        assert (term >= -1e-12).all()
    if depth and activation == "erf" and not residual:
        middle = np.abs(np.log(GRID[1:-1] * spectrum.values[-1])) < 3
        # without either term the inequality or the identity at depth 0 would break
        assert (found.total - bent < output)[middle].any()


def test_limits_and_monotony():
    spectrum, curvature = network(2)
    modes = spectrum.modes(GRID)
    found, bent = curved(spectrum, modes, curvature)
    start = [
        found.total, found.volume, found.overlap, found.distance, bent,
        parameters.output_divergence(spectrum, modes), parameters.parameter_distance(spectrum, modes),
        parameters.action(spectrum, modes), parameters.fisher_energy(spectrum, modes),
        parameters.fisher_distance(spectrum, modes), parameters.path_bound(spectrum, modes),
    ]  # fmt: skip
    for values in start:
        assert values[0] == 0
        assert not np.isnan(values).any()
        assert np.isfinite(values[:-1]).all()
    for rising in (parameters.contraction(spectrum, modes), found.distance):
        assert (np.diff(rising[:-1]) >= -1e-12 * rising[1:-1]).all()
    train = losses.gibbs_training(spectrum, modes)
    assert (np.diff(train) <= 1e-12).all()
    np.testing.assert_allclose(parameters.action(spectrum, modes), (train[0] - train) * 8, rtol=1e-8, atol=1e-12)
    late = found.total[-2] / (GRID[-2] * spectrum.outputs * spectrum.values.sum())
    assert late == pytest.approx(1, abs=1e-6)


def test_small_times_lose_no_digits():
    spectrum, modes = example(1e-6)
    x = modes.exponent[0]
    np.testing.assert_allclose(parameters.contraction(spectrum, modes), (x**2 / 2 - x**3 / 6).sum(), rtol=1e-12)


def test_the_time_conventions_agree():
    """The mean loss over N O entries, at rate 1 and time t, is the summed one at t / (N O)."""
    spectrum = Spectrum.of(K, T, Y)
    mean_convention = Spectrum.of(K, T / 2, Y)
    t = 3.0
    np.testing.assert_allclose(spectrum.training(t / 2)[1], mean_convention.training(t)[1], rtol=1e-12)


def test_order_of_points_and_rotation_of_outputs_change_nothing():
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((9, 3)), rng.standard_normal((9, 3))
    kernels = Dense(2, "erf").covariances(x, curvature=True)
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    order = rng.permutation(9)
    moved = kernels.map(lambda k: k[np.ix_(order, order)])
    found = []
    for k, targets in ((kernels, y), (moved, (y @ turn)[order])):
        spectrum = Spectrum.of(k.nngp, k.ntk, targets)
        modes = spectrum.modes(np.array([0.1, 10]))
        found.append(
            [parameters.information(spectrum, modes, k.curvature).total, parameters.output_divergence(spectrum, modes)]
        )
    np.testing.assert_allclose(found[0], found[1], rtol=1e-8)


def test_duplicates_leave_the_parameters_quantities_finite():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((6, 3)), rng.standard_normal((6, 1))
    kernels = Dense(2, "erf").covariances(np.concatenate([x, x[:2]]), curvature=True)
    spectrum = Spectrum.of(kernels.nngp, kernels.ntk, np.concatenate([y, y[:2]]))
    modes = spectrum.modes(GRID[:-1])
    found, bent = curved(spectrum, modes, kernels.curvature)
    assert np.isfinite(found.total).all()
    assert (found.total >= parameters.output_divergence(spectrum, modes) * (1 - 1e-6) - 1e-9).all()
    assert bent[-1] == pytest.approx(bent[-10], rel=1e-4)


@pytest.mark.parametrize(
    ("spread", "lower", "upper", "lower_sd", "upper_sd"),
    [(0.5, 0.801, 0.807, 0.04, 0.04), (0.05, 2.958, 3.17, 0.04, 0.17)],
)
def test_multi_sample_bounds_of_a_noisy_channel(spread, lower, upper, lower_sd, upper_sd):
    rng = np.random.default_rng(0)
    low, up = [], []
    for _ in range(20):
        mean, noise = rng.standard_normal((1, 500, 1)), rng.standard_normal((1, 500, 1))
        found = quantities.input_information(mean, np.full((1, 500), spread**2), noise)
        low.append(found.lower[0])
        up.append(found.upper[0])
    assert np.mean(low) == pytest.approx(lower, abs=4 * lower_sd / np.sqrt(20))
    assert np.mean(up) == pytest.approx(upper, abs=4 * upper_sd / np.sqrt(20))
    truth = 0.5 * np.log1p(spread**-2)
    assert np.mean(low) < truth + 0.02
    assert np.mean(up) > truth - 0.02


def test_multi_sample_bounds_by_a_slow_twin(monkeypatch):
    monkeypatch.setattr(quantities, "_CHUNK", 30)
    rng = np.random.default_rng(1)
    mean, variance = rng.standard_normal((2, 12, 3)) + 5, rng.uniform(0.01, 1, (2, 12))
    noise = rng.standard_normal((3, 12, 3))
    found = quantities.input_information(mean, variance, noise)
    for t in range(2):
        low, up = [], []
        for e in noise:
            z = mean[t] + np.sqrt(variance[t])[:, None] * e
            s = norm.logpdf(z[:, None], mean[t][None], np.sqrt(variance[t])[None, :, None]).sum(axis=2)
            own, rest = np.diag(s), s + np.diag(np.full(12, -np.inf))
            low.append(np.log(12) + (own - logsumexp(s, axis=1)).mean())
            up.append(np.log(11) + (own - logsumexp(rest, axis=1)).mean())
        assert found.lower[t] == pytest.approx(np.mean(low), rel=1e-10)
        assert found.upper[t] == pytest.approx(np.mean(up), rel=1e-10)
        assert found.upper_spread[t] == pytest.approx(np.std(up, ddof=1), rel=1e-8)


def test_target_information_of_a_normal_channel():
    """y = z + noise in truth: both decoders find I(Z;Y); a wrong slope costs the first and not the second."""
    rng = np.random.default_rng(2)
    mean = rng.standard_normal((1, 20_000, 1))
    y = mean[0] + 0.5 * rng.standard_normal((20_000, 1))
    entropy = 0.5 * np.log(2 * np.pi * np.e * 1.25)
    truth = 0.5 * np.log(1.25 / 0.25)
    silent = np.full((1, 20_000), 1e-9)
    unit = quantities.target_information(mean, silent, y, entropy)
    affine = quantities.target_information_affine(3 * mean + 1, 9 * silent, y, entropy)
    assert unit.value[0] == pytest.approx(truth, abs=4 * unit.stderr[0])
    assert affine.value[0] == pytest.approx(truth, abs=4 * affine.stderr[0])
    assert quantities.target_information(3 * mean + 1, silent, y, entropy).value[0] < 0
    # -1/2 ln(1 - corr^2), when H(Y) is that of the sample
    noisy = np.full((1, 20_000), 0.3)
    sample = 0.5 * np.log(2 * np.pi * np.e * y.var())
    corr2 = np.cov(mean[0].T, y.T, bias=True)[0, 1] ** 2 / (y.var() * (mean.var() + 0.3))
    found = quantities.target_information_affine(mean, noisy, y, sample).value[0]
    assert found == pytest.approx(-0.5 * np.log(1 - corr2), rel=1e-10)


def test_class_information_reaches_the_truth_and_keeps_its_ceiling():
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 3, 3000)
    # unit clouds around 2 e_c: the posterior is softmax(2 z)
    centres = 2 * np.eye(3)
    clouds = centres[codes] + rng.standard_normal((3000, 3))
    noise = np.zeros((1, 3000, 3))
    found = quantities.class_information(clouds[None], np.zeros((1, 3000)), codes, noise, np.log(3))
    truth = np.log(3) + log_softmax(2 * clouds, axis=1)[np.arange(3000), codes]
    assert found.value[0] == pytest.approx(truth.mean(), abs=2e-3)
    assert found.stderr[0] == pytest.approx(truth.std() / np.sqrt(3000), rel=0.05)
    perfect = quantities.class_information(np.eye(3)[codes][None], np.zeros((1, 3000)), codes, noise, np.log(3))
    assert perfect.value[0] == pytest.approx(np.log(3), abs=1e-3)
    useless = quantities.class_information(
        rng.standard_normal((1, 3000, 3)), np.zeros((1, 3000)), codes, noise, np.log(3)
    )
    assert useless.value[0] == pytest.approx(0, abs=0.01)


def test_joint_output_divergence_is_that_of_normal_laws():
    rng = np.random.default_rng(5)
    part, prior_part, mean = rng.standard_normal((5, 5)), rng.standard_normal((5, 5)), rng.standard_normal((5, 2))
    covariance, prior = part @ part.T, prior_part @ prior_part.T + np.eye(5)
    inverse = np.linalg.inv(prior)
    log_dets = np.linalg.slogdet(prior)[1] - np.linalg.slogdet(covariance)[1]
    expected = np.trace(inverse @ covariance) - 5 + log_dets + 0.5 * np.trace(mean.T @ inverse @ mean)
    assert quantities.output_divergence_joint(mean, covariance, Root.of(prior)) == pytest.approx(expected, rel=1e-8)


def test_fisher_quantities():
    found = parameters.fisher(Spectrum.of(K, T, Y))
    values = np.linalg.eigvalsh(T)
    assert found.trace == pytest.approx(5)
    assert found.rank == 2
    assert found.log_determinant == pytest.approx(np.log(values).sum())
    assert found.effective_dimension == pytest.approx((values / (values + 1)).sum())
    assert found.participation == pytest.approx(25 / (values**2).sum())


def test_gap_bounds():
    assert bounds.sub_gaussian_gap(np.array(2.0), 100) == pytest.approx(0.2)
    assert bounds.pac_bayes_gap(np.array(0.0), 100) == pytest.approx(np.sqrt(np.log(400) / 200))
    assert bounds.input_compression_gap(np.log(8), 100) == pytest.approx(np.sqrt((8 + np.log(20)) / 200))


def toy(activation: str, scale: float):
    rng = np.random.default_rng(1)
    w = rng.standard_normal(30)
    w /= np.linalg.norm(w)

    def drawn():
        x = rng.standard_normal((500, 30))
        return x, np.sqrt(0.9) * x @ w + np.sqrt(0.1) * rng.standard_normal(500)

    (x, y), test = drawn(), drawn()
    return Ensemble(Dense(2, activation, scale, 0.1), x, y), test


@pytest.mark.parametrize(
    ("net", "best", "rows"),
    [
        (("erf", 1.0), 1.0, [(0.100, 0.109), (0.069, 0.073), (1.50, 1.49), (0.99, 0.96)]),
        (("relu", 0.5), 100.0, [(0.098, 0.112), (0.050, 0.056), (3.43, 3.55), (1.16, 1.09)]),
    ],
)
def test_the_toy(net, best, rows):
    ensemble, (x, y) = toy(*net)
    entropy = 0.5 * np.log(2 * np.pi * np.e)
    ds = ensemble.information(x, y, [best, 1e8], entropy_target=entropy)
    gibbs = ds.loss_gibbs - 0.5 * np.log(2 * np.pi)
    found = [ds.squared_error, gibbs, ds.mi_input_lower, ds.mi_target]
    for values, row, tolerance in zip(found, rows, [6e-4, 6e-4, 0.03, 6e-3], strict=True):
        np.testing.assert_allclose(values, row, atol=tolerance)
    if net[0] == "erf":
        total = ds.mi_parameters_data.values
        assert total[0] == pytest.approx(532.9, abs=0.06)
        assert total[0] - ds.mi_parameters_data_curvature.values[0] == pytest.approx(448.3, abs=0.06)
        assert ds.mi_output_data_joint_train.values[0] == pytest.approx(526.3, abs=0.06)
        late = ensemble.information(x, y, [1e4]).isel(time=0)
        assert float(late.mi_parameters_data - late.mi_output_data_joint_train) == pytest.approx(117.1, abs=0.06)
    else:
        assert ds.mi_parameters_data_linearised.values[0] == pytest.approx(4371, abs=0.6)
        assert ds.mi_output_data_joint_train.values[0] == pytest.approx(15360, abs=6)
        assert "mi_parameters_data" not in ds


def test_curvature_is_taken_from_kernels():
    found = Ensemble.from_kernels(Kernels(K, T, Q), Y)
    np.testing.assert_array_equal(found.curvature, Q)
    assert Ensemble.from_kernels(Kernels(K, T), Y).curvature is None
    np.testing.assert_array_equal(Ensemble.from_kernels(Kernels(K, T), Y, kernel="nngp").curvature, np.zeros((2, 2)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("activation", ["erf", "relu"])
@pytest.mark.parametrize("zeros", [1, 2])
def test_an_input_of_zeros_without_biases_knows_nothing_of_the_data(activation: str, zeros: int) -> None:
    """Its output is 0 before and after: KL 0, and the mean over points is that of the others, times their share."""
    random = np.random.default_rng(0)
    x, x_test = random.standard_normal((20, 4)), random.standard_normal((8, 4))
    x_test[:zeros] = 0.0
    ensemble = Ensemble(Dense(2, activation, 1.0, 0.0), x, x[:, 0])
    found = ensemble.information(x_test, x_test[:, 0], [0.0, 1.0, 10.0])
    others = ensemble.information(x_test[zeros:], x_test[zeros:, 0], [0.0, 1.0, 10.0])
    share = 1.0 - zeros / 8
    np.testing.assert_allclose(found["mi_output_data"], share * others["mi_output_data"], rtol=1e-12, atol=1e-14)
    assert all(np.isfinite(found[name]).all() for name in ("mi_input", "mi_input_lower", "loss_gibbs", "mi_target"))
    assert (found["mi_input_lower"] <= np.log(8) + 1e-12).all()
    assert f"{zeros} evaluation point" in found.attrs["notes"]
    assert "evaluation point" not in others.attrs["notes"]
    assert ("infinite" in found.attrs["notes"]) == (zeros == 1)


def test_an_output_that_only_training_moves_is_refused() -> None:
    train = Kernels(np.eye(2), np.eye(2))
    at = At(Kernels(np.array([[0.5, 0.0], [0.0, 0.0]]), np.full((2, 2), 0.5)), np.array([1.0, 0.0]))
    with pytest.raises(InputError, match="evaluation point 1 the covariance is 0"):
        Ensemble.from_kernels(train, [0.0, 1.0]).information(at, [0.0, 1.0], [1.0])


def test_words_say_that_the_kl_is_of_one_data_set() -> None:
    x = np.random.default_rng(0).standard_normal((12, 3))
    found = Ensemble(Dense(1, "erf"), x, x[:, 0]).information(x + 0.1, x[:, 0], [1.0], joint=True)
    for name in ("mi_parameters_data", "mi_output_data", "mi_output_data_joint"):
        assert "this D; " in found[name].attrs["quantity"] or "this D, " in found[name].attrs["quantity"]
        assert "over D bounds I(" in found[name].attrs["quantity"]


def test_what_is_called_a_condition_at_least_is_no_more_than_the_condition() -> None:
    random = np.random.default_rng(0)
    for width in (5, 20, 60):
        a = random.standard_normal((20, width))
        values = np.linalg.eigvalsh(a @ a.T)
        found = Root.of(a @ a.T)
        if width == 5:  # by eigenvalues, those of its range
            assert found.condition_at_least == pytest.approx(values[-1] / values[-5], rel=1e-6)
        else:
            assert 1.0 <= found.condition_at_least <= values[-1] / values[0] * (1 + 1e-9)
