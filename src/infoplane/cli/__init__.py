"""The command line: it parses, imports late, calls, and prints."""

from __future__ import annotations


def main() -> None:
    """Entry point of ``infoplane`` and ``python -m infoplane``.

    Exit status: 0 done; 1 jobs of a sweep failed; 2 the input or an option cannot be used (one sentence on standard
    error, nothing written); 3 a claim fails, with ``--strict``; 130 interrupted.
    """
    from .app import run

    run()
