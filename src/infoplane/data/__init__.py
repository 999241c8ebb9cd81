"""Tasks: inputs, labels, and what is known of the law behind them; made from a rule, or read from files of images."""

from .images import cifar10, fashion_mnist, mnist
from .rules import committee_machine, committee_weights, cosines, rule_by_counts, rule_by_power_spectrum, twelve_bit
from .task import SplitKind, Task

__all__ = [
    "SplitKind",
    "Task",
    "cifar10",
    "committee_machine",
    "committee_weights",
    "cosines",
    "fashion_mnist",
    "mnist",
    "rule_by_counts",
    "rule_by_power_spectrum",
    "twelve_bit",
]
