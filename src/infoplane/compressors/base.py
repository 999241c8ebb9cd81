"""The contract of a compressor, and how to add one.

A compressor is a frozen dataclass whose fields are its settings; ``fit`` learns a map from samples and returns it
frozen, as a :class:`Fitted`. To add one, write

    @dataclass(frozen=True)
    class Mine(Compressor):
        dim: int = 2

        def fit(self, x, *, seed=0, other=None):
            return MyFitted(...)                 # has encode, and decode where there is a way back

and name it in ``__init__.py``. A compressor that sees one side only cannot know how the samples are paired, so it may
be fitted to the samples it is then applied to. One that is given the other side (``supervised``) finds dependence that
is not there, and must be fitted to other samples.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import InputError
from ..rows import Rows, large
from ..samples import Variable, variable


class Fitted(abc.ABC):
    """A compressor that has been fitted and will not change any more.

    Attributes:
        dim: columns of the code.
        columns: columns of what it compresses.
        notes: how it was made and what to beware of, one sentence each.
        details: numbers by name, as JSON has them: explained variance, held-out errors, latent scans.
    """

    dim: int
    columns: int
    notes: tuple[str, ...] = ()
    details: dict[str, Any]

    def encode(self, x: Any) -> np.ndarray:
        """(n, dim) float64 codes of (n, columns) samples.

        Raises:
            InputError: another number of columns than it was fitted to, or values that are no numbers.
        """
        return self._encode(self._checked(x))

    def decode(self, code: Any) -> np.ndarray:
        """(n, columns) float64 samples rebuilt from (n, dim) codes.

        Raises:
            InputError: this compressor has no way back, or the codes have another number of columns.
        """
        code = np.asarray(code, np.float64)
        if code.ndim != 2 or code.shape[1] != self.dim:
            raise InputError(f"decode needs codes of shape (n, {self.dim}), got {code.shape}.")
        return self._decode(code)

    @property
    def rebuilds(self) -> bool:
        """Whether there is a way back from its codes."""
        return type(self)._decode is not Fitted._decode

    @abc.abstractmethod
    def _encode(self, x: np.ndarray) -> np.ndarray:
        """Codes of checked samples."""

    def _decode(self, code: np.ndarray) -> np.ndarray:
        raise InputError(f"{type(self).__name__} has no way back from its codes.")

    def _checked(self, x: Any) -> np.ndarray:
        values = samples(x, "x")
        if values.shape[1] != self.columns:
            raise InputError(
                f"This compressor was fitted to {self.columns} columns and cannot encode {values.shape[1]}; "
                "pass samples of the same variable."
            )
        return values


@dataclass(frozen=True)
class Compressor(abc.ABC):
    """Settings of a map to few dimensions.

    Attributes:
        supervised: it looks at the other side too, so it must not be applied to the samples it was fitted to.
    """

    supervised: ClassVar[bool] = False

    @abc.abstractmethod
    def fit(self, x: Any, *, seed: int = 0, other: Any = None) -> Fitted:
        """Learn the map from (n, d) samples, and freeze it.

        Args:
            x: (n, d) samples of one variable.
            seed: seed of whatever is random.
            other: (n, d') samples of the other variable, where ``supervised``; otherwise not looked at.
        """

    def __str__(self) -> str:
        """``PCA(dim=4, ...)``: as one would write it."""
        return repr(self)


def samples(x: Any, name: str) -> np.ndarray:
    """(n, d) numbers of whatever width they came in; memory maps and rows of a large array stay where they are.

    Raises:
        InputError: text, missing or infinite values, no samples.
    """
    if isinstance(x, Variable):
        x = x.values
    is_table = isinstance(x, np.ndarray | Rows) and x.ndim == 2 and x.dtype.kind in "fiu" and x.size
    if is_table and (large(x) or isinstance(x, np.memmap)):
        return x  # pyright: ignore[reportReturnType]  # read as an array is, and checked where it is read
    values = variable(x, name).values
    if values.dtype.kind not in "fiub":
        raise InputError(f"A compressor needs numbers and {name} is text; leave that side uncompressed.")
    return values
