"""Entropies from counts, for many samples at once: sort, find the runs, sum c ln c.

Everything here is exact bookkeeping in nats; which correction to add, and what the numbers mean, is the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

_KEY_SPACE = 2**62


@dataclass(frozen=True, eq=False)
class Counts:
    """Plug-in quantities of (T, Y) for a batch of samples, in nats.

    Attributes:
        entropy, entropy_stderr: (cells,) H(T) and its influence standard error.
        information, information_stderr: (cells,) I(T;Y).
        n_codes, n_classes, n_pairs: (cells,) numbers of distinct values of T, Y and (T, Y).
    """

    entropy: np.ndarray
    entropy_stderr: np.ndarray
    information: np.ndarray
    information_stderr: np.ndarray
    n_codes: np.ndarray
    n_classes: np.ndarray
    n_pairs: np.ndarray


def count(keys: np.ndarray, labels: np.ndarray) -> Counts:
    """Plug-in entropies and mutual information.

    Args:
        keys: (cells, n) non-negative int64, equal exactly where T is equal.
        labels: (cells, n) classes 0..C-1.

    Returns:
        Counts; cost one sort of n integers a cell.
    """
    cells, n = keys.shape
    n_labels = int(labels.max()) + 1
    if int(keys.max()) >= _KEY_SPACE // n_labels:
        keys = relabel(keys)
    joint = keys * n_labels + labels
    joint.sort(axis=1)
    flat = joint.reshape(-1)

    first = np.empty(flat.size, bool)
    first[0] = True
    np.not_equal(flat[1:], flat[:-1], out=first[1:])
    first[::n] = True
    starts = np.flatnonzero(first)
    pairs = np.diff(starts, append=flat.size)
    cell = starts // n
    code, label = np.divmod(flat[starts], n_labels)
    new_code = np.r_[True, (code[1:] != code[:-1]) | (cell[1:] != cell[:-1])]
    code_starts = np.flatnonzero(new_code)
    codes = np.add.reduceat(pairs, code_starts)
    code_cell = cell[code_starts]
    classes = np.bincount((np.arange(cells)[:, None] * n_labels + labels).ravel(), minlength=cells * n_labels)

    log = np.log(np.maximum(np.arange(n + 1), 1))
    p_code = codes / n
    surprise = np.log(n) - log[codes]
    entropy = np.bincount(code_cell, p_code * surprise, cells)
    parent = np.repeat(codes, np.diff(code_starts, append=len(pairs)))
    density = log[pairs] + np.log(n) - log[parent] - log[classes[cell * n_labels + label]]
    p_pair = pairs / n
    information = np.bincount(cell, p_pair * density, cells)
    return Counts(
        entropy=entropy,
        entropy_stderr=_stderr(np.bincount(code_cell, p_code * surprise**2, cells), entropy, n),
        information=information,
        information_stderr=_stderr(np.bincount(cell, p_pair * density**2, cells), information, n),
        n_codes=np.bincount(code_cell, minlength=cells),
        n_classes=(classes.reshape(cells, n_labels) > 0).sum(axis=1),
        n_pairs=np.bincount(cell, minlength=cells),
    )


def _stderr(second_moment: np.ndarray, mean: np.ndarray, n: int) -> np.ndarray:
    return np.sqrt(np.maximum(second_moment - mean**2, 0.0) / n)


def information_from_law(keys: np.ndarray, p_y_given_x: np.ndarray) -> np.ndarray:
    """I(T;Y) where the law of Y given each sample is known and T is a function of the sample.

    Args:
        keys: (cells, n) codes of T.
        p_y_given_x: (cells, n, classes).

    Returns:
        (cells,) mutual information of the joint table p(t, y) = sum of p(y|x)/n over the samples with code t.
    """
    cells, n = keys.shape
    order = np.argsort(keys, axis=1, kind="stable")
    ordered = np.take_along_axis(keys, order, axis=1)
    law = np.take_along_axis(p_y_given_x, order[:, :, None], axis=1).reshape(cells * n, -1)
    first = np.ones((cells, n), bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    starts = np.flatnonzero(first.reshape(-1))
    p_ty = np.add.reduceat(law, starts, axis=0) / n
    p_t = p_ty.sum(axis=1, keepdims=True)
    cell = starts // n
    p_y = p_y_given_x.mean(axis=1)
    terms = xlogy(p_ty, p_ty) - xlogy(p_ty, p_t * p_y[cell])
    return np.bincount(cell, terms.sum(axis=1), cells)


def keys_of(codes: np.ndarray) -> np.ndarray:
    """(cells, n, d) non-negative integers to (cells, n) int64, equal exactly where rows are equal."""
    cells, n, dim = codes.shape
    keys = np.zeros((cells, n), np.int64)
    span = 1
    for column in range(dim):
        values = codes[:, :, column].astype(np.int64)
        size = int(values.max()) + 1
        if span > _KEY_SPACE // max(size, 1):
            keys, span = relabel(keys), n
        if span > _KEY_SPACE // max(size, 1):
            values, size = relabel(values), n
        keys = keys * size + values
        span *= size
    return keys


def relabel(keys: np.ndarray) -> np.ndarray:
    """(cells, n) integers to ranks 0..n-1 within each cell, equal exactly where the integers are equal."""
    order = np.argsort(keys, axis=1, kind="stable")
    ordered = np.take_along_axis(keys, order, axis=1)
    rank = np.zeros(keys.shape, np.int64)
    rank[:, 1:] = np.cumsum(ordered[:, 1:] != ordered[:, :-1], axis=1)
    ranks = np.empty_like(rank)
    np.put_along_axis(ranks, order, rank, axis=1)
    return ranks
