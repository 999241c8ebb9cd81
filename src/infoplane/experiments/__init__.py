"""The papers' experiments by name: each states its claims and tests them on its own result.

>>> result = run("black-box", quick=True)  # doctest: +SKIP
>>> result.claims  # doctest: +SKIP
"""

from .base import Claim, Experiment, Result, Verdict
from .files import keep
from .registry import describe, names, run
from .reproduction import reproduce_all

__all__ = ["Claim", "Experiment", "Result", "Verdict", "describe", "keep", "names", "reproduce_all", "run"]
