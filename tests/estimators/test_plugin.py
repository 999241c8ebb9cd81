"""The plug-in estimate: equal to a plain count, within its inequalities, corrected as Miller and Madow say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from estimator_twins import entropy_by_counting, information_by_counting, information_of_table, miller_madow, rows
from hypothesis import given
from hypothesis import strategies as st

import infoplane as ip
from infoplane.estimators import LayerBlock, Plugin

pairs = (
    st.integers(2, 60)
    .flatmap(lambda n: st.tuples(*(st.lists(st.integers(-3, top), min_size=n, max_size=n) for top in (4, 1))))
    .filter(lambda p: len(set(p[0])) > 1 and len(set(p[1])) > 1)
)


@given(pairs)
def test_equals_a_plain_count(pair: tuple[list[int], list[int]]) -> None:
    x, y = pair
    assert ip.mutual_information(x, y, Plugin()).value == pytest.approx(information_by_counting(x, y), abs=1e-12)
    assert ip.entropy(x, Plugin()).value == pytest.approx(entropy_by_counting(x), abs=1e-12)


@given(pairs)
def test_the_correction_of_miller_and_madow(pair: tuple[list[int], list[int]]) -> None:
    x, y = pair
    corrected = Plugin("miller-madow")
    assert ip.mutual_information(x, y, corrected).value == pytest.approx(miller_madow(x, y), abs=1e-12)
    raised = entropy_by_counting(x) + (len(set(x)) - 1) / (2 * len(x))
    assert ip.entropy(x, corrected).value == pytest.approx(raised, abs=1e-12)


@given(pairs)
def test_lies_between_zero_and_the_smaller_entropy(pair: tuple[list[int], list[int]]) -> None:
    x, y = pair
    smaller = min(ip.entropy(v).value for v in (x, y))
    assert -1e-12 <= ip.mutual_information(x, y, Plugin()).value <= smaller + 1e-12


@given(pairs, st.integers(-3, 4), st.integers(-3, 4))
def test_merging_classes_never_adds_information(pair: tuple[list[int], list[int]], one: int, other: int) -> None:
    x, y = pair
    merged = [one if v == other else v for v in x]
    if len(set(merged)) > 1:
        before, after = (ip.mutual_information(v, y, Plugin()).value for v in (x, merged))
        assert after <= before + 1e-12


def test_a_function_of_x_tells_all_of_itself() -> None:
    x = np.random.default_rng(0).integers(0, 10, 500)
    assert ip.mutual_information(x, x % 3, Plugin()).value == pytest.approx(ip.entropy(x % 3).value, abs=1e-12)


def test_rows_of_several_columns_are_one_value() -> None:
    random = np.random.default_rng(0)
    x, y = random.integers(0, 3, (400, 2, 2)), random.integers(-1, 2, (400, 2))
    found = ip.mutual_information(x, y, Plugin()).value
    assert found == pytest.approx(information_by_counting(rows(x.reshape(400, 4)), rows(y)), abs=1e-12)


def test_the_correction_removes_most_of_the_bias() -> None:
    """Independent variables: the plug-in value is high by (K_x - 1)(K_y - 1) / 2n, and the correction leaves o(1/n)."""
    random, repeats, n = np.random.default_rng(0), 400, 500
    draws = [(random.integers(0, 5, n), random.integers(0, 4, n)) for _ in range(repeats)]
    plain, corrected = (
        np.array([ip.mutual_information(x, y, Plugin(c)).value for x, y in draws]) for c in ("none", "miller-madow")
    )
    bias = 4 * 3 / (2 * n)
    error = plain.std() / math.sqrt(repeats)
    assert abs(plain.mean() - bias) < 4 * error + bias / 50
    assert abs(corrected.mean()) < 4 * error + bias / 50


def test_too_many_values_are_doubted() -> None:
    random = np.random.default_rng(0)
    x, y = random.integers(0, 1000, 200), random.integers(0, 2, 200)
    assert any("distinct values in 200 samples" in note for note in ip.mutual_information(x, y, Plugin()).notes)
    assert ip.mutual_information(x % 2, y, Plugin()).notes == ()


def block(codes: np.ndarray, y: np.ndarray, **known) -> LayerBlock:
    return LayerBlock(codes, y, np.arange(codes.shape[1])[None], **known)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16, np.int64])
def test_codes_of_any_integer_type_are_counted_exactly(kind: type) -> None:
    """All pairs of 8-bit codes, the whole range of the smallest type: each is one of 65,536."""
    ends = np.iinfo(np.int8) if kind is not np.uint8 else np.iinfo(np.uint8)
    values = np.arange(ends.min, ends.max + 1)
    codes = np.stack(np.meshgrid(values, values), axis=-1).reshape(1, -1, 2).astype(kind)
    found = Plugin().layer(block(codes, np.arange(65_536)[None, :, None] % 2))
    assert found.n_codes[0] == 65_536
    assert found.mi_input[0] == pytest.approx(16 * math.log(2), abs=1e-9)
    assert found.mi_target[0, 0] == pytest.approx(math.log(2), abs=1e-9)


def test_a_layer_of_booleans_is_discrete_and_one_of_floats_is_not() -> None:
    codes = np.random.default_rng(0).random((1, 100, 3)) < 0.5
    y = (codes[:, :, :1] ^ codes[:, :, 1:2]).astype(int)
    assert Plugin().layer(block(codes, y)).mi_target[0, 0] == pytest.approx(entropy_by_counting(y.ravel().tolist()))
    with pytest.raises(ip.InputError, match=r"this layer is continuous; name a channel, channel=Quantize\(bins=30\)"):
        Plugin().layer(block(codes.astype(float), y))


def test_a_layer_under_a_soft_rule_uses_the_law_of_the_label() -> None:
    random = np.random.default_rng(0)
    codes = random.integers(0, 3, (2, 150, 2))
    p_one = random.random((2, 150))
    law = np.stack([1 - p_one, p_one], axis=2)
    y = (random.random((2, 150, 1)) < p_one[:, :, None]).astype(int)
    orders = np.stack([np.arange(150), random.permutation(150)])
    found = Plugin().layer(LayerBlock(codes, y, orders, p_y_given_x=law))
    for cell in range(2):
        for column, order in enumerate(orders):
            table = np.zeros((9, 2))
            np.add.at(table, 3 * codes[cell, :, 0] + codes[cell, :, 1], law[cell][order] / 150)
            assert found.mi_target[cell, column] == pytest.approx(information_of_table(table), abs=1e-12)


def test_an_enumerated_population_needs_no_correction() -> None:
    random = np.random.default_rng(0)
    codes, y = random.integers(0, 9, (1, 200, 2)), random.integers(0, 2, (1, 200, 1))
    plain, corrected = (Plugin(c).layer(block(codes, y, population=True)) for c in ("none", "miller-madow"))
    assert plain.mi_input == corrected.mi_input
    assert plain.mi_target == corrected.mi_target


def test_saturation_of_a_sample_is_few_samples_a_code_and_of_a_population_the_ceiling() -> None:
    codes = (np.arange(400) // 4)[None, :, None]  # 100 codes, 4 samples each: ln 100 = 0.77 ln 400
    y = np.arange(400)[None, :, None] % 2
    assert Plugin().layer(block(codes, y)).saturated[0]
    assert not Plugin().layer(block(codes, y, population=True)).saturated[0]
    assert Plugin().layer(block(np.arange(400)[None, :, None], y, population=True)).saturated[0]


def test_labels_of_several_columns_or_any_integers_are_classes() -> None:
    random = np.random.default_rng(0)
    codes, y = random.integers(0, 3, (2, 100, 1)), random.integers(-5, 500, (2, 100, 2)) // 100
    found = Plugin().layer(block(codes, y))
    for cell in range(2):
        truth = information_by_counting(codes[cell, :, 0].tolist(), rows(y[cell]))
        assert found.mi_target[cell, 0] == pytest.approx(truth, abs=1e-12)


def test_floats_and_unknown_corrections_are_refused() -> None:
    with pytest.raises(ip.InputError, match="x is continuous"):
        ip.mutual_information([0.5, 1.5], [0, 1], Plugin())
    with pytest.raises(ip.InputError, match="entropy needs discrete data and x is continuous"):
        ip.entropy([0.5, 1.5], Plugin())
    with pytest.raises(ip.InputError, match="no correction 'miller'; did you mean 'miller-madow'"):
        Plugin("miller")  # pyright: ignore
