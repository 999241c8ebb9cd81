"""How many threads linear algebra takes: one, where many small matrices are multiplied."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


@functools.cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def one_blas_thread(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Run a function with one thread for BLAS and LAPACK, and leave the setting as it was.

    The matrices here are tall and narrow: a second thread gains little on an idle machine, and where something else
    runs its threads wait for one another, which made estimates up to forty times slower. Scans over samples and
    compiled programs keep all cores.
    """

    @functools.wraps(function)
    def limited(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        with _controller().limit(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return limited
