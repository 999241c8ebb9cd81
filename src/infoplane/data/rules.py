"""Tasks made from a rule: the 12-bit task, and a committee's vote.

The 12-bit task of "Opening the black box of deep neural networks via information" (arXiv:1703.00810) is generated
from its rule, never read from a file: inputs are the lit vertices of an icosahedron, and the label depends on the
pattern only through its power spectrum, hence not on how the icosahedron is turned. A committee machine is a second
rule on as many inputs, without that symmetry.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from ..errors import InputError
from ..samples import is_real, is_whole, whole
from .task import Task

# The icosahedron, in the order that makes column j of the input the j-th column of the published data.
_GOLDEN = (1.0 + 5.0**0.5) / 2.0
_VERTICES = np.array(
    [
        *[(0, s, t * _GOLDEN) for s in (1, -1) for t in (1, -1)],
        *[(s * _GOLDEN, 0, t) for t in (1, -1) for s in (1, -1)],
        *[(s, t * _GOLDEN, 0) for s in (1, -1) for t in (1, -1)],
    ]
)
_COLUMNS = (0, 10, 1, 8, 7, 2, 11, 9, 6, 3, 4, 5)
_THRESHOLD = 120


def twelve_bit(gamma: float | None = None, *, seed: int = 0) -> Task:
    """The 12-bit task: all 4,096 patterns of twelve lit or dark vertices of an icosahedron, and a symmetric rule.

    The label is 1 where ``f(x) >= 120``, ``f = 30 k - 3 k^2 + 8 a - 4 c``, with k lit points, a lit adjacent pairs and
    c lit antipodal pairs. This f reproduces the 4,096 published labels; it need not be the authors' own.

    Args:
        gamma: None for the hard rule. A number makes the label random, p(y=1|x) = 1/(1 + exp(-gamma (f(x) - 119.5))),
            in units of this f; about 0.1 to 1 gives a graded bottleneck curve, 8.254 gives I(X;Y) = 0.990 bits with
            almost all labels certain.
        seed: seed of the labels drawn under the soft rule; unused under the hard one.

    Returns:
        Task with x (4096, 12) in {0, 1}, column 0 the most significant bit; y (4096,); p_y_given_x (4096, 2).

    Raises:
        InputError: gamma not positive and finite, or a seed that is no whole number from 0 on.
    """
    if gamma is not None and not (is_real(gamma) and 0 < gamma < np.inf):
        raise InputError(f"twelve_bit needs a positive gamma, or None for the hard rule, got {gamma!r}.")
    seed = whole(seed, "twelve_bit(seed)")
    x = (np.arange(4096)[:, None] >> np.arange(11, -1, -1)) & 1
    f = rule_by_counts(x)
    if gamma is None:
        y = (f >= _THRESHOLD).astype(np.int32)
        p_one = y.astype(np.float64)
    else:
        p_one = expit(gamma * (f - (_THRESHOLD - 0.5)))
        y = (np.random.default_rng([seed, 0x12B1]).random(4096) < p_one).astype(np.int32)
    name = "12-bit, hard rule" if gamma is None else f"12-bit, soft rule gamma={gamma:g}"
    return Task(x.astype(np.float32), y, name, np.stack([1.0 - p_one, p_one], axis=1), enumerated=True)


def cosines() -> np.ndarray:
    """(12, 12) cosines of the angles between the vertices, in the order of the input's columns."""
    points = _VERTICES[list(_COLUMNS)]
    points = points / np.linalg.norm(points, axis=1, keepdims=True)
    return points @ points.T


def rule_by_counts(x: np.ndarray) -> np.ndarray:
    """f of (n, 12) patterns from counts: 30 k - 3 k^2 + 8 (adjacent lit pairs) - 4 (antipodal lit pairs); integers."""
    x = np.asarray(x, dtype=np.int64)
    angle = cosines()
    adjacent = np.isclose(angle, 5.0**-0.5).astype(np.int64)
    antipodal = np.isclose(angle, -1.0).astype(np.int64)
    lit = x.sum(axis=1)
    pairs = [np.einsum("ni,ij,nj->n", x, relation, x) // 2 for relation in (adjacent, antipodal)]
    return 30 * lit - 3 * lit**2 + 8 * pairs[0] - 4 * pairs[1]


def rule_by_power_spectrum(x: np.ndarray) -> np.ndarray:
    """The same f from the power spectrum P_l, l = 0..3, which no rotation changes; (n,) floats.

    P_l sums the Legendre polynomial of degree l over all ordered pairs of lit points, each with itself included, and
    f = P_0 + (8 + sqrt 5) P_1 + 10 P_2 + (8 - sqrt 5) P_3.
    """
    x = np.asarray(x, dtype=np.float64)
    weights = [1.0, 8.0 + 5.0**0.5, 10.0, 8.0 - 5.0**0.5]
    return np.einsum("ni,ij,nj->n", x, np.polynomial.legendre.legval(cosines(), weights), x)


_MOST_INPUTS = 16  # 65,536 patterns: beyond that a plane over all of them is no longer cheap


def committee_machine(units: int = 3, *, inputs: int = 12, tree: bool = False, seed: int = 0) -> Task:
    """A committee's vote: the label is 1 where most of ``units`` perceptrons with fixed random weights say +1.

    All 2^inputs patterns of -1 and +1 are listed, so planes are exact. Weights are independent standard normal numbers
    and there are no thresholds: turning every sign of a pattern turns its label, hence p(y=1) is exactly 1/2. The rule
    has no symmetry beyond that one, which the 12-bit task's does not share.

    Args:
        units: perceptrons that vote; odd, so that no vote is tied. One is a linear rule; three on twelve inputs (seed
            0) are not: logistic regression gets 83 % of the labels right, and 88 % of the 12-bit task's.
        inputs: signs in a pattern.
        tree: whether each perceptron sees a part of its own (the first inputs/units of them, the next, ...) rather
            than all inputs. With few inputs a part such rules are often linear.
        seed: seed of the weights: of the rule.

    Returns:
        Task with x (2^inputs, inputs) in {-1, +1}, counting with -1 as 0 and column 0 the most significant; y
        (2^inputs,) in {0, 1}; p_y_given_x (2^inputs, 2), certain.

    Raises:
        InputError: units not odd and positive, inputs outside 2..16, inputs that units do not divide in a tree, or a
            seed that is no whole number from 0 on.
    """
    if not (is_whole(units) and units > 0 and units % 2):
        raise InputError(f"committee_machine(units) needs an odd number of voters, 1, 3, 5, ..., got {units!r}.")
    if not (is_whole(inputs) and 2 <= inputs <= _MOST_INPUTS):
        raise InputError(
            f"committee_machine(inputs) needs a whole number from 2 to {_MOST_INPUTS}, as it lists all 2^inputs "
            f"patterns, got {inputs!r}."
        )
    if not isinstance(tree, bool | np.bool_):
        raise InputError(f"committee_machine(tree) is True or False, got {tree!r}.")
    if tree and inputs % units:
        raise InputError(
            f"committee_machine(tree=True) gives every unit as many inputs: {inputs} inputs are not divisible by "
            f"{units} units."
        )
    weights = committee_weights(units, inputs, tree, whole(seed, "committee_machine(seed)"))
    x = 2 * ((np.arange(2**inputs)[:, None] >> np.arange(inputs - 1, -1, -1)) & 1) - 1
    y = (np.where(x @ weights.T > 0, 1, -1).sum(axis=1) > 0).astype(np.int32)
    kind = "tree committee" if tree else "committee"
    name = f"{kind} of {units} on {inputs} inputs, rule {seed}"
    return Task(x.astype(np.float32), y, name, np.eye(2)[y], enumerated=True)


def committee_weights(units: int, inputs: int, tree: bool, seed: int) -> np.ndarray:
    """(units, inputs) weights of the voters of :func:`committee_machine`; 0 where a tree's unit does not see."""
    weights = np.random.default_rng([seed, 0xC033]).normal(size=(units, inputs))
    return weights * np.repeat(np.eye(units), inputs // units, axis=1) if tree else weights
