"""At the door: every kind of array is taken for what it is, and what cannot be used is refused in a sentence."""

from __future__ import annotations

import importlib.util
import math
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from infoplane import InputError
from infoplane.samples import Variable, moderate, pair, variable

FLOATS = {
    "list": [1.0, 2.5],
    "float16": np.array([1.0, 2.5], np.float16),
    "float64": np.array([1.0, 2.5]),
    "long double": np.array([1.0, 2.5], np.longdouble),
    "jax": jnp.array([1.0, 2.5]),
    "jax bfloat16": jnp.array([1.0, 2.5], jnp.bfloat16),
    "pandas": pd.Series([1.0, 2.5]),
    "pandas nullable": pd.Series([1.0, 2.5], dtype="Float64"),
}
CLASSES = {
    "list": [3, 1, 3],
    "int8": np.array([3, 1, 3], np.int8),
    "uint64": np.array([2**63 + 3, 1, 2**63 + 3], np.uint64),
    "bool": [True, False, True],
    "text": ["b", "a", "b"],
    "bytes": np.array([b"b", b"a", b"b"]),
    "objects of text": np.array(["b", "a", "b"], object),
    "objects of integers": np.array([2, 1, 2], object),
    "jax": jnp.array([3, 1, 3]),
    "pandas nullable": pd.Series([3, 1, 3], dtype="Int64"),
    "pandas text": pd.Series(["b", "a", "b"]),
    "pandas category": pd.Series(["b", "a", "b"], dtype="category"),
}
if importlib.util.find_spec("torch"):
    import torch

    FLOATS["torch"] = torch.tensor([1.0, 2.5], requires_grad=True)
    FLOATS["torch bfloat16"] = torch.tensor([1.0, 2.5], dtype=torch.bfloat16)
    CLASSES["torch"] = torch.tensor([3, 1, 3])


@pytest.mark.parametrize("values", FLOATS.values(), ids=FLOATS)
def test_floats_are_continuous(values: Any) -> None:
    found = variable(values)
    assert (found.kind, found.n, found.dim) == ("continuous", 2, 1)
    assert found.values.dtype in (np.float32, np.float64)
    np.testing.assert_array_equal(found.values, [[1.0], [2.5]])


@pytest.mark.parametrize("values", CLASSES.values(), ids=CLASSES)
def test_integers_booleans_and_text_are_discrete(values: Any) -> None:
    found = variable(values)
    assert (found.kind, found.n, found.dim, found.n_classes) == ("discrete", 3, 1, 2)
    np.testing.assert_array_equal(found.codes, [1, 0, 1])


def test_rows_are_one_value_and_further_axes_are_flattened() -> None:
    images = np.arange(24).reshape(2, 3, 4)
    assert variable(images).values.shape == (2, 12)
    assert variable(images).n_classes == 2
    np.testing.assert_array_equal(variable([[1, 2], [0, 9], [1, 2]]).codes, [1, 0, 1])
    np.testing.assert_array_equal(variable([["a", "b"], ["a", "c"]]).codes, [0, 1])


def test_a_checked_variable_passes_through() -> None:
    checked = variable([1, 2])
    assert variable(checked) is checked


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], r"x needs samples along its first axis, got an array of shape \(0,\)"),
        (np.zeros((5, 0)), r"got an array of shape \(5, 0\)"),
        (3.0, r"got an array of shape \(\)"),
        (None, r"got an array of shape \(\)"),
        ([[1, 2], [3]], "x has rows of unequal length"),
        ([1.0, np.nan, np.inf], "nan or infinite values in 2 of 3 rows"),
        (np.array([[1.0, np.nan], [np.nan, np.nan], [0.0, 0.0]]), "nan or infinite values in 2 of 3 rows"),
        (pd.Series([1, None], dtype="Int64"), "nan or infinite values in 1 of 2 rows"),
        (pd.Series(["a", None]), "missing values"),
        (np.array(["a", None], object), "missing values"),
        (np.array(["a", 1], object), "mixed objects"),
        (np.array([1j, 2j]), "x is complex"),
        (np.array(["2020-01-01"], "datetime64[D]"), r"the type datetime64\[D\]"),
    ],
)
def test_what_cannot_be_used_is_refused(values: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        variable(values)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_a_variable_is_called_by_its_name() -> None:
    with pytest.raises(InputError, match=r"^groups has nan"):
        variable([np.nan], "groups")


def test_a_pair_has_one_length_and_samples_enough() -> None:
    first, second = pair([1.0, 2.0], ["a", "b"])
    assert (first.name, second.name) == ("x", "y")
    with pytest.raises(InputError, match="KSG needs x and y of one length, got 2 and 3 samples"):
        pair([1, 2], [1, 2, 3], who="KSG")
    with pytest.raises(InputError, match="KSG needs at least 4 samples, got 2"):
        pair([1, 2], [1, 2], need=4, who="KSG")


def test_the_values_are_not_copied_needlessly_nor_changed() -> None:
    values = np.random.default_rng(0).random((10, 2))
    values.flags.writeable = False
    assert np.shares_memory(variable(values).values, values)
    assert isinstance(variable(values), Variable)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ma.masked_equal([1.0, -9.0, 2.0], -9.0), "x has 1 masked values"),
        (pd.Series(["a", pd.NA], dtype="string"), "missing values"),
        (np.array([np.zeros(2), np.zeros(3)], object), "arrays or lists as objects"),
        (np.array([10**30, 1], object), "integers beyond 64 bits"),
    ],
)
def test_odd_containers_are_refused_in_a_sentence(values: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        variable(values)
    assert str(caught.value).endswith(".")


def test_a_mask_that_hides_nothing_is_no_matter() -> None:
    np.testing.assert_array_equal(variable(np.ma.masked_equal([1.0, 2.0], 5.0)).values, [[1.0], [2.0]])


@pytest.mark.parametrize("exponent", [-1000, -700, 700, 1000])
def test_scales_that_squares_cannot_bear_are_brought_back_exactly(exponent: int) -> None:
    values = np.random.default_rng(0).standard_normal((50, 3)) * [1.0, 8.0, 0.0]
    found = moderate(variable(np.ldexp(values, exponent)))
    assert np.isfinite(found.values**4).all()
    assert (found.values[:, :2] ** 4 > 0).all()
    factor = found.values[0, 0] / values[0, 0]
    assert math.frexp(factor)[0] == 0.5
    np.testing.assert_array_equal(found.values, factor * values)


def test_columns_of_opposite_extremes_are_both_brought_back() -> None:
    x = np.random.default_rng(0).standard_normal((50, 2))
    found = moderate(variable(x * [1e200, 1e-200])).values
    np.testing.assert_allclose(np.abs(np.corrcoef(found[:, 1], x[:, 1])), 1.0)
    assert 1e-75 < np.abs(found).max(axis=0).min() < np.abs(found).max() < 1e70


def test_usual_scales_stay_as_they_are() -> None:
    given = variable(np.array([[1e50, 0.0], [1e-50, 1.0]]))
    assert moderate(given) is given
