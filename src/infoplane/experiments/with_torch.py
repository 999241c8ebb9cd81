"""Parts of experiments that need PyTorch, an extra of the package: imported when they run, not before."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

from ..errors import InputError


def with_torch(experiment: str, part: str) -> Any:
    """A module of this package that trains with PyTorch.

    Args:
        experiment: who asks, for the message.
        part: name of the module.

    Raises:
        InputError: PyTorch is not installed.
    """
    if find_spec("torch") is None:
        raise InputError(f"{experiment} trains with PyTorch; install it with: pip install 'infoplane[torch]'")
    return importlib.import_module(f".{part}", __package__)
