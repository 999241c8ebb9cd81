"""One self-contained HTML page of information planes or bottleneck curves, for a browser without a network."""

from .write import write

__all__ = ["write"]
