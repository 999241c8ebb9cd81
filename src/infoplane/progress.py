"""How long work tells how far it is: a callback the library calls and the command line draws."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""``progress(what, done, total)``; called at least once with ``done == total`` when a piece of work ends."""


def silent(what: str, done: int, total: int) -> None:
    """Tell nobody."""
