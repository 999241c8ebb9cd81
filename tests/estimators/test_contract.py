"""The contract of an estimator, over every one there is: a new one is tested here without being mentioned."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import infoplane as ip
from infoplane import estimators
from infoplane.estimators import Estimator, LayerBlock, by_name

N = 120
# Those that send samples through a network again and again take no arrays; test_propagation.py has them.
NAMES = [name for name in estimators.names() if not getattr(estimators, name).replays]
_SHORT = {  # settings that make slow methods quick; what is tested here does not depend on them
    **{name: {"steps": 40} for name in ("MINE", "NWJ", "InfoNCE", "SMILE", "Decoder")},
    "NormalizingFlow": {"layers": 2, "steps": 40},
}
_KINDS = (("continuous", "discrete"), ("continuous", "continuous"), ("discrete", "discrete"))


def default(name: str) -> Estimator:
    return getattr(estimators, name)(**_SHORT.get(name, {}))


def sample(kinds: tuple[str, str], dim: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A dependent pair: three classes and what they shift; single precision and small integers, as JAX has them."""
    random = np.random.default_rng(seed)
    source = random.integers(0, 3, N)
    x = (source[:, None] + 0.4 * random.standard_normal((N, dim))).astype(np.float32)
    y = (source + (random.random(N) < 0.2)).astype(np.int32)
    first = x if kinds[0] == "continuous" else np.round(x).astype(np.int32)
    second = y if kinds[1] == "discrete" else (y + 0.1 * random.standard_normal(N)).astype(np.float32)
    return first, second


def accepted(name: str) -> list[tuple[str, str]]:
    """The kinds of arguments an estimator takes."""
    found = []
    for kinds in _KINDS:
        try:
            ip.mutual_information(*sample(kinds), default(name))
        except ip.InputError:
            continue
        found.append(kinds)
    return found


def is_one_sentence(error: Exception) -> bool:
    text = str(error)
    return text.endswith(".") and "\n" not in text and 20 < len(text) < 320


CASES = [pytest.param(name, kinds, id=f"{name}-{'-'.join(kinds)}") for name in NAMES for kinds in accepted(name)]
every_case = pytest.mark.parametrize(("name", "kinds"), CASES)
every_case_with_classes = pytest.mark.parametrize(("name", "kinds"), [c for c in CASES if c.values[1][1] == "discrete"])
every_name = pytest.mark.parametrize("name", NAMES)


def variations(estimator: Estimator) -> list[Estimator]:
    """The estimator with one setting at a time changed, where its default tells how."""
    change = {bool: lambda v: not v, int: lambda v: v + 1, float: lambda v: 2.0 * v}
    fields = [(f.name, getattr(estimator, f.name)) for f in dataclasses.fields(estimator)]
    return [dataclasses.replace(estimator, **{n: change[type(v)](v)}) for n, v in fields if type(v) in change]


@every_name
def test_takes_some_kinds_of_data_and_refuses_the_others_in_a_sentence(name: str) -> None:
    assert accepted(name)
    for kinds in set(_KINDS) - set(accepted(name)):
        with pytest.raises(ip.InputError) as caught:
            ip.mutual_information(*sample(kinds), default(name))
        assert is_one_sentence(caught.value)


@every_name
def test_is_frozen_and_hashable(name: str) -> None:
    estimator = default(name)
    assert hash(estimator) == hash(default(name))
    assert estimator == default(name)
    with pytest.raises(dataclasses.FrozenInstanceError):
        estimator.anything = 1  # pyright: ignore


@every_name
def test_is_written_as_it_is_made(name: str) -> None:
    for estimator in (default(name), *variations(default(name))):
        assert eval(repr(estimator), dict(vars(estimators))) == estimator
        assert str(estimator) == repr(estimator)


@every_name
def test_is_found_by_name_with_its_settings(name: str) -> None:
    for estimator in variations(default(name)):
        settings = {f.name: getattr(estimator, f.name) for f in dataclasses.fields(estimator)}
        assert by_name(name.lower(), **settings) == by_name(name.upper(), **settings) == estimator
    with pytest.raises(ip.InputError, match="no setting 'no_such_thing'"):
        by_name(name, no_such_thing=1)


@every_name
def test_is_documented(name: str) -> None:
    assert len((getattr(estimators, name).__doc__ or "").split()) > 20


@every_case
def test_the_order_of_the_samples_changes_nothing(name: str, kinds: tuple[str, str]) -> None:
    x, y = sample(kinds)
    order = np.random.default_rng(1).permutation(N)
    one, other = (ip.mutual_information(a, b, default(name)) for a, b in ((x, y), (x[order], y[order])))
    agree(name, one, other, 1e-6)  # sums in single precision


@every_case
def test_is_symmetric_in_its_arguments(name: str, kinds: tuple[str, str]) -> None:
    x, y = sample(kinds)
    one, other = ip.mutual_information(x, y, default(name)), ip.mutual_information(y, x, default(name))
    agree(name, one, other, 1e-9)


@every_case
@pytest.mark.parametrize("library", ["jax", "torch", "pandas", "lists"])
def test_any_array_library_gives_the_same(name: str, kinds: tuple[str, str], library: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed") if library == "torch" else None
    made: dict[str, Any] = {"jax": jnp.asarray, "pandas": pd.DataFrame, "lists": np.ndarray.tolist}
    make = made[library] if torch is None else torch.from_numpy
    x, y = sample(kinds, dim=2)
    ours = ip.mutual_information(x, y, default(name))
    theirs = ip.mutual_information(make(x), make(y), default(name))
    assert numbers(ours) == pytest.approx(numbers(theirs), abs=1e-5 if library == "lists" else 0, nan_ok=True)


@every_case
def test_half_precision_is_taken_for_what_it_holds(name: str, kinds: tuple[str, str]) -> None:
    x, y = (v.astype(np.float16) if v.dtype == np.float32 else v for v in sample(kinds))
    wide = [v.astype(np.float32) if v.dtype == np.float16 else v for v in (x, y)]
    found = ip.mutual_information(x, y, default(name))
    assert numbers(found) == pytest.approx(numbers(ip.mutual_information(*wide, default(name))), abs=0, nan_ok=True)


@every_case_with_classes
def test_classes_may_be_booleans_or_text(name: str, kinds: tuple[str, str]) -> None:
    x, y = sample(kinds)
    two = (y > 1).astype(int)
    numeric = numbers(ip.mutual_information(x, two, default(name)))
    for classes in (two.astype(bool), np.where(two, "cat", "dog"), pd.Series(np.where(two, "cat", "dog"))):
        other = numbers(ip.mutual_information(x, classes, default(name)))
        assert other == pytest.approx(numeric, abs=1e-6, nan_ok=True)


@every_case
def test_the_value_is_finite_and_lies_in_its_intervals(name: str, kinds: tuple[str, str]) -> None:
    found = ip.mutual_information(*sample(kinds), default(name))
    assert math.isfinite(found.value)
    assert found.unit == "nats"
    assert found.n_samples == N
    assert found.method.startswith(str(default(name)))  # a choice adds what it chose
    assert found.direction == default(name).direction
    if found.direction == "interval":
        assert found.lower <= found.value <= found.upper
    narrow, wide = found.interval(0.5), found.interval(0.99)
    assert wide[0] <= narrow[0] <= found.value <= narrow[1] <= wide[1]


@every_case
def test_the_same_seed_gives_the_same_bits(name: str, kinds: tuple[str, str]) -> None:
    one, other = (ip.mutual_information(*sample(kinds), default(name), seed=3, null=5) for _ in range(2))
    assert repr(one) == repr(other)


@every_case
def test_the_data_are_left_as_they_were(name: str, kinds: tuple[str, str]) -> None:
    x, y = sample(kinds)
    kept = x.copy(), y.copy()
    x.flags.writeable = y.flags.writeable = False
    ip.mutual_information(x, y, default(name), null=2)
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(y, kept[1])


@every_case
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(name: str, kinds: tuple[str, str], bad: float) -> None:
    x, y = (v.astype(np.float64) for v in sample(kinds))
    x[7] = bad
    with pytest.raises(ip.InputError, match=r"x has nan or infinite values in 1 of 120 rows") as caught:
        ip.mutual_information(x, y, default(name))
    assert is_one_sentence(caught.value)


@every_case
def test_lengths_must_agree(name: str, kinds: tuple[str, str]) -> None:
    x, y = sample(kinds)
    with pytest.raises(ip.InputError, match="one length, got 120 and 119") as caught:
        ip.mutual_information(x, y[:-1], default(name))
    assert is_one_sentence(caught.value)


@every_case
def test_one_class_and_one_sample_are_too_little(name: str, kinds: tuple[str, str]) -> None:
    x, y = sample(kinds)
    with pytest.raises(ip.InputError, match="at least 2 samples, got 1") as caught:
        ip.mutual_information(x[:1], y[:1], default(name))
    assert is_one_sentence(caught.value)
    if kinds[1] == "discrete":
        with pytest.raises(ip.InputError, match="y has one class only") as caught:
            ip.mutual_information(x, np.zeros(N, int), default(name))
        assert is_one_sentence(caught.value)


def far_classes(dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Four classes of equal size, far apart: two bits, of which densities and bounds of many kinds read more."""
    y = np.arange(N) % 4
    return 100.0 * y[:, None] + np.random.default_rng(dim).standard_normal((N, dim)), y


@every_case_with_classes
@pytest.mark.parametrize("dim", [1, 4])
def test_information_above_the_entropy_of_the_classes_is_told(name: str, kinds: tuple[str, str], dim: int) -> None:
    t, y = far_classes(dim)
    found = ip.mutual_information(t if kinds[0] == "continuous" else y, y, default(name))
    told = [note for note in found.notes if "exceeds" in note and "ceiling H(" in note and "= 1.386 nats" in note]
    value, highest = found.value - math.log(4), np.nanmax([found.value, found.upper]) - math.log(4)
    assert len(told) == (highest > 1e-9)
    assert (len(told) == 1 and told[0] in found.warnings) == (value > 0.0127)  # what digamma makes of counts of 30


def test_many_estimators_can_exceed_the_entropy_of_the_classes() -> None:
    """Else the test above would say nothing."""
    for name in ("WeightedKL", "KozachenkoLeonenko", "KDE", "Debiased", "Compressed"):
        assert ip.mutual_information(*far_classes(4), default(name)).value > 2 * math.log(4)


def layer_block(name: str, cells: int) -> LayerBlock:
    """Snapshots of a layer as a plane hands them over, of the kinds the estimator takes."""
    kinds = set(accepted(name))
    kind = "continuous" if kinds & {("continuous", "discrete"), ("continuous", "continuous")} else "discrete"
    target = "discrete" if (kind, "discrete") in kinds else "continuous"
    pairs = [sample((kind, target), dim=2, seed=seed) for seed in range(cells)]
    t = np.stack([t for t, _ in pairs])
    random = np.random.default_rng(9)
    inputs = t + 0.5 * random.standard_normal(t.shape)
    if ("continuous", "continuous") not in kinds:
        inputs = np.round(t)[:, :, :1].astype(int)
    return LayerBlock(
        activations=t,
        x=inputs if getattr(estimators, name).needs_input else None,
        y=np.stack([np.minimum(y, 2)[:, None] for _, y in pairs]),  # no rare class, which has no density
        permutations=np.stack([np.arange(N), random.permutation(N)]),
        low=t.min(axis=(1, 2)),
        high=t.max(axis=(1, 2)),
    )


@every_name
def test_a_layer_gives_what_its_snapshots_give(name: str) -> None:
    block = layer_block(name, cells=3)
    found = default(name).layer(block)
    for cell in range(block.cells):
        t, y = block.activations[cell], block.y[cell]
        whole = ip.mutual_information(np.arange(N) if block.x is None else block.x[cell], t, default(name))
        about = [ip.mutual_information(t, y[order], default(name)) for order in block.permutations]
        ours = [getattr(found, f"mi_input{end}")[cell] for end in ("", "_stderr", "_lower", "_upper")]
        assert ours == pytest.approx(numbers(whole), abs=1e-6, nan_ok=True)
        ours = [
            found.mi_target[cell, 0],
            *(getattr(found, f"mi_target{e}")[cell] for e in ("_stderr", "_lower", "_upper")),
        ]
        assert ours == pytest.approx(numbers(about[0]), abs=1e-6, nan_ok=True)
        assert found.mi_target[cell, 1] == pytest.approx(about[1].value, abs=1e-6)


@pytest.mark.parametrize("name", [n for n in NAMES if not getattr(estimators, n).needs_input])
def test_the_whole_population_has_no_sampling_error(name: str) -> None:
    found = default(name).layer(dataclasses.replace(layer_block(name, cells=2), population=True))
    assert not found.mi_input_stderr.any()
    assert not found.mi_target_stderr.any()


def agree(name: str, one: ip.Estimate, other: ip.Estimate, tolerance: float) -> None:
    """Equal; where the method draws at random, values within five standard errors of their difference."""
    if not getattr(estimators, name).randomised:
        assert numbers(one) == pytest.approx(numbers(other), abs=tolerance, nan_ok=True)
    elif math.isfinite(one.stderr):
        assert abs(one.value - other.value) < 5 * math.hypot(one.stderr, other.stderr)


def numbers(estimate: ip.Estimate) -> list[float]:
    return [estimate.value, estimate.stderr, estimate.lower, estimate.upper]
