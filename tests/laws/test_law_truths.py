"""Every truth against something that does not use its formula: quadrature, densities averaged over samples, neighbours.

A mean of pointwise information over a law's own samples has the standard error std / sqrt(n); five of them are allowed,
which fixed seeds then meet for good.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.spatial import cKDTree
from scipy.special import digamma, logsumexp

from infoplane import laws
from infoplane.laws.crossed import crossed_information


def mean_is(truth: float, terms: np.ndarray) -> None:
    """The mean of terms is the truth within five standard errors, and these are small enough to mean something."""
    error = terms.std() / math.sqrt(terms.size)
    assert error < 0.05 * max(truth, 0.2)
    assert abs(terms.mean() - truth) < 5 * error


def gaussian_information(covariance: np.ndarray, dim_x: int) -> float:
    x, y, both = (np.linalg.slogdet(c)[1] for c in (covariance[:dim_x, :dim_x], covariance[dim_x:, dim_x:], covariance))
    return 0.5 * (x + y - both)


def covariance_is(law: laws.Law, covariance: np.ndarray, n: int = 50_000) -> None:
    """Sample second moments within 5.5 standard errors of each, for zero means: Var(ab) = C_aa C_bb + C_ab^2."""
    both = np.concatenate(law.sample(n, 11), axis=1)
    error = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / n)
    assert (np.abs(both.T @ both / n - covariance) < 5.5 * error).all()


def neighbours(x: np.ndarray, y: np.ndarray, k: int = 5) -> np.ndarray:
    """(n,) terms of the nearest-neighbour estimate that allows atoms (after arXiv:1709.06212)."""
    n, both = len(x), np.concatenate([x, y], axis=1)
    radius = cKDTree(both).query(both, k + 1, p=np.inf)[0][:, -1]
    tied = np.array([len(p) for p in cKDTree(both).query_ball_point(both, 0.0, p=np.inf)])
    used = np.where(radius == 0, tied, k)
    shrunk = np.maximum(radius - 1e-12, 0)
    counts = [cKDTree(v).query_ball_point(v, shrunk, p=np.inf, return_length=True) for v in (x, y)]
    return digamma(used) + digamma(n) - digamma(counts[0]) - digamma(counts[1])


# --- Normal laws -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "law",
    [
        laws.correlated_normal(2.0, 1, 1),
        laws.correlated_normal(2.0, 3, 2),
        laws.correlated_normal(3.0, 2, 4, rotated=True, key=3),
        laws.correlated_normal(3.0, 4, 4, pairs=3, split="random", rotated=True),
        laws.sparse_normal(1.0, 20, 15, pairs=2),
        laws.correlated_normal(0.0, 2, 2),
    ],
    ids=str,
)
def test_correlated_normals_by_their_log_determinants(law: laws.CorrelatedNormal) -> None:
    covariance = np.eye(law.dim_x + law.dim_y)
    for i, rho in enumerate(law.correlations):
        covariance[i, law.dim_x + i] = covariance[law.dim_x + i, i] = rho
    if law.rotations is not None:
        turn = np.zeros_like(covariance)
        turn[: law.dim_x, : law.dim_x], turn[law.dim_x :, law.dim_x :] = law.rotations
        covariance = turn.T @ covariance @ turn
    assert gaussian_information(covariance, law.dim_x) == pytest.approx(law.mutual_information, abs=1e-10)
    covariance_is(law, covariance)


def test_a_thousand_dimensions_keep_their_truth() -> None:
    """In the rotated basis the law is again a few pairs; its canonical correlations are those asked for."""
    law = laws.correlated_normal(5.0, 1000, 300, pairs=10, rotated=True)
    x, y = law.sample(1000, 0)
    assert law.rotations is not None
    a, b = (x @ law.rotations[0].T)[:, :300], y @ law.rotations[1].T
    correlations = (a * b).mean(axis=0)
    assert np.abs(correlations[:10] - math.sqrt(1 - math.exp(-1.0))).max() < 5 * math.sqrt(2 / 1000)
    assert np.abs(correlations[10:]).max() < 5.5 / math.sqrt(1000)
    assert -0.5 * np.log1p(-(law.correlations**2)).sum() == pytest.approx(5.0, abs=1e-12)


@pytest.mark.parametrize("mi", [10.0, 20.0, 29.0])
def test_noise_keeps_its_digits_where_correlation_is_nearly_one(mi: float) -> None:
    """y - rho x is exp(-mi) times standard normal noise, here seen through rounding of x and y to 1e-16."""
    law = laws.correlated_normal(mi)
    x, y = law.sample(20_000, 0)
    left = (y - law.correlations * x) / math.exp(-mi)
    assert left.std() == pytest.approx(1.0, abs=5 / math.sqrt(2 * 20_000))
    assert stats.kstest(left[:, 0], "norm").pvalue > 1e-4


@pytest.mark.parametrize(("mi", "dim_x", "dim_y"), [(1.0, 10, 10), (0.3, 2, 5), (3.0, 1, 1), (0.0, 3, 3)])
def test_dense_normals_by_their_log_determinants(mi: float, dim_x: int, dim_y: int) -> None:
    law = laws.dense_normal(mi, dim_x, dim_y)
    c = law.odds / (1 + law.odds)
    covariance = np.full((dim_x + dim_y,) * 2, c) + (1 - c) * np.eye(dim_x + dim_y)
    assert gaussian_information(covariance, dim_x) == pytest.approx(mi, abs=1e-9)
    covariance_is(law, covariance)


def test_dense_normals_of_a_thousand_dimensions() -> None:
    law = laws.dense_normal(1.5, 1000, 1000)
    c = law.odds / (1 + law.odds)
    dense = [d * math.log1p(-c) + math.log1p(d * c / (1 - c)) for d in (1000, 2000)]  # log-determinants
    assert dense[0] - dense[1] / 2 == pytest.approx(1.5, abs=1e-8)
    assert law.sample(10)[0].shape == (10, 1000)


def test_joint_normal_by_log_determinants() -> None:
    root = np.random.default_rng(2).standard_normal((5, 7))
    law = laws.joint_normal(root @ root.T, 2)
    assert law.mutual_information == pytest.approx(gaussian_information(root @ root.T, 2), abs=1e-10)
    covariance_is(law, root @ root.T)


def test_additive_noise_by_its_correlation() -> None:
    law = laws.additive_noise(2.0, dim=2)
    r = 1 / math.sqrt(1 + law.sigma**2)
    assert -math.log1p(-r * r) == pytest.approx(2.0, abs=1e-12)  # two columns, each -1/2 ln(1 - r^2)
    covariance_is(law, np.kron([[1, 1], [1, 1 + law.sigma**2]], np.eye(2)))


@pytest.mark.parametrize("noise", [0.5, 1e-2])
def test_embedded_normals_by_log_determinants_of_all_columns(noise: float) -> None:
    law = laws.embedded_normal(2.0, coordinates=3, width=12, noise=noise)
    a, b = (m.matrix(3) for m in law.maps)
    rho = math.sqrt(1 - math.exp(-4 / 3))
    within = noise**2 * np.eye(12)
    covariance = np.block([[a.T @ a + within, rho * a.T @ b], [rho * b.T @ a, b.T @ b + within]])
    assert gaussian_information(covariance, 12) == pytest.approx(law.mutual_information, abs=1e-7)
    assert law.mutual_information < 2.0
    covariance_is(law, covariance)
    assert laws.embedded_normal(2.0, noise=0.0).mutual_information == 2.0


def test_linear_networks_by_log_determinants() -> None:
    net = laws.linear_net(2.0, 6, 3)
    identity, w, layer = np.eye(6), net.weights, net.layer_covariance
    covariance = np.block([[identity, w], [w.T, layer]])
    assert gaussian_information(covariance, 6) == pytest.approx(2.0, abs=1e-10)
    covariance_is(net, covariance)
    part = net.part(2, 6)
    rest = w[:2].T @ w[:2] + net.sigma**2 * np.eye(3)  # the other inputs are noise
    known = 0.5 * (np.linalg.slogdet(layer)[1] - np.linalg.slogdet(rest)[1])
    assert part.mutual_information == pytest.approx(known, abs=1e-10)
    assert part.mutual_information + net.part(0, 2).mutual_information < 2.0
    assert net.part(0, 6).mutual_information == pytest.approx(2.0, abs=1e-10)
    assert np.array_equal(part.sample(50, 1)[1], net.sample(50, 1)[1])
    target = net.target(2, noise=0.3)
    v = target.weights
    both = np.block([[layer, w.T @ v], [v.T @ w, v.T @ v + 0.09 * np.eye(2)]])
    assert target.mutual_information == pytest.approx(gaussian_information(both, 3), abs=1e-10)
    covariance_is(target, both)
    assert np.array_equal(target.sample(50, 1)[0], net.sample(50, 1)[1])


# --- Densities averaged over samples ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("mi", "dim_x", "dim_y", "dof"), [(1.0, 1, 1, 5.0), (1.767, 3, 2, 5.0), (2.0, 2, 2, 1.5)])
def test_student_laws_by_their_densities(mi: float, dim_x: int, dim_y: int, dof: float) -> None:
    law = laws.correlated_student(mi, dim_x, dim_y, dof)
    shape = np.eye(dim_x + dim_y)
    for i, rho in enumerate(law.normal.correlations):
        shape[i, dim_x + i] = shape[dim_x + i, i] = rho
    x, y = law.sample(50_000, 5)
    t = stats.multivariate_t
    terms = (
        t(None, shape, dof).logpdf(np.c_[x, y])
        - np.reshape(t(None, np.eye(dim_x), dof).logpdf(x), -1)
        - np.reshape(t(None, np.eye(dim_y), dof).logpdf(y), -1)
    )
    mean_is(mi, terms)
    assert all(stats.kstest(column, "t", (dof,)).pvalue > 1e-4 for column in np.c_[x, y].T)


def test_the_tails_of_a_student_law_inform_by_themselves() -> None:
    """10 + 10 dimensions and 5 degrees of freedom over normals of 1.438 nats: the 1.767 of the acceptance numbers."""
    law = laws.correlated_student(1.767, 10, 10, 5.0)
    assert law.normal.mi == pytest.approx(1.438, abs=5e-4)
    assert laws.correlated_student(1.0, 2, 2, dof=1e7).tail_information == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("mi", [0.1, 1.0, 5.0, 12.0])
def test_log_gamma_exponential_by_its_density(mi: float) -> None:
    """f(x, y) = x^theta exp(-x - x y) / Gamma(theta): Y alone has density theta (1 + y)^-(theta + 1)."""
    law = laws.log_gamma_exponential(mi)
    log_x, log_y = (v[:, 0] for v in law.sample(100_000, 3))
    theta = law.shape
    terms = log_x - np.exp(log_x + log_y) - math.log(theta) + (theta + 1) * np.logaddexp(0, log_y)
    mean_is(mi, terms)
    survival = np.exp(-theta * np.logaddexp(0, log_y))  # of Y, a Lomax law
    assert stats.kstest(survival, "uniform").pvalue > 1e-4
    if theta > 1e-3:
        assert stats.kstest(log_x, "loggamma", (theta,)).pvalue > 1e-4


def test_gamma_exponential_is_gamma_and_exponential() -> None:
    law = laws.gamma_exponential(1.0, dim=2)
    shape = laws.log_gamma_exponential(1.0, dim=2).shape
    x, y = law.sample(20_000, 0)
    assert stats.kstest(x[:, 1], "gamma", (shape,)).pvalue > 1e-4
    assert stats.kstest((x * y)[:, 1], "expon").pvalue > 1e-4


@pytest.mark.parametrize("mi", [0.2, 1.0])
def test_crossed_normals_by_quadrature_in_the_plane(mi: float) -> None:
    law = laws.crossed_normal(mi)
    rho = math.sqrt(-math.expm1(-2 * law.branch_information))
    grid = np.arange(-8.5, 8.5, 0.02)
    x, y = np.meshgrid(grid, grid)
    normal = [stats.multivariate_normal([0, 0], [[1, r], [r, 1]]).logpdf(np.dstack([x, y])) for r in (rho, -rho)]
    joint = logsumexp(normal, axis=0) - math.log(2)
    ratio = joint - stats.norm.logpdf(x) - stats.norm.logpdf(y)
    assert (np.exp(joint) * ratio).sum() * 0.02**2 == pytest.approx(mi, abs=1e-8)


@pytest.mark.parametrize("mi", [1.0, 4.0, 9.0])
def test_crossed_normals_by_their_density(mi: float) -> None:
    law = laws.crossed_normal(mi)
    x, y = (v[:, 0] for v in law.sample(100_000, 3))
    noise = math.exp(-law.branch_information)
    rho = math.sqrt(1 - noise**2)
    given = [stats.norm.logpdf(y, loc=sign * rho * x, scale=noise) for sign in (1, -1)]
    mean_is(mi, logsumexp(given, axis=0) - math.log(2) - stats.norm.logpdf(y))
    assert abs(np.corrcoef(x, y)[0, 1]) < 5 * math.sqrt(2 / 100_000)  # E x^2 y^2 = 1 + 2 rho^2 at most 3
    assert stats.kstest(y, "norm").pvalue > 1e-4


def test_crossed_quadrature_has_its_limits_right() -> None:
    """Close to independence it is of fourth order in rho; far from it the unknown sign costs ln 2."""
    small = crossed_information(0.005)
    rho_squared = 1 - math.exp(-0.01)
    assert small == pytest.approx(rho_squared**2 / 2, rel=0.05)  # half of chi^2 = rho^4 + rho^8 + ..., Mehler's series
    assert crossed_information(12.0) == pytest.approx(12.0 - math.log(2), abs=1e-4)


@pytest.mark.parametrize(
    ("mi", "classes", "dim", "rotated"), [(0.5, 2, 1, False), (1.2, 4, 3, True), (0.0, 3, 2, False)]
)
def test_normal_classes_by_their_densities(mi: float, classes: int, dim: int, rotated: bool) -> None:
    law = laws.normal_classes(mi, classes, dim, rotated)
    x, y = law.sample(100_000, 2)
    means = np.stack([x[y[:, 0] == c].mean(axis=0) for c in range(classes)])
    gaps = np.linalg.norm(np.diff(means, axis=0), axis=1)
    assert np.abs(gaps - law.distance).max() < 5 * math.sqrt((dim + 1) * 2 * classes / 100_000) + 1e-12
    line = (means[-1] - means[0]) / max(np.linalg.norm(means[-1] - means[0]), 1e-9)
    along = x @ line
    logs = stats.norm.logpdf(along[:, None], loc=law.distance * (np.arange(classes) - (classes - 1) / 2))
    terms = logs[np.arange(len(x)), y[:, 0]] - logsumexp(logs, axis=1) + math.log(classes)
    if mi:
        mean_is(mi, terms)
    else:
        assert law.distance == 0


def test_zero_inflated_poisson_by_its_density() -> None:
    for zeros in (0.0, 0.15, 0.6):
        law = laws.zero_inflated_poisson(zeros)
        x, y = (v[:, 0] for v in law.sample(200_000, 4))
        given = zeros * (y == 0) + (1 - zeros) * stats.poisson.pmf(y, x)
        mean_is(law.mutual_information, np.log(given) - np.log(zeros * (y == 0) + (1 - zeros) * 0.5 ** (y + 1.0)))
    k = np.arange(1, 200)
    closed = 2 * math.log(2) - np.euler_gamma - (np.log(k) * 0.5**k).sum()  # without zeros put in
    assert laws.zero_inflated_poisson(0.0).mutual_information == pytest.approx(closed, abs=1e-9)


# --- Quadrature and sums ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mi", [0.1, 0.5, 1.0, 3.0])
def test_smoothed_uniform_by_quadrature(mi: float) -> None:
    law = laws.smoothed_uniform(mi)
    wide, noise = 1.0, 1 / law.delta
    top, plateau = min(1.0, law.delta), abs(wide - noise)

    def density(y: float) -> float:  # of Y: a trapezoid about 1/2
        outside = max(abs(y - 0.5) - plateau / 2, 0.0)
        return max(top * (1 - outside / min(wide, noise)), 1e-300)

    ends = (0.5 - (wide + noise) / 2, 0.5 - plateau / 2, 0.5 + plateau / 2, 0.5 + (wide + noise) / 2)
    pieces = list(itertools.pairwise(ends))
    assert sum(quad(density, a, b)[0] for a, b in pieces) == pytest.approx(1.0, abs=1e-9)
    entropy = sum(quad(lambda y: -density(y) * math.log(density(y)), a, b)[0] for a, b in pieces)
    assert entropy - math.log(noise) == pytest.approx(mi, abs=1e-7)
    x, y = law.sample(20_000, 1)
    assert stats.kstest(x[:, 0], "uniform").pvalue > 1e-4
    assert stats.kstest((y - x)[:, 0] * law.delta + 0.5, "uniform").pvalue > 1e-4


def test_smoothed_uniform_has_the_known_widths() -> None:
    assert laws.smoothed_uniform(0.5).delta == pytest.approx(1.0, abs=1e-7)  # the root is double there
    assert laws.smoothed_uniform(1.0).delta == pytest.approx(2.15554, abs=5e-6)
    assert laws.smoothed_uniform(2.0).delta == pytest.approx(6.87041, abs=5e-6)
    assert laws.smoothed_uniform(3.0, dim=3).delta == laws.smoothed_uniform(1.0).delta


@pytest.mark.parametrize("mi", [0.05, 0.5, math.log(2), 1.0, math.log(8), 3.3])
def test_quantized_uniform_by_the_widths_of_its_cells(mi: float) -> None:
    law = laws.quantized_uniform(mi)
    walls = np.minimum(np.arange(math.ceil(1 / law.width - 1e-9) + 1) * law.width, 1.0)
    widths = np.diff(walls)
    assert -(widths * np.log(widths)).sum() == pytest.approx(mi, abs=1e-9)
    x, y = law.sample(5000, 0)
    assert np.array_equal(np.searchsorted(walls, x, side="right") - 1, y)


@pytest.mark.parametrize(("mi", "classes"), [(0.5, 8), (0.1, 2), (math.log(3), 3), (0.0, 5)])
def test_symmetric_channel_by_its_table(mi: float, classes: int) -> None:
    law = laws.symmetric_channel(mi, classes)
    e = law.error
    table = (np.eye(classes) * (1 - e) + (1 - np.eye(classes)) * e / (classes - 1)) / classes
    seen = table[table > 0]
    assert (seen * np.log(seen * classes**2)).sum() == pytest.approx(mi, abs=1e-10)
    for labelled in (law, laws.noisy_labels(mi, classes)):
        x, y = labelled.sample(50_000, 1)
        clean = np.floor(classes * x).astype(int) if labelled.kinds[0] == "continuous" else x
        counts = np.bincount((clean * classes + y)[:, 0], minlength=classes**2).reshape(classes, classes)
        assert (np.abs(counts / 50_000 - table) <= 5 * np.sqrt(table / 50_000)).all()


def test_clean_labels_are_the_first_column() -> None:
    law = laws.uniform_labels(8, dim_x=3)
    x, y = law.sample(10_000, 0)
    assert law.mutual_information == pytest.approx(2.0794, abs=1e-4)
    assert np.array_equal(y, (8 * x[:, :1]).astype(int))
    assert stats.chisquare(np.bincount(y[:, 0])).pvalue > 1e-4


def test_a_binned_neuron_by_counts_and_by_integration() -> None:
    law = laws.binned_neuron(2.0, 10)
    edges = np.linspace(-1, 1, 11)
    x, y = law.sample(100_000, 0)
    assert np.array_equal(np.digitize(np.tanh(2 * x), edges[1:-1]), y)
    fine = np.arange(-9, 9, 1e-4) + 5e-5
    p = np.bincount(np.digitize(np.tanh(2 * fine), edges[1:-1]), stats.norm.pdf(fine) * 1e-4)
    assert -(p * np.log(p)).sum() == pytest.approx(law.mutual_information, abs=1e-3)
    rise_and_fall = [laws.binned_neuron(w, 30).mutual_information for w in (0.1, 1.0, 30.0, 1e4)]
    assert rise_and_fall[0] < rise_and_fall[1] > rise_and_fall[2] > rise_and_fall[3]
    assert rise_and_fall[3] == pytest.approx(math.log(2), abs=0.02)


def test_mixed_uniform_by_quadrature() -> None:
    for values in (1, 2, 5):
        heights = np.array([min(i + 1, 2, values) if i < values else 1 for i in range(values + 1)]) / (2 * values)
        entropy = -(heights * np.log(heights)).sum()  # Y has this density on (i, i + 1)
        assert heights.sum() == pytest.approx(1.0)
        assert laws.mixed_uniform(values).mutual_information == pytest.approx(entropy - math.log(2), abs=1e-12)


# --- Neighbours, where no density is at hand -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "law",
    [
        laws.part_discrete(1.5),
        laws.part_discrete(1.2, share=0.3, flip=0.05),
        laws.zero_inflated_normal(0.6),
        laws.zero_inflated_normal(0.8, zeros=0.05),
        laws.mixed_uniform(4),
        laws.correlated_normal(1.0),
        laws.correlated_uniform(1.0),
        laws.bimodal_normal(1.0),
        laws.asinh_student(1.0),
        laws.smoothed_uniform(1.0),
        laws.crossed_normal(0.5),
    ],
    ids=str,
)
def test_neighbours_agree(law: laws.Law) -> None:
    """n = 4,000, k = 5: within five standard errors plus a smoothing bias of 0.03 nat.

    Atoms at +-1 are moved out of the density first, which is injective and spares neighbours their tie.
    """
    x, y = (np.where(np.abs(v) == 1, 20 * v, v).astype(float) for v in law.sample(4000, 8))
    terms = neighbours(x, y)
    assert abs(terms.mean() - law.mutual_information) < 5 * terms.std() / math.sqrt(4000) + 0.03


def test_zeros_come_in_the_share_asked_for() -> None:
    for side in laws.zero_inflated_normal(0.5, 2, zeros=0.25).sample(20_000, 0):
        assert np.abs((side == 0).mean(axis=0) - 0.25).max() < 5 * math.sqrt(0.25 * 0.75 / 20_000)


def test_uniform_columns_are_uniform() -> None:
    x, y = laws.correlated_uniform(2.0, 2, 3).sample(20_000, 0)
    assert all(stats.kstest(column, "uniform").pvalue > 1e-4 for column in np.c_[x, y].T)
