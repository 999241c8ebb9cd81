"""KSG: the slow twin, published reference values, invariances, doubts and refusals."""

from __future__ import annotations

import math

import knn_twins as twins
import numpy as np
import pytest
from scipy.special import digamma

import infoplane as ip
from infoplane.errors import Refusal
from infoplane.estimators import KSG, ksg
from infoplane.samples import variable


def pairs(seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    """A small sample: continuous, whole, rounded, duplicated, far from the origin or of single precision, by turns."""
    random = np.random.default_rng(seed)
    n = int(random.integers(5, 32))
    dx, dy = random.integers(1, 6, 2)
    x = random.standard_normal((n, dx))
    y = random.standard_normal((n, dy)) + x[:, :1]
    match seed % 6:
        case 1:
            x, y = np.round(x), np.round(y)
        case 2:
            x, y = 0.1 * np.round(x, 1), np.round(3 * y)
        case 3:
            x[n // 2 :], y[n // 2 :] = x[: n - n // 2], y[: n - n // 2]
        case 4:
            x, y = 1e-3 * x + 1e3, 0.1 * np.round(y)
        case 5:
            x, y = x.astype(np.float32).astype(np.float64), y.astype(np.float32).astype(np.float64)
    return x, y, int(random.integers(1, min(6, n)))


def value(found: ksg.Near, n: int, k: int, variant: int) -> float:
    if variant == 1:
        terms = digamma(k) + digamma(n) - digamma(found.in_x + 1) - digamma(found.in_y + 1)
    else:
        terms = digamma(k) - 1 / k + digamma(n) - digamma(found.in_x) - digamma(found.in_y)
    return float(terms.mean())


@pytest.mark.parametrize("half", [0, 1])
def test_equals_the_twin_in_a_thousand_cases(half: int) -> None:
    for seed in range(500 * half, 500 * half + 500):
        x, y, k = pairs(seed)
        variant = 1 + seed // 6 % 2
        expected = twins.ksg(x, y, k, variant)
        routes = (ksg.by_scan(x, y, k, variant), ksg.by_parts(x, y, np.hstack([x, y]), k, variant))
        for found in routes:
            assert value(found, len(x), k, variant) == pytest.approx(expected, abs=1e-9), (seed, k, variant)


def test_the_estimator_gives_what_its_routes_give() -> None:
    for seed in range(24):
        x, y, k = pairs(seed)
        x[0] += 0.25  # not constant, even when rounded
        y[0] += 0.25
        for variant in (1, 2):
            found = ip.mutual_information(x, y, KSG(k=k, variant=variant))
            assert found.value == pytest.approx(twins.ksg(x, y, k, variant), abs=1e-9)


@pytest.mark.parametrize("variant", [1, 2])
@pytest.mark.parametrize("dims", [(1, 1), (2, 1), (4, 3)])
def test_routes_agree_beyond_one_block(variant: int, dims: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    x = np.round(random.standard_normal((2300, dims[0])), 2)  # ties on one side
    y = random.standard_normal((2300, dims[1])) + x[:, :1]
    whole, parts = ksg.by_scan(x, y, 4, variant), ksg.by_parts(x, y, np.hstack([x, y]), 4, variant)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_gpu_would_give_the_same() -> None:
    from infoplane.estimators import gpu

    x, y, k = pairs(2)
    for one, other in zip(gpu.ksg(x, y, k), ksg.by_scan(x, y, k, 1), strict=True):
        np.testing.assert_array_equal(one, other)


def normal(mi: float, dim: int, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A correlated normal law of dim + dim with this information."""
    random = np.random.default_rng(seed)
    rho = math.sqrt(1.0 - math.exp(-2.0 * mi / dim))
    x = random.standard_normal((n, dim))
    return x, rho * x + math.sqrt(1.0 - rho**2) * random.standard_normal((n, dim))


@pytest.mark.parametrize("variant", [1, 2])
@pytest.mark.parametrize(("mi", "dim"), [(0.0, 1), (0.5, 1), (2.0, 1), (0.0, 2), (1.0, 2), (0.0, 4)])
def test_finds_the_information_of_normal_laws(mi: float, dim: int, variant: int) -> None:
    """n = 5,000: five of the stated errors, which are 1.0 to 1.5 times too small."""
    found = ip.mutual_information(*normal(mi, dim, 5000, seed=1), KSG(variant=variant))
    assert abs(found.value - mi) < 5 * 1.5 * found.stderr
    assert 0.0 < found.stderr < 0.03


@pytest.mark.parametrize(
    ("law", "k", "mi", "expected", "tolerance"),
    [
        ("normal 2+2", 1, 6.0, 5.78, 0.15),
        ("normal 2+2", 5, 6.0, 5.37, 0.15),
        ("uniform 4+4", 1, 0.0, -0.02, 0.10),
        ("uniform 4+4", 1, 2.0, 1.69, 0.10),
        ("uniform 4+4", 1, 6.0, 4.87, 0.10),
        ("normal 4+4", 1, 6.0, 5.08, 0.10),
    ],
)
def test_reference_values(law: str, k: int, mi: float, expected: float, tolerance: float) -> None:
    """Of an independent program, n = 5,000; the tolerances are those stated with it for another seed."""
    from scipy.special import ndtr

    x, y = normal(mi, int(law[-1]), 5000, seed=3)
    if law.startswith("uniform"):
        x, y = ndtr(x), ndtr(y)
    assert ip.mutual_information(x, y, KSG(k=k)).value == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(("k", "least"), [(1, 2.0), (5, 3.0)])
def test_loses_what_it_loses_at_ten_nats(k: int, least: float) -> None:
    found = ip.mutual_information(*normal(10.0, 2, 5000, seed=0), KSG(k=k))
    assert found.value < 10.0 - least
    assert any("reads low" in w for w in found.warnings)


def test_a_common_scale_and_the_order_of_columns_change_nothing() -> None:
    x, y = normal(1.0, 3, 600, seed=0)
    plain = ip.mutual_information(x, y, KSG()).value
    assert ip.mutual_information(64.0 * x, 64.0 * y, KSG()).value == plain  # a power of two is exact
    assert ip.mutual_information(x[:, ::-1], y, KSG()).value == plain


def test_unlike_units_are_doubted_and_standardising_mends_them() -> None:
    x, y = normal(1.0, 2, 1000, seed=0)
    plain, mended = (ip.mutual_information(x, y, KSG(standardise=s)) for s in (False, True))
    other = ip.mutual_information(1024.0 * x, y, KSG())
    assert other.value < 0.2
    assert any("as wide as y" in w for w in other.warnings)
    assert ip.mutual_information(1024.0 * x, y, KSG(standardise=True)).value == mended.value
    assert mended.value == pytest.approx(plain.value, abs=0.05)
    assert not any("as wide as" in w for w in (*plain.warnings, *mended.warnings))


def test_a_constant_column_adds_nothing() -> None:
    x, y = normal(1.0, 2, 500, seed=0)
    padded = np.hstack([x, np.full((500, 1), 7.0)])
    assert ip.mutual_information(padded, y, KSG()).value == ip.mutual_information(x, y, KSG()).value


def test_never_exceeds_its_ceiling() -> None:
    x = np.random.default_rng(0).standard_normal(400)
    for k in (1, 3, 8):
        found = ip.mutual_information(x, x, KSG(k=k))
        assert found.value <= digamma(400) - digamma(k) + 1e-9
        assert found.details["ceiling"] == pytest.approx(digamma(400) - digamma(k))
        assert any("reads low" in w for w in found.warnings)


@pytest.mark.parametrize("dim_z", [1, 2])
def test_conditional_equals_the_twin(dim_z: int) -> None:
    for seed in range(30):
        x, y, k = pairs(seed)
        random = np.random.default_rng(seed + 10_000)
        z = np.round(random.standard_normal((len(x), dim_z)), seed % 2 + 1) + y[:, :1]
        found = KSG(k=k).conditional(variable(x), variable(y, "y"), variable(z, "z"))
        assert found.value == pytest.approx(twins.conditional(x, y, z, k), abs=1e-9)
        assert found.quantity == "I(X;Y|Z)"


def test_conditional_information_of_a_normal_chain_and_of_a_sum() -> None:
    """X - Z - Y has none; independent X and Y given Z = X + Y + unit noise have ln(4/3) / 2. Five errors as above."""
    random = np.random.default_rng(0)
    z, a, b = random.standard_normal((3, 4000))
    chain = KSG().conditional(variable(z + a), variable(z + b, "y"), variable(z, "z"))
    assert abs(chain.value) < 5 * 1.5 * chain.stderr
    sum_ = KSG().conditional(variable(a), variable(b, "y"), variable(a + b + z, "z"))
    # Var(X|Z) = 2/3 and Var(X|Y,Z) = 1/2 for unit variances.
    assert abs(sum_.value - 0.5 * math.log(4 / 3)) < 5 * 1.5 * sum_.stderr


def test_larger_inputs_are_thinned_with_a_notice() -> None:
    x, y = normal(1.0, 1, 3000, seed=0)
    found = ip.mutual_information(x, y, KSG(max_samples=1000), seed=1)
    assert any("Thinned from 3000 to max_samples = 1000" in note for note in found.notes)
    assert abs(found.value - 1.0) < 5 * 1.5 * found.stderr
    assert found.value != ip.mutual_information(x, y, KSG(max_samples=1000), seed=2).value
    assert ip.mutual_information(x, y, KSG(max_samples=3000)).notes == ()


def test_says_what_is_doubtful() -> None:
    x, y = normal(0.3, 1, 500, seed=0)

    def warned(a: np.ndarray, b: np.ndarray, words: str) -> bool:
        return any(words in w and w.endswith(".") for w in ip.mutual_information(a, b, KSG()).warnings)

    assert ip.mutual_information(x, y, KSG()).warnings == ()
    assert warned(np.round(x, 1), y, "repeats other samples")
    assert warned(np.repeat(x[:100], 5, axis=0), np.repeat(y[:100], 5, axis=0), "duplicates for nearest neighbours")
    assert warned(np.hstack([x, 1e3 * x**2]), y, "in scale")
    assert not warned(np.hstack([x, 20 * x**2]), y, "in scale")
    assert warned(*normal(2.0, 10, 500, seed=0), "20 joint dimensions")
    assert not warned(*normal(0.0, 10, 500, seed=0), "20 joint dimensions")


@pytest.mark.parametrize("k", [1, 3])
def test_values_on_a_grid_are_doubted_and_rounded_ones_are_not(k: int) -> None:
    """Corners of a cube, each once, beside independent values: every neighbour is at distance 1, and KSG reads nats."""
    random = np.random.default_rng(5)
    corners = np.array([[(i >> bit) & 1 for bit in range(10)] for i in range(1024)], float)
    other = random.normal(size=(1024, 2))
    found = ip.mutual_information(corners, other, KSG(k=k))
    assert found.value > 1.0  # of two variables that know nothing of each other
    assert [w for w in found.warnings if "reads high" in w]
    assert not [w for w in found.warnings if "low" in w.split(":")[-1] and "reads high" not in w]
    for a in (random.normal(size=(1024, 10)), np.round(random.normal(size=(1024, 10)), 3)):
        assert not [w for w in ip.mutual_information(a, other, KSG(k=k)).warnings if "reads high" in w]


@pytest.mark.parametrize(
    "settings", [{"k": 0}, {"k": 1.5}, {"variant": 3}, {"max_samples": 3}, {"k": True}, {"standardise": 1}]
)
def test_bad_settings_are_refused(settings: dict) -> None:
    with pytest.raises(ip.InputError, match=r"^KSG .*got .*"):
        KSG(**settings)


def test_bad_data_are_refused_in_a_sentence() -> None:
    x, y = normal(1.0, 1, 50, seed=0)
    with pytest.raises(ip.InputError, match=r"^KSG\(k=3\) needs more than 3 samples, got 2\.$"):
        ip.mutual_information(x[:2], y[:2], KSG())
    with pytest.raises(Refusal, match=r"y is discrete; use Mixture\(\).*WeightedKL\(\).*\.$"):
        ip.mutual_information(x, np.arange(50) % 3, KSG())
    with pytest.raises(Refusal, match=r"x to vary and it is constant.*\.$"):
        ip.mutual_information(np.ones(50), y, KSG())
    with pytest.raises(ip.InputError, match="no conditional form"):
        KSG(variant=2).conditional(variable(x), variable(y), variable(x))


@pytest.mark.slow
def test_a_million_samples_stay_in_memory() -> None:
    """In a process of its own, whose largest size so far is read: 1 + 1 dimensions take below 0.5 GB beyond imports."""
    import subprocess
    import sys

    code = (
        "import resource, numpy as np\n"
        "from infoplane.estimators.ksg import KSG\n"
        "from infoplane.samples import Variable\n"
        "x, e = np.random.default_rng(0).standard_normal((2, 1_000_000, 1))\n"
        "size = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3\n"
        "before = size()\n"
        "found = KSG().estimate(Variable(x), Variable(0.5 * x + 0.75**0.5 * e))\n"
        "print(found.value, found.stderr, size() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=300)
    estimate, error, megabytes = map(float, done.stdout.split())
    assert abs(estimate + 0.5 * math.log(0.75)) < 5 * 1.5 * error
    assert megabytes < 500


@pytest.mark.parametrize("variant", [1, 2])
def test_a_discrete_condition_is_taken_class_by_class(variant: int) -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((200, 1))
    y = x + random.standard_normal((200, 1))
    z = (random.random(200) < 0.3).astype(int)
    found = ip.conditional_mutual_information(x, y, z, KSG(variant=variant))
    parts = [(z == c).mean() * ip.mutual_information(x[z == c], y[z == c], KSG(variant=variant)).value for c in (0, 1)]
    assert found.value == pytest.approx(sum(parts), abs=1e-12)
    assert found.quantity == "I(X;Y|Z)"
