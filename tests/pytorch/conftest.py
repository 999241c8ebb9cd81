"""Where PyTorch is not installed there is nothing to hook into: only what must work without it is tested."""

from __future__ import annotations

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["test_torch_*.py"]


def pytest_report_header() -> str | None:
    return "PyTorch is not installed: tests/pytorch/test_torch_*.py are left out" if collect_ignore_glob else None
