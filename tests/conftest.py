"""What all tests share: property tests draw the same examples every time, and leave nothing behind."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("infoplane", deadline=None, derandomize=True, database=None, max_examples=60)
settings.load_profile("infoplane")
