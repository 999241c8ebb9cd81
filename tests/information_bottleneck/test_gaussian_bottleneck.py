"""The Gaussian bottleneck against determinants, its own curve, perturbed projections, and estimates from samples."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import infoplane as ip
from infoplane.bottleneck.annealed import IB, DualIB
from infoplane.bottleneck.base import Method
from infoplane.bottleneck.gaussian import (
    GaussianSolution,
    gaussian_curve,
    gaussian_information_curve,
    gaussian_solve,
)
from infoplane.estimators import Gaussian

Covariances = tuple[np.ndarray, np.ndarray, np.ndarray]
METHODS = (IB(), DualIB())


def correlated(*correlations: float) -> Covariances:
    k = len(correlations)
    return np.eye(k), np.eye(k), np.diag(correlations)


def blocks(joint: np.ndarray, dx: int) -> Covariances:
    return joint[:dx, :dx], joint[dx:, dx:], joint[:dx, dx:]


def random_law(seed: int, dx: int, dy: int, units: float = 0.0) -> Covariances:
    """A joint covariance of full rank, its columns in units that differ by powers of ten up to +-``units``."""
    random = np.random.default_rng([1, seed])
    root = random.standard_normal((dx + dy, dx + dy + 2)) * 10.0 ** random.uniform(-units, units, (dx + dy, 1))
    return blocks(root @ root.T, dx)


def deficient_law(seed: int, rank_x: int, dx: int, rank_y: int, dy: int) -> tuple[Covariances, Covariances, np.ndarray]:
    """Covariances of columns that are combinations of fewer coordinates; those of the coordinates; the map to X."""
    random = np.random.default_rng([2, seed])
    x, y, xy = random_law(seed, rank_x, rank_y)
    a, b = random.standard_normal((dx, rank_x)), random.standard_normal((dy, rank_y))
    return (a @ x @ a.T, b @ y @ b.T, a @ xy @ b.T), (x, y, xy), a


def exact(values: np.ndarray) -> np.ndarray:
    return np.array([Fraction(float(v)) for v in values.ravel()], dtype=object).reshape(values.shape)


def log_det(matrix: np.ndarray) -> float:
    """ln det of a symmetric positive definite matrix of fractions, without rounding before the last logarithm."""
    rows, product = [list(row) for row in matrix], Fraction(1)
    while rows:
        first, *rest = rows
        product *= first[0]
        rows = [[a - row[0] / first[0] * b for a, b in zip(row[1:], first[1:], strict=True)] for row in rest]
    return math.log(product.numerator) - math.log(product.denominator)


def informations(projection: np.ndarray, law: Covariances) -> tuple[float, float]:
    """I(X;T) and I(T;Y) of T = A X + N(0, I) from determinants of exact numbers; in doubles they are 1e-10 off."""
    x, y, xy, a = (exact(m) for m in (*law, projection))
    t, ty = a @ ((x + x.T) / 2) @ a.T + np.eye(len(a), dtype=int), a @ xy
    both = np.block([[t, ty], [ty.T, (y + y.T) / 2]])
    whole = log_det(t)
    return 0.5 * whole, 0.5 * (whole + log_det((y + y.T) / 2) - log_det(both))


def distortion(projection: np.ndarray, law: Covariances) -> float:
    """E[KL(p(y|t) || p(y|x))] of the dual's decoder: both normal with the covariance of y given x."""
    x, y, xy = law
    slope = np.linalg.solve(x, xy)
    given_t = x - x @ projection.T @ np.linalg.solve(
        projection @ x @ projection.T + np.eye(len(projection)), projection @ x
    )
    return 0.5 * float(np.trace(np.linalg.solve(y - xy.T @ slope, slope.T @ given_t @ slope)))


def cost(projection: np.ndarray, law: Covariances, beta: float, method: Method) -> float:
    """The method's own cost of any projection, in doubles: for laws in equal units."""
    x, y, xy = law
    identity = np.eye(len(projection))
    rate = 0.5 * np.linalg.slogdet(projection @ x @ projection.T + identity)[1]
    if isinstance(method, DualIB):
        return rate + beta * distortion(projection, law)
    conditional = x - xy @ np.linalg.solve(y, xy.T)
    return rate - beta * (rate - 0.5 * np.linalg.slogdet(projection @ conditional @ projection.T + identity)[1])


# Two components of correlation 0.8 and 0.5: derived by hand, confirmed by determinants.
@pytest.mark.parametrize(
    ("correlations", "beta", "method", "n", "mi_input", "mi_target"),
    [
        ((0.8, 0.5), 1.5, IB(), 0, 0.0, 0.0),
        ((0.8, 0.5), 3, IB(), 1, 0.634256, 0.308093),
        ((0.8, 0.5), 6, IB(), 2, 1.347814, 0.472345),
        ((0.8, 0.5), 10, IB(), 2, 1.935601, 0.549306),
        ((0.8,), 2, IB(), 1, 0.287682, 0.164252),
        ((0.8,), 2, DualIB(), 1, 0.634256, 0.308093),
    ],
)
def test_acceptance_numbers(
    correlations: tuple[float, ...], beta: float, method: Method, n: int, mi_input: float, mi_target: float
) -> None:
    found = gaussian_solve(*correlated(*correlations), beta, method=method)
    assert found.n_active == n
    assert (found.mi_input, found.mi_target) == pytest.approx((mi_input, mi_target), abs=5e-7)


def test_acceptance_numbers_of_the_law() -> None:
    found = gaussian_solve(*correlated(0.5, 0.8), 3.0)
    assert found.eigenvalues == pytest.approx([0.36, 0.75], abs=1e-15)
    assert found.critical_betas == pytest.approx([1.5625, 4.0], abs=1e-14)
    assert gaussian_solve(*correlated(0.5, 0.8), 3.0, method=DualIB()).critical_betas == pytest.approx([0.5625, 3.0])
    assert found.mi_joint == pytest.approx(0.654667, abs=5e-7)
    assert found.projection[:, 0] == pytest.approx(0.0, abs=1e-15)
    assert gaussian_solve(*correlated(0.5, 0.8), 4.0).mi_input == pytest.approx(0.836988, abs=5e-7)  # the second enters


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("beta", [1.7, 5.0, 80.0, 1e4])
@pytest.mark.parametrize(("dx", "dy"), [(1, 1), (2, 5), (4, 3), (6, 1)])
def test_informations_are_log_determinants(dx: int, dy: int, beta: float, method: Method) -> None:
    for seed in range(5):
        law = random_law(seed, dx, dy, units=2.0)
        found = gaussian_solve(*law, beta, method=method)
        assert (found.mi_input, found.mi_target) == pytest.approx(informations(found.projection, law), abs=1e-12)
        law = random_law(seed, dx, dy)
        found = gaussian_solve(*law, beta, method=method)
        assert found.objective == pytest.approx(cost(found.projection, law, beta, method), abs=1e-12 * beta)


@pytest.mark.parametrize("method", METHODS)
def test_informations_of_deficient_covariances_are_log_determinants(method: Method) -> None:
    for seed in range(10):
        law, coordinates, spread = deficient_law(seed, 3, 6, 2, 5)
        found = gaussian_solve(*law, 30.0, method=method)
        # The coordinates of Y are known from Y and the other way round.
        truth = informations(found.projection @ spread, coordinates)
        assert (found.mi_input, found.mi_target) == pytest.approx(truth, abs=1e-12)
        alone = gaussian_solve(*coordinates, 30.0, method=method)
        assert found.eigenvalues == pytest.approx(alone.eigenvalues, abs=1e-12)
        assert (found.mi_input, found.mi_target) == pytest.approx((alone.mi_input, alone.mi_target), abs=1e-12)
        assert [note.split(";")[0] for note in found.notes] == [
            "X varies in 3 of 6 dimensions",
            "Y varies in 2 of 5 dimensions",
        ]


def test_the_geometric_value_is_a_log_determinant() -> None:
    """p(t) and the decoder N(S_yx S_x^-1 E[x|t], S_{y|x}) are jointly normal."""
    x, y, xy = law = random_law(3, 4, 3)
    found = gaussian_solve(*law, 4.0, method=DualIB())
    a, slope = found.projection, np.linalg.solve(x, xy)
    spread = a @ x @ a.T + np.eye(len(a))
    means = slope.T @ x @ a.T @ np.linalg.solve(spread, a @ x @ slope)
    noise = y - xy.T @ slope
    truth = 0.5 * (np.linalg.slogdet(means + noise)[1] - np.linalg.slogdet(noise)[1])
    assert found.mi_target_geometric == pytest.approx(truth, abs=1e-12)
    assert found.mi_target_geometric != pytest.approx(found.mi_target, abs=1e-3)
    assert math.isnan(gaussian_solve(*law, 4.0).mi_target_geometric)


def test_the_closed_curve_agrees_with_the_solutions() -> None:
    betas = np.geomspace(0.5, 1e4, 400)
    for law in (random_law(0, 4, 3), deficient_law(1, 3, 5, 2, 4)[0], correlated(0.6, 0.6, 0.6), correlated(0.9, 0.0)):
        for method in METHODS:
            curve = gaussian_curve(*law, betas, method)
            closed = gaussian_information_curve(*law, curve.mi_input)
            assert closed == pytest.approx(curve.mi_target.to_numpy(), abs=1e-12)


def test_the_closed_curve_keeps_its_shape_and_ends() -> None:
    law = correlated(0.8, 0.5)
    assert gaussian_information_curve(*law, [[0, 1, 2], [3, 4, 5]]).shape == (2, 3)
    assert float(gaussian_information_curve(*law, 0)) == pytest.approx(0.0, abs=1e-15)
    assert float(gaussian_information_curve(*law, 1e200)) == pytest.approx(0.654667, abs=5e-7)
    assert gaussian_information_curve(*correlated(0.0, 0.0), [0.0, 3.0]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("seed", range(4))
def test_slope_is_one_over_beta(seed: int) -> None:
    """A chord of a concave curve is no steeper than the curve where it begins, no flatter than where it ends."""
    law = random_law(seed, 4, 4)
    betas = np.geomspace(1.001 * gaussian_solve(*law, 1.0).critical_betas[0], 1e3, 2000)
    curve = gaussian_curve(*law, betas)
    slope = np.diff(curve.mi_target) / np.diff(curve.mi_input)
    assert (slope <= 1.0 / betas[:-1] + 1e-9).all()
    assert (slope >= 1.0 / betas[1:] - 1e-9).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_cost_falls_with_beta_as_it_must(method: Method) -> None:
    """dL/dbeta = -I(T;Y), and for the dual dF*/dbeta = E[d*]; both are optima over A, so concave in beta."""
    law, betas = random_law(5, 3, 4), np.geomspace(0.1, 50.0, 1000)
    slope = np.diff(gaussian_curve(*law, betas, method).objective) / np.diff(betas)
    found = [gaussian_solve(*law, beta, method=method) for beta in betas]
    dual = isinstance(method, DualIB)
    truth = np.array([distortion(f.projection, law) if dual else -f.mi_target for f in found])
    assert (slope <= truth[:-1] + 1e-9).all()
    assert (slope >= truth[1:] - 1e-9).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("beta", [0.5, 2.5, 12.0])
def test_no_other_projection_costs_less(beta: float, method: Method) -> None:
    for seed in range(3):
        x, _, _ = law = random_law(seed, 3, 3)
        found = gaussian_solve(*law, beta, method=method)
        random = np.random.default_rng([3, seed])
        unit = np.linalg.inv(np.linalg.cholesky(x))  # projections in which X has unit covariance
        best = np.vstack([found.projection, np.zeros((4 - found.n_active, 3))])
        for size in np.geomspace(1e-3, 10.0, 60):
            other = best + size * random.standard_normal((4, 3)) @ unit
            assert cost(other, law, beta, method) >= found.objective - 1e-12 * beta
            fresh = size * random.standard_normal((2, 3)) @ unit
            assert cost(fresh, law, beta, method) >= found.objective - 1e-12 * beta


LAWS = st.builds(random_law, st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 4))
BETAS = st.floats(0.0, 1e4)


@given(LAWS, BETAS)
def test_dual_is_ib_at_one_more(law: Covariances, beta: float) -> None:
    dual, plain = gaussian_solve(*law, beta, method=DualIB()), gaussian_solve(*law, beta + 1.0)
    assert (dual.mi_input, dual.mi_target) == pytest.approx((plain.mi_input, plain.mi_target), abs=1e-9)
    assert dual.critical_betas == pytest.approx(plain.critical_betas - 1.0, rel=1e-9)
    if dual.n_active == plain.n_active:  # at a critical beta rounding decides
        assert dual.projection == pytest.approx(
            plain.projection, rel=1e-5, abs=1e-5 * np.abs(plain.projection).max(initial=1)
        )


@given(LAWS, BETAS)
def test_data_processing(law: Covariances, beta: float) -> None:
    found = gaussian_solve(*law, beta)
    assert 0.0 <= found.mi_target <= min(found.mi_input, found.mi_joint + 1e-12)
    assert found.objective <= 0.0
    assert found.n_active == (found.critical_betas < beta).sum()


@given(LAWS)
def test_curves_rise_and_are_concave(law: Covariances) -> None:
    curve = gaussian_curve(*law, np.linspace(0.0, 60.0, 300))
    rise = {name: np.diff(curve[name]) for name in ("mi_input", "mi_target", "n_components")}
    assert all((r >= 0).all() for r in rise.values())
    moving = rise["mi_input"] > 1e-6
    assert (np.diff(rise["mi_target"][moving] / rise["mi_input"][moving]) <= 1e-8).all()


@given(LAWS, BETAS, st.integers(0, 1000))
def test_invertible_linear_maps_of_x_and_y_change_nothing(law: Covariances, beta: float, seed: int) -> None:
    x, y, xy = law
    random = np.random.default_rng([4, seed])
    a, b = (np.linalg.qr(random.standard_normal((d, d)))[0] * random.uniform(0.1, 10.0, d) for d in xy.shape)
    plain, moved = gaussian_solve(*law, beta), gaussian_solve(a @ x @ a.T, b @ y @ b.T, a @ xy @ b.T, beta)
    # Rounding of the entries: 1e-16, times the condition of the maps and of the law, over lambda in its logarithm.
    condition = max(np.linalg.cond(m) for m in (a @ x @ a.T, b @ y @ b.T))
    error = 1e-15 * condition / plain.eigenvalues.min()
    assert (moved.mi_input, moved.mi_target) == pytest.approx((plain.mi_input, plain.mi_target), abs=error * (1 + beta))
    assert moved.mi_joint == pytest.approx(plain.mi_joint, abs=error)


@pytest.mark.parametrize("law", [random_law(7, 3, 2), deficient_law(8, 2, 4, 2, 3)[0]], ids=["full", "deficient"])
def test_samples_have_the_information_they_should(law: Covariances) -> None:
    n, (dx, dy) = 20_000, law[2].shape
    joint = np.block([[law[0], law[2]], [law[2].T, law[1]]])
    values, vectors = np.linalg.eigh(joint)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    both = np.random.default_rng(5).standard_normal((n, dx + dy)) @ root.T
    x, y = both[:, :dx], both[:, dx:]
    found = gaussian_solve(*law, 20.0)
    t = found.encode(x, seed=1)
    assert t.shape == (n, found.n_active)
    for other, truth in ((x, found.mi_input), (y, found.mi_target)):
        estimate = ip.mutual_information(other, t, Gaussian())
        assert 0.0 < estimate.stderr < 0.02
        assert abs(estimate.value - truth) < 4.0 * estimate.stderr


def test_encode_draws_from_its_seed_and_takes_what_people_have() -> None:
    found = gaussian_solve(1.0, 1.0, 0.9, 10.0)
    x = np.arange(5)
    t = found.encode(x, seed=3)
    assert np.array_equal(t, found.encode(x.astype(float)[:, None], seed=3))
    assert not np.array_equal(t, found.encode(x, seed=4))
    noise = t - x[:, None] * found.projection[0, 0]
    assert not np.isclose(noise[:, 0], np.random.default_rng(3).standard_normal(5)).any()
    assert gaussian_solve(1.0, 1.0, 0.9, 1.0).encode(x).shape == (5, 0)
    with pytest.raises(ip.InputError, match=r"encode needs numbers of shape \(n, 1\), .* got float64 \(5, 2\)"):
        found.encode(np.ones((5, 2)))
    with pytest.raises(ip.InputError, match="encode needs numbers"):
        found.encode(["a", "b"])
    with pytest.raises(ip.InputError, match="seed needs a whole number"):
        found.encode(x, seed=-1)


def test_curve_is_the_solutions_and_says_where_it_came_from(tmp_path: Path) -> None:
    law, betas = random_law(9, 3, 3), [0, 1, 100, 3, 3]
    for method in METHODS:
        curve = gaussian_curve(*law, betas, method)
        found = [gaussian_solve(*law, beta, method=method) for beta in sorted(betas)]
        assert curve.beta.to_numpy().tolist() == sorted(betas)
        assert ("mi_target_geometric" in curve) == isinstance(method, DualIB)
        for name in {"mi_input", "mi_target", "mi_target_geometric", "objective"} & set(curve):
            assert curve[name].to_numpy() == pytest.approx([getattr(f, name) for f in found], abs=1e-13)
        assert curve.n_components.to_numpy().tolist() == [f.n_active for f in found]
        assert (curve.converged & ~curve.interpolated & (curve.gap == 0)).all()
        assert curve.mi_target.attrs["quantity"] == "I(T;Y)"
        assert curve.mi_input.attrs["direction"] == "exact"
        assert curve.attrs["method"] == method.name
        assert curve.attrs["mi_joint"] == found[0].mi_joint
        assert json.loads(curve.attrs["critical_betas"]) == found[0].critical_betas.tolist()
        assert all(isinstance(value, str | int | float) for value in curve.attrs.values())
        ip.save(curve, tmp_path / "curve.nc")
        xr.testing.assert_identical(xr.load_dataset(tmp_path / "curve.nc", engine="h5netcdf"), curve)


@pytest.mark.parametrize("method", METHODS)
def test_sharp_betas(method: Method) -> None:
    law = correlated(0.8, 0.5, 0.0)
    nothing = gaussian_solve(*law, 0.0, method=method)
    assert (nothing.n_active, nothing.mi_input, nothing.mi_target, nothing.objective) == (0, 0.0, 0.0, 0.0)
    assert nothing.projection.shape == (0, 3)
    below = gaussian_solve(*law, 0.56, method=method)
    assert (below.n_active, below.mi_input) == (0, 0.0)
    far = gaussian_solve(*law, 1e4, method=method)
    assert far.n_active == 2
    assert far.mi_target == pytest.approx(far.mi_joint, abs=1e-3)
    assert far.critical_betas[2] == math.inf
    largest = gaussian_solve(*law, 1e308, method=method)
    assert np.isfinite([largest.mi_input, largest.mi_target, largest.objective, *largest.projection.ravel()]).all()
    assert largest.mi_target == pytest.approx(largest.mi_joint, abs=1e-12)


def test_next_to_a_critical_beta() -> None:
    """I(X;T) = 1/2 ln(1 + (beta rho^2 - 1) / lambda) begins at 0 with the slope rho^2 / 2 lambda."""
    for step in (1e-4, 1e-8):
        found = gaussian_solve(1.0, 1.0, 0.5, 4.0 + step)
        assert found.mi_input == pytest.approx(step / 6.0, rel=1e-3)
        assert found.mi_target == pytest.approx(step / 24.0, rel=1e-3)
    assert gaussian_solve(1.0, 1.0, 0.5, 4.0).n_active == 0


@pytest.mark.parametrize("scale", [1.0, 2.0**-300, 2.0**300])
@pytest.mark.parametrize("power", [10, 20, 30, 40])
def test_nearly_perfect_correlation(power: int, scale: float) -> None:
    """Numbers without rounding: lambda = (1 - r)(1 + r) is known to the last digit."""
    r = 1.0 - 2.0**-power
    found = gaussian_solve(scale**2, 1.0, scale * r, 2.0)
    truth = 2.0**-power * (2.0 - 2.0**-power)
    assert found.eigenvalues[0] == pytest.approx(truth, rel=1e-15)
    assert found.mi_input == pytest.approx(0.5 * math.log(r * r / truth), abs=1e-12)
    assert found.notes == ()


@pytest.mark.parametrize("sigma", [1e-2, 1e-4, 1e-6])
def test_little_noise_in_five_dimensions(sigma: float) -> None:
    x, _, _ = random_law(11, 5, 1)
    units = np.sqrt(np.diag(x))
    x = x / units[:, None] / units
    y = x + sigma**2 * np.eye(5)
    found = gaussian_solve(x, y, x, 3.0)
    spectrum = np.linalg.eigvalsh(x)
    truth = np.sort(sigma**2 / (spectrum + sigma**2))
    # Rounding of the entries moves a correlation by a few 1e-16, times the spectrum's largest over its own eigenvalue.
    error = 4e-15 * spectrum[-1] / spectrum[0]
    assert found.eigenvalues == pytest.approx(truth, abs=error)
    assert found.mi_joint == pytest.approx(0.5 * np.log1p(spectrum / sigma**2).sum(), abs=5 * error / truth[0])


@pytest.mark.parametrize("beta", [0.0, 0.5, 3.0, 1e4, 1e300])
@pytest.mark.parametrize("method", METHODS)
def test_an_exact_relation_is_floored_and_noted(beta: float, method: Method) -> None:
    cov = np.array([[2.0, 0.3], [0.3, 1.0]])
    mapped = np.array([[1.0, -2.0]])
    found = gaussian_solve(cov, mapped @ cov @ mapped.T, cov @ mapped.T, beta, method=method)
    assert len(found.notes) == 1
    assert found.notes[0].startswith("Infinite rate: 1 of the canonical correlations cannot be told from 1")
    assert 0.0 < found.eigenvalues[0] < 1e-13
    assert found.eigenvalues[1] == 1.0
    assert np.isfinite([found.mi_input, found.mi_target, found.mi_joint, found.objective]).all()
    curve = gaussian_curve(cov, mapped @ cov @ mapped.T, cov @ mapped.T, [beta], method)
    assert json.loads(curve.attrs["notes"]) == list(found.notes)


def test_exact_relations_of_ill_conditioned_covariances_are_known_as_such() -> None:
    """Fewer samples than columns: every correlation is 1, and rounding is not to make it an impossible one."""
    for seed in range(40):
        random = np.random.default_rng([6, seed])
        dx, dy = random.integers(1, 20, 2)
        rank = int(random.integers(1, min(dx, dy) + 1))
        root = random.standard_normal((rank, dx + dy)) * 10.0 ** random.uniform(-3, 3, dx + dy)
        found = gaussian_solve(*blocks(root.T @ root, dx), 2.0)
        assert len(found.eigenvalues) == rank
        assert found.notes[-1].startswith(f"Infinite rate: {rank} of")


def test_independent_and_constant_variables() -> None:
    for law in (correlated(0.0, 0.0), (np.zeros((2, 2)), np.eye(2), np.zeros((2, 2)))):
        found = gaussian_solve(*law, 1e4)
        assert (found.n_active, found.mi_input, found.mi_joint) == (0, 0.0, 0.0)
        assert gaussian_curve(*law, [1.0, 1e4]).mi_target.to_numpy().tolist() == [0.0, 0.0]
    assert found.notes == ("X varies in 0 of 2 dimensions; the rest was dropped.",)
    constant = np.diag([1.0, -1e-20]), 1.0, [0.8, 0.0]  # a variance of 0 after rounding
    found = gaussian_solve(*constant, 2.0)
    assert found.mi_input == pytest.approx(0.287682, abs=5e-7)
    assert found.projection[0, 1] == 0.0


def test_rounding_is_no_correlation() -> None:
    """One direction of X bears on Y, found in coordinates where nothing is exactly 0."""
    random = np.random.default_rng(7)
    a, b = random.standard_normal((5, 5)), random.standard_normal((4, 4))
    found = gaussian_solve(a @ a.T, b @ b.T, 0.6 * np.outer(a[:, 0], b[:, 0]), 1e300)
    assert found.n_active == 1
    assert found.eigenvalues == pytest.approx([0.64, 1, 1, 1, 1], abs=1e-13)
    assert (found.critical_betas[1:] == math.inf).all()


def test_lists_integers_numbers_and_vectors_are_taken_and_left_alone() -> None:
    wide = gaussian_solve([[4, 0], [0, 1]], 1, [1, 0], 5)
    assert wide.eigenvalues == pytest.approx([0.75, 1.0])
    assert gaussian_solve(1, [[4, 0], [0, 1]], [1, 0], 5).mi_input == pytest.approx(wide.mi_input, abs=1e-15)
    given = tuple(np.array(c) for c in random_law(12, 3, 2))
    before = tuple(c.copy() for c in given)
    x, y, xy = given
    betas = np.array([1.0, 2.0])
    curve = gaussian_curve(x, y, xy, betas)
    betas[0] = 7.0
    assert curve.beta.to_numpy().tolist() == [1.0, 2.0]
    found = gaussian_solve(x, y, xy, 5.0)
    assert all(np.array_equal(a, b) for a, b in zip(given, before, strict=True))
    with pytest.raises(ValueError, match="read-only"):
        found.projection[0, 0] = 1.0


def test_single_precision_counts_as_such() -> None:
    law, _, _ = deficient_law(13, 2, 4, 2, 2)
    single = tuple(c.astype(np.float32) for c in law)
    found, truth = (gaussian_solve(*c, 20.0) for c in (single, law))
    assert found.eigenvalues.shape == (2,)
    assert found.mi_input == pytest.approx(truth.mi_input, abs=1e-2)


WRONG: dict[str, tuple[Any, ...]] = {
    "cov_xx needs a square matrix, got (2, 1); np.diag": ([[1.0], [1.0]], 1.0, 0.1),
    "cov_xx needs a square matrix, got (1, 2)": ([1.0, 2.0], 1.0, [0.1, 0.1]),
    "cov_yy needs a symmetric matrix, got entries that differ from their mirror image by 0.1": (
        np.eye(2), [[1.0, 0.1], [0.0, 1.0]], np.zeros((2, 2)),
    ),
    "cov_yy needs a matrix without negative eigenvalues, got -1": (1.0, [[1.0, 2.0], [2.0, 1.0]], [0.1, 0.1]),
    "cov_xx needs positive variances, got -1 at [0, 0]": (-1.0, 1.0, 0.1),
    "cov_xx needs positive variances, got 0 at [1, 1] with": ([[1.0, 0.1], [0.1, 0.0]], 1.0, [0.1, 0.1]),
    "cov_xy of shape (2, 1), rows x and columns y, got (3, 1)": (np.eye(2), 1.0, np.zeros((3, 1))),
    "cov_xy of shape (2, 3), rows x and columns y, got (3, 2)": (np.eye(2), np.eye(3), np.zeros((3, 2))),
    "cov_xy has 1 entries that are nan or infinite": (1.0, 1.0, math.nan),
    "cov_xx has 1 entries that are nan or infinite": (math.inf, 1.0, 0.1),
    "cov_xx needs a matrix of real numbers, or one number, got complex128": (1j, 1.0, 0.1),
    "cov_xx needs a matrix of real numbers, or one number, got <U1": ("a", 1.0, 0.1),
    "cov_xx needs a matrix of real numbers, or one number, got float64 (0,)": ([], 1.0, 0.1),
    "cov_xx needs a matrix of real numbers, or one number, got float64 (1, 1, 1)": ([[[1.0]]], 1.0, 0.1),
    "cov_xx has rows of unequal length": ([[1.0], [1.0, 2.0]], 1.0, 0.1),
    "a correlation of X and Y would be 1.1;": (1.0, 1.0, 1.1),
    "a correlation of X and Y would be 1.27": (np.eye(2), 1.0, [0.9, 0.9]),
    "covaries along a direction without variance": ([[1.0, 1.0], [1.0, 1.0]], 1.0, [0.5, 0.4]),
    "X or Y covaries along a direction": (np.diag([1.0, 0.0]), 1.0, [0.5, 0.1]),
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG)
def test_what_are_no_covariances(message: str) -> None:
    for call in (
        lambda *law: gaussian_solve(*law, 2.0),
        lambda *law: gaussian_curve(*law, [2.0]),
        lambda *law: gaussian_information_curve(*law, [1.0]),
    ):
        with pytest.raises(ip.InputError) as error:
            call(*WRONG[message])
        assert message in str(error.value)
        assert str(error.value).startswith("gaussian_")


@pytest.mark.parametrize("beta", [-1.0, math.nan, math.inf, "much", None])
def test_what_is_no_beta(beta: Any) -> None:
    with pytest.raises(ip.InputError, match=r"gaussian_solve needs a .*beta"):
        gaussian_solve(*correlated(0.5), beta)
    with pytest.raises(ip.InputError, match="gaussian_curve needs betas"):
        gaussian_curve(*correlated(0.5), [2.0, beta])


def test_what_are_no_betas_or_rates() -> None:
    assert gaussian_curve(*correlated(0.5), 2).sizes == {"beta": 1}
    for betas in ([], [[1.0, 2.0]], [[1.0], [1.0, 2.0]], [True]):
        with pytest.raises(ip.InputError, match="gaussian_curve needs betas"):
            gaussian_curve(*correlated(0.5), betas)
    for rate in (-1.0, math.nan, math.inf):
        with pytest.raises(ip.InputError, match=f"mi_input in nats finite and 0 or more, got {rate:g}"):
            gaussian_information_curve(*correlated(0.5), rate)


def test_other_methods_are_refused() -> None:
    class Another(Method):
        def descend(self, joint: Any, betas: Any, effort: Any) -> Any:
            return iter(())

    for method in (Another(), IB, "ib", 3.0):  # pyright: ignore[reportArgumentType]
        for call in (
            lambda m: gaussian_solve(*correlated(0.5), 2.0, method=m),
            lambda m: gaussian_curve(*correlated(0.5), [2.0], m),
        ):
            with pytest.raises(ip.InputError, match=r"closed forms for IB\(\) and DualIB\(\) only|without a family"):
                call(method)


def test_a_solution_reads_as_one() -> None:
    found = gaussian_solve(*correlated(0.8, 0.5), 3.0)
    assert isinstance(found, GaussianSolution)
    assert repr(found).startswith("GaussianSolution(method=IB(), beta=3.0, mi_input=0.634")
