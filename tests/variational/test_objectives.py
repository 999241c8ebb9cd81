"""Objectives weigh the right numbers by the right factors, say which information they bound, and refuse nonsense."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infoplane as ip

v = ip.variational
TERMS = v.Terms(distortion=0.5, cross_entropy=0.7, rate=2.0, rate_conditional=1.25, divergence=0.3, kernel=1.5)


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        (v.VIB(1000), 0.7 + 1e-3 * 2.0),  # the published b = 1e-3
        (v.CEB(3), 1.25 + 2 * 0.7),  # a published g = 2
        (v.CEB(1), 1.25),
        (v.DualVIB(2), 1.25 + 2 * 0.3),
        (v.DualVIB(2, target=0.5, rate="marginal"), 2.0 + 2 * 0.3 + 0.5 * 0.7),
        (v.SquaredVIB(4), 0.7 + 4.0 / 4),
        (v.NonlinearIB(3), 0.7 + 1.5 / 3),
        (v.NonlinearIB(3, power=2), 0.7 + 2.25 / 3),
        (v.CrossEntropy(), 0.7),
        (v.CrossEntropy(smoothing=0.1), 0.7),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_losses_by_hand(objective: Any, expected: float) -> None:
    assert v.loss(TERMS, objective.weights()) == pytest.approx(expected, abs=1e-15)


def test_a_loss_is_of_averages() -> None:
    """The square of the average, not the average of squares."""
    terms = v.averaged(v.Terms(cross_entropy=np.array([1.0, 3.0]), rate=np.array([0.0, 4.0])))
    assert terms.cross_entropy == 2.0
    assert terms.kernel == 0.0
    assert v.loss(terms, v.SquaredVIB(2).weights()) == pytest.approx(2.0 + 4.0 / 2)


def test_each_says_what_its_rate_bounds() -> None:
    """A conditional rate is never named I(X;Z): the released figures draw it on that axis."""
    said = {one.name: (one.bounds, one.prior, one.latent) for one in
            (v.VIB(1), v.CEB(2), v.DualVIB(1), v.DualVIB(1, rate="marginal"), v.SquaredVIB(1), v.NonlinearIB(1),
             v.CrossEntropy())}  # fmt: skip
    assert said == {
        "VIB(beta=1)": ("I(X;Z)", "marginal", "gaussian"),
        "CEB(beta=2)": ("I(X;Z|Y)", "conditional", "gaussian"),
        "DualVIB(beta=1)": ("I(X;Z|Y)", "conditional", "gaussian"),
        "DualVIB(beta=1, rate='marginal')": ("I(X;Z)", "marginal", "gaussian"),
        "SquaredVIB(beta=1)": ("I(X;Z)", "marginal", "gaussian"),
        "NonlinearIB(beta=1)": ("I(X;Z)", None, "shared"),
        "CrossEntropy()": (None, None, "mean"),
    }
    for one in (v.VIB(1), v.CEB(2), v.DualVIB(1), v.SquaredVIB(1)):
        weighed = one.weights()
        assert bool(weighed.rate_conditional) == (one.bounds == "I(X;Z|Y)")
        assert bool(weighed.rate or weighed.rate_squared) == (one.bounds == "I(X;Z)")


def test_the_target_of_the_decoder() -> None:
    assert v.VIB(1).decoder_target == "label"
    assert v.VIB(1, labels=v.Smooth()).decoder_target == "noise model"
    assert v.DualVIB(1).decoder_target == "label"
    assert v.DualVIB(1, noisy_target=True).decoder_target == "noise model"
    assert v.CrossEntropy(0.1).noise == v.Smooth(0.1)
    assert v.CrossEntropy().noise is None


@given(st.floats(1.0, 1e6), st.floats(0.0, 50.0), st.floats(0.0, 5.0))
def test_vib_and_ceb_are_one_lagrangian(beta: float, rate: float, target: float) -> None:
    """With tight bounds R_c = R - I(Z;Y), and both are I(X;Z) - beta I(Z;Y) up to scale and a constant."""
    entropy = 2.0
    terms = v.Terms(cross_entropy=entropy - target, rate=rate, rate_conditional=rate - target)
    lagrangian = rate - beta * target
    vib = beta * (v.loss(terms, v.VIB(beta).weights()) - entropy)
    ceb = v.loss(terms, v.CEB(beta).weights()) - (beta - 1) * entropy
    assert vib == pytest.approx(lagrangian, rel=1e-9, abs=1e-6)
    assert ceb == pytest.approx(lagrangian, rel=1e-9, abs=1e-6)


# --- Schedules -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "end", "expected"),
    [
        (v.Schedule(), 7.0, [7.0, 7.0, 7.0, 7.0]),
        (v.Schedule(100, 10), 1000, [100, 550, 1000, 1000]),
        (v.Schedule(100, 10), 20, [100, 60, 20, 20]),  # both ways; the released code only falls
        (v.Schedule(1, 10, "geometric"), 100, [1, 10, 100, 100]),
    ],
)
def test_schedules(schedule: Any, end: float, expected: list[float]) -> None:
    assert [schedule(end, step) for step in (0, 5, 10, 99)] == pytest.approx(expected)
    traced = jax.jit(lambda step: schedule(end, step) + 0.0)
    assert [float(traced(jnp.asarray(step))) for step in (0, 5, 10, 99)] == pytest.approx(expected, rel=1e-6)


def test_the_released_schedule() -> None:
    weights = [v.DualVIB(1, schedule=v.Schedule(100, 4000)).weights(step).divergence for step in (0, 2000, 4000)]
    assert weights == pytest.approx([100, 50.5, 1])


def test_many_trade_offs_at_once() -> None:
    betas = (2.0, 10.0, 1000.0)
    objectives = [v.CEB(beta, schedule=v.Schedule(2, 100)) for beta in betas]
    for step in (0, 50, 1000):
        alone = [v.loss(TERMS, one.weights(step)) for one in objectives]
        compiled = jax.jit(lambda step: jax.vmap(lambda w: v.loss(TERMS, w))(v.stacked(objectives, step)))
        assert np.asarray(compiled(jnp.asarray(step))) == pytest.approx(alone, rel=1e-6)
        assert v.loss(TERMS, v.stacked(objectives, step)) == pytest.approx(alone, rel=1e-12)
    assert isinstance(v.stacked(objectives, 0).rate_conditional, np.ndarray)


# --- Names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "objective",
    [
        v.VIB(1000),
        v.VIB(0.5, labels=v.Smooth(0.1), schedule=v.Schedule(1, 100, "geometric")),
        v.CEB(1),
        v.DualVIB(100, target=1.5, rate="marginal", labels=v.Confusion([[3, 1], [1, 2]]), noisy_target=True),
        v.DualVIB(1, labels=v.Gaussian(0.1)),
        v.SquaredVIB(2),
        v.NonlinearIB(2, 2),
        v.CrossEntropy(0.1),
    ],
    ids=lambda one: type(one).__name__,
)
def test_an_objective_is_read_back_from_how_it_is_written(objective: Any) -> None:
    assert v.by_name(repr(objective)) == objective
    assert hash(v.by_name(repr(objective))) == hash(objective)
    if not isinstance(objective.noise, v.Confusion):  # whose name is short, and does not hold the matrix
        assert v.by_name(objective.name) == objective


def test_short_names() -> None:
    assert v.by_name("dual", beta=10) == v.DualVIB(10)
    assert v.by_name("vib", beta=10) == v.VIB(10)
    assert v.by_name("ceb", beta=10) == v.CEB(10)
    assert v.by_name("squared", beta=10) == v.SquaredVIB(10)
    assert v.by_name("nonlinear", beta=10) == v.NonlinearIB(10)
    assert v.names() == ["CEB", "CrossEntropy", "DualVIB", "NonlinearIB", "SquaredVIB", "VIB"]
    with pytest.raises(ip.InputError, match="no objective 'vibe'; did you mean 'VIB'"):
        v.by_name("vibe")
    with pytest.raises(ip.InputError, match="VIB needs a value for beta"):
        v.by_name("vib")


# --- Bad input -------------------------------------------------------------------------------------------------------

BELOW_ALL: tuple[Any, ...] = (0, -1, math.nan, math.inf, "3", None, True)


@pytest.mark.parametrize("beta", BELOW_ALL)
@pytest.mark.parametrize("kind", [v.VIB, v.CEB, v.DualVIB, v.SquaredVIB, v.NonlinearIB])
def test_betas_that_are_refused(kind: Any, beta: Any) -> None:
    with pytest.raises(ip.InputError, match=f"{kind.__name__} needs a finite number >=? [01] for beta"):
        kind(beta)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: v.CEB(0.99), r"CEB needs a finite number >= 1 for beta, .*g >= 0 of D is beta = 1 \+ g; got 0.99"),
        (lambda: v.VIB(-1e-3), r"coefficient b of the rate is beta = 1 / b; got -0.001"),
        (lambda: v.CEB(2, schedule=v.Schedule(0.5, 10)), "the start of its schedule"),
        (lambda: v.VIB(2, schedule=10), "needs a Schedule"),
        (lambda: v.VIB(2, labels=0.1), "needs a noise model for labels"),
        (lambda: v.DualVIB(2, target=-1), ">= 0 for target"),
        (lambda: v.DualVIB(2, rate="both"), "rate 'conditional' or 'marginal'"),
        (lambda: v.DualVIB(2, labels=None), r"infinite at a one-hot p~"),
        (lambda: v.DualVIB(2, noisy_target=1), "noisy_target"),
        (lambda: v.NonlinearIB(2, power=3), "power 1 or 2"),
        (lambda: v.CrossEntropy(1.5), ">= 0 for smoothing, and at most 1; got 1.5"),
        (lambda: v.Schedule(0, 10), "> 0 for start"),
        (lambda: v.Schedule(1), "both a start and a whole number"),
        (lambda: v.Schedule(1, 2.5), "both a start and a whole number"),
        (lambda: v.Schedule(None, 10), "both a start and a whole number"),
        (lambda: v.Schedule(1, 10, "cosine"), "kind 'linear' or 'geometric'"),
        (lambda: v.stacked([]), "at least one objective"),
    ],
)
def test_settings_that_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ip.InputError, match=message):
        make()


def test_numbers_of_numpy_are_plain_numbers() -> None:
    assert repr(v.VIB(np.float64(3.0)).beta) == "3.0"
    assert v.VIB(np.int64(3)) == v.VIB(3)
