"""``python -m infoplane``."""

from .cli import main

main()
