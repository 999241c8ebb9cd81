"""What goes wrong for a user, in one sentence each: who, what was expected, what came, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """The input cannot be used as it is; the message says what to do, and the command line prints only that."""


class Refusal(InputError):
    """The data are sound, but this method cannot say anything about them; a sweep notes nan and why, and goes on."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the closest known one where there is one, and all of them."""
    known = list(known)
    close = difflib.get_close_matches(str(name).lower(), [k.lower() for k in known], n=1, cutoff=0.5)
    guess = next((f"did you mean {k!r}? " for k in known if close and k.lower() == close[0]), "")
    return f"{guess}Known: {', '.join(known)}."
