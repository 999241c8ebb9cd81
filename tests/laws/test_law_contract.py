"""What every law promises: shapes, kinds, seeds, a finite truth, and one clear sentence where it cannot be had."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

import infoplane as ip
from infoplane import laws

SMALL = {
    "correlated_gaussian_images": {"size": 8},
    "gaussian_images": {"size": 8},
    "rectangle_images": {"size": 9},
    "tanh_embedding": {"width": 30, "hidden": 12, "coordinates": 3},
    "embedded_normal": {"width": 20},
}
NAMES = laws.names()


def small(name: str, **settings: float) -> laws.Law:
    return laws.by_name(name, **SMALL.get(name, {}), **settings)


@pytest.mark.parametrize("name", NAMES)
def test_samples_have_the_shapes_kinds_and_seeds_of_their_law(name: str) -> None:
    law = small(name)
    x, y = law.sample(300, seed=4)
    for side, dim, kind in ((x, law.dim_x, law.kinds[0]), (y, law.dim_y, law.kinds[1])):
        assert side.shape == (300, dim)
        assert side.dtype == (np.float64 if kind == "continuous" else np.int64)
        assert np.isfinite(side).all()
        assert np.unique(side).size > 1
    for again, other, side in zip(law.sample(300, 4), law.sample(300, 5), (x, y), strict=True):
        assert np.array_equal(again, side)
        assert not np.array_equal(other, side)


@pytest.mark.parametrize("name", NAMES)
def test_a_law_has_the_information_asked_for_and_says_its_name(name: str) -> None:
    law = small(name)
    assert 0 < law.mutual_information < 10
    assert law.name in (name, "correlated_normal")  # sparse_normal is one of those
    assert law.name in str(law)
    assert law == small(name)
    assert hash(law) == hash(small(name))
    with pytest.raises(dataclasses.FrozenInstanceError):
        law.mi = 3.0  # type: ignore[attr-defined]
    if name in laws.names("mi"):
        wanted = 0.9 * law.mutual_information
        lost = 1e-3 if name == "embedded_normal" else 1e-12  # its noise costs something, and is meant to
        assert small(name, mi=wanted).mutual_information == pytest.approx(wanted, rel=lost)


@pytest.mark.parametrize("name", NAMES)
def test_coordinates_are_those_of_the_very_samples(name: str) -> None:
    law = small(name)
    below = law.latent
    if isinstance(law, laws.Transformed):
        (x, y), (u, v) = law.sample(200, 1), below.sample(200, 1)
        assert law.x is not None
        assert law.y is not None
        assert np.allclose(law.x.inverse(x, below.dim_x), u, rtol=1e-9, atol=1e-9)
        assert np.allclose(law.y.inverse(y, below.dim_y), v, rtol=1e-9, atol=1e-9)
    elif name == "embedded_normal":
        (x, y), (u, v) = law.sample(200, 1), below.sample(200, 1)
        for seen, coordinates in ((x, u), (y, v)):
            fit = np.linalg.lstsq(seen, coordinates, rcond=None)[0]
            assert np.abs(seen @ fit - coordinates).max() < 0.01  # noise of 1e-3
    else:
        assert below is law


def test_a_law_is_not_the_stream_of_the_same_seed() -> None:
    """A user who shuffles with default_rng(0) must not meet the numbers that made the data."""
    x, _ = laws.correlated_normal().sample(100, 0)
    assert not np.isin(np.random.default_rng(0).standard_normal(1000), x).any()


def test_names_filter_by_settings() -> None:
    assert {"correlated_normal", "correlated_student", "cubed_normal"} <= set(laws.names("mi", "dim_x", "dim_y"))
    assert "gaussian_images" not in laws.names("mi", "dim_x", "dim_y")
    assert "uniform_labels" not in laws.names("mi")
    assert len(NAMES) == len(set(NAMES))
    assert all(getattr(laws, name) is not None for name in NAMES)


WRONG: dict[str, Callable[[], object]] = {
    "from 0 to 60": lambda: laws.correlated_normal(-0.1, 2, 2),
    "30 is the most of a pair": lambda: laws.correlated_normal(31.0),
    "mi=nan": lambda: laws.correlated_normal(float("nan")),
    "mi='two'": lambda: laws.correlated_normal("two"),  # type: ignore[arg-type]
    "dim_x needs a whole number, 1 or more, got 0": lambda: laws.correlated_uniform(1.0, 0, 1),
    "dim_y needs a whole number": lambda: laws.correlated_normal(1.0, 1, 1.5),  # type: ignore[arg-type]
    "at most min": lambda: laws.correlated_normal(1.0, 2, 3, pairs=3),
    "did you mean 'random'": lambda: laws.correlated_normal(split="randm"),  # type: ignore[arg-type]
    "carries 0.3288": lambda: laws.correlated_student(0.2, 10, 10),
    "dof above 0": lambda: laws.correlated_student(dof=0.0),
    "log_gamma_exponential goes beyond": lambda: laws.gamma_exponential(3.0),
    "infinite noise": lambda: laws.smoothed_uniform(0.0),
    "most a label holds": lambda: laws.noisy_labels(2.0, classes=4),
    "overlap": lambda: laws.normal_classes(0.7, classes=2),
    "discrete part carries": lambda: laws.part_discrete(0.1),
    "zeros from 0 and below 1": lambda: laws.zero_inflated_normal(zeros=1.0),
    "Segment takes an even number": lambda: laws.Segment().check(3),
    "takes 2 columns, got 3": lambda: laws.Transformed(laws.correlated_uniform(1.0, 3, 3), laws.GaussianImage()),
    "shortest from 0 and below 1": lambda: laws.Segment(1.0),
    "size": lambda: laws.gaussian_images(1.0, size=1),
    "needs 2 or more": lambda: laws.spiral_normal(1.0, 1, 1),
    "needs hidden >= 5": lambda: laws.tanh_embedding(hidden=4),
    "5 columns or more": lambda: laws.embedded_normal(width=4),
    "square": lambda: laws.joint_normal(np.ones((2, 3)), 1),
    "symmetric": lambda: laws.joint_normal(np.array([[1.0, 0.5], [0.2, 1.0]]), 1),
    "positive definite": lambda: laws.joint_normal(np.ones((2, 2)), 1),
    "first < last": lambda: laws.linear_net().part(3, 3),
    "n needs a whole number, 1 or more, got 0": lambda: laws.correlated_normal().sample(0),
    "seed needs a whole number": lambda: laws.correlated_normal().sample(5, -1),
    "did you mean 'correlated_normal'": lambda: laws.by_name("corelated_normal"),
    "There is no law 'qqq'": lambda: laws.by_name("qqq"),
    "no setting 'dims'": lambda: laws.by_name("correlated_normal", dims=3),
}


@pytest.mark.parametrize("part", WRONG)
def test_what_cannot_be_had_is_refused_in_one_sentence(part: str) -> None:
    with pytest.raises(ip.InputError) as caught:
        WRONG[part]()
    message = str(caught.value)
    assert part in message
    assert message.endswith(".")
    assert len(message) < 320


def test_laws_feed_the_estimators() -> None:
    x, y = laws.symmetric_channel(0.5, classes=4).sample(20_000, 2)
    found = ip.mutual_information(x, y, ip.estimators.Plugin("miller-madow"))
    assert abs(found.value - 0.5) < 4 * found.stderr
