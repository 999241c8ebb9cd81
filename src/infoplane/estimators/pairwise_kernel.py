"""Sums of Gaussian kernels over all pairs of samples: the compiled part of the pairwise bounds.

Importing this imports numba; the machine code is made at the first call (about two seconds) and kept on disk.
"""

from __future__ import annotations

import numba
import numpy as np

_TILE = 256  # rows and columns handled together: their sums stay in the first-level cache
# Least-squares-of-the-worst-case polynomial for 2^f on [-1/2, 1/2], exactly 1 at 0: relative error 1.1e-7 as computed.
_C1, _C2, _C3, _C4, _C5, _C6 = map(
    np.float32, (0.6931472, 0.2402265, 0.055504087, 0.00961912, 0.0013361347, 0.00014815712)
)
_ONE, _HALF = np.float32(1.0), np.float32(0.5)
_FAINT, _FAINTER = np.float32(-60.0), np.float32(2.0**-60)  # beside a sum of at least 1, nothing; yet not denormal
_FAST = {"contract", "reassoc", "nsz"}  # sums may be reordered; infinities stay what they are


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def kernel_sums(t, factor, labels, weights, part, parts, sums):  # pragma: no cover (compiled)
    """Add to ``sums`` what every ``parts``-th tile of the symmetric n x n matrix of kernels gives.

    With ``wide_ij = 2^(factor |t_i - t_j|^2)`` and ``narrow = wide^4``, one exponential serves both. Distances are sums
    of squared differences, which lose nothing where samples are close.

    Args:
        t: (d, n) float32 or float64, one column a sample.
        factor: scalar of t's kind, negative.
        labels: (targets, n) int32 classes; no rows if there are none.
        weights: (2, n) float32 weights of the samples in the sums of narrow kernels: over all, and over a class.
        part, parts: which tiles.
        sums: (2, n) float64, or (3 + targets, n) with labels: for every i the sum over j of wide_ij, of narrow_ij
            w_0j; over the j of i's class, of wide_ij (first labels only) and of narrow_ij w_1j (each labels in turn).
    """
    n = t.shape[1]
    blocks = (n + _TILE - 1) // _TILE
    square = np.empty(_TILE, t.dtype)
    wide, narrow = np.empty(_TILE, np.float32), np.empty(_TILE, np.float32)
    below = np.empty((sums.shape[0], _TILE), np.float32)  # what the tile gives to its columns, its mirror image's rows
    tile = 0
    for a in range(blocks):
        for b in range(a, blocks):
            tile += 1
            if tile % parts != part:
                continue
            below.fill(0)
            first = b * _TILE
            count = min(_TILE, n - first)
            for i in range(a * _TILE, min(n, (a + 1) * _TILE)):
                _kernels(t, i, first, count, factor, square, wide, narrow)
                _add_all(i, first, wide[:count], narrow[:count], weights, below, sums)
                if labels.shape[0] > 0:
                    _add_own(i, first, wide[:count], narrow[:count], labels, weights, below, sums)
            if a != b:
                for row in range(sums.shape[0]):
                    for j in range(count):
                        sums[row, first + j] += below[row, j]


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def law_sums(t, factor, weights, wide_laws, narrow_laws, part, parts, sums):  # pragma: no cover (compiled)
    """The same sums with weights for the samples in place of classes.

    Args:
        t, factor, part, parts: as in ``kernel_sums``.
        weights: (1, n) float32 weights of the samples in the sum of narrow kernels over all.
        wide_laws, narrow_laws: (rows, n) float32 weights in further sums of wide and of narrow kernels.
        sums: (2 + rows, n) float64, added to: for every i the sum over j of wide_ij, of narrow_ij w_0j, then of
            wide_ij and of narrow_ij with each row of their weights in turn.
    """
    n = t.shape[1]
    blocks = (n + _TILE - 1) // _TILE
    square = np.empty(_TILE, t.dtype)
    wide, narrow = np.empty(_TILE, np.float32), np.empty(_TILE, np.float32)
    below = np.empty((sums.shape[0], _TILE), np.float32)
    tile = 0
    for a in range(blocks):
        for b in range(a, blocks):
            tile += 1
            if tile % parts != part:
                continue
            below.fill(0)
            first = b * _TILE
            count = min(_TILE, n - first)
            for i in range(a * _TILE, min(n, (a + 1) * _TILE)):
                _kernels(t, i, first, count, factor, square, wide, narrow)
                _add_all(i, first, wide[:count], narrow[:count], weights, below, sums)
                _add_laws(i, first, wide[:count], wide_laws, 2, below, sums)
                _add_laws(i, first, narrow[:count], narrow_laws, 2 + wide_laws.shape[0], below, sums)
            if a != b:
                for row in range(sums.shape[0]):
                    for j in range(count):
                        sums[row, first + j] += below[row, j]


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def _kernels(t, i, first, count, factor, square, wide, narrow):  # pragma: no cover (compiled)
    """The kernels between sample i and ``count`` samples from ``first`` on."""
    square.fill(0)
    k = 0
    while k + 4 <= t.shape[0]:  # four coordinates a pass: fewer trips of ``square`` to memory and back
        p, q, r, s = t[k, i], t[k + 1, i], t[k + 2, i], t[k + 3, i]
        ps, qs, rs, ss = t[k, first:], t[k + 1, first:], t[k + 2, first:], t[k + 3, first:]
        for j in range(count):
            square[j] += (ps[j] - p) ** 2 + (qs[j] - q) ** 2 + (rs[j] - r) ** 2 + (ss[j] - s) ** 2
        k += 4
    while k < t.shape[0]:
        p, ps = t[k, i], t[k, first:]
        for j in range(count):
            square[j] += (ps[j] - p) ** 2
        k += 1
    for j in range(count):
        exponent = max(np.float32(square[j] * factor), _FAINT)
        whole = np.int32(exponent - _HALF)  # rounds: the exponent is never positive
        f = exponent - np.float32(whole)
        mantissa = (((((_C6 * f + _C5) * f + _C4) * f + _C3) * f + _C2) * f + _C1) * f + _ONE
        bits = np.int32((whole + np.int32(127)) << np.int32(23))  # of the single-precision number 2^whole
        value = mantissa * bits.view(np.float32)
        wide[j] = value
        value = max(value * value, _FAINTER)
        narrow[j] = value * value


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def _add_all(i, first, wide, narrow, weights, below, sums):  # pragma: no cover (compiled)
    mine, theirs = weights[0, i], weights[0, first:]
    wide_sum = narrow_sum = np.float32(0.0)
    for j in range(len(wide)):
        wide_sum += wide[j]
        narrow_sum += narrow[j] * theirs[j]
        below[0, j] += wide[j]
        below[1, j] += narrow[j] * mine
    sums[0, i] += wide_sum
    sums[1, i] += narrow_sum


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def _add_own(i, first, wide, narrow, labels, weights, below, sums):  # pragma: no cover (compiled)
    nothing = np.float32(0.0)
    mine, theirs = weights[1, i], weights[1, first:]
    for target in range(labels.shape[0]):
        label, others = labels[target, i], labels[target, first:]
        total = nothing
        for j in range(len(narrow)):
            kernel = narrow[j] if others[j] == label else nothing
            total += kernel * theirs[j]
            below[3 + target, j] += kernel * mine
        sums[3 + target, i] += total
    label, others = labels[0, i], labels[0, first:]
    total = nothing
    for j in range(len(wide)):
        kernel = wide[j] if others[j] == label else nothing
        total += kernel
        below[2, j] += kernel
    sums[2, i] += total


@numba.njit(nogil=True, cache=True, fastmath=_FAST)
def _add_laws(i, first, kernel, laws, place, below, sums):  # pragma: no cover (compiled)
    for row in range(laws.shape[0]):
        mine, theirs, others = laws[row, i], laws[row, first:], below[place + row]
        total = np.float32(0.0)
        for j in range(len(kernel)):
            total += kernel[j] * theirs[j]
            others[j] += kernel[j] * mine
        sums[place + row, i] += total
