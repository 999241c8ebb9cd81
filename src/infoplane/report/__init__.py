"""One self-contained HTML page of one or more information planes, for a browser without a network."""

from .write import write

__all__ = ["write"]
