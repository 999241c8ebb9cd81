"""Work in blocks, on all cores where there is enough of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_ENOUGH = 2_000_000  # numbers below which starting threads costs more than they save


def each(work: Callable[[_Item], _Result], items: Sequence[_Item], size: int) -> list[_Result]:
    """``work`` of every item in order, by threads where ``size`` numbers are enough (NumPy lets others run)."""
    if size < _ENOUGH or len(items) < 2:
        return [work(item) for item in items]
    workers = min(os.cpu_count() or 1, len(items))
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, items))
