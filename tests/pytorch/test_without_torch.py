"""Without PyTorch, or without Lightning, all else works, and what is missing is named."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

SCRIPT = """
    import sys
    {blocked}
    import numpy as np
    import infoplane as ip
    {body}
"""
BLOCKED = """
    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] in {names}:
                raise ImportError(name)
    sys.meta_path.insert(0, Missing())
"""


def run(names: tuple[str, ...], body: str) -> str:
    blocked = textwrap.dedent(BLOCKED).format(names=names)
    script = textwrap.dedent(SCRIPT).format(blocked=blocked, body=textwrap.dedent(body))
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=200)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_without_torch() -> None:
    told = run(
        ("torch",),
        """
x = np.random.default_rng(0).normal(size=(200, 1))
print(ip.mutual_information(x, x + 1.0, ip.estimators.KSG()).value > 1)
watch = ip.jax.watch(lambda state, x: {"hidden": x * state}, (x, x[:, 0] > 0))
watch.snapshot(0, np.float32(2.0))
print(ip.information_plane(watch.recording, ip.estimators.Binned(5)).mi_input.item() > 0)
try:
    ip.torch
except ImportError as missing:
    print(missing)
""",
    )
    assert told.splitlines() == [
        "True",
        "True",
        "infoplane.torch needs PyTorch; install it with: pip install 'infoplane[torch]'",
    ]


def test_without_lightning() -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    told = run(
        ("lightning", "pytorch_lightning"),
        """
ip.torch.watch
try:
    import infoplane.torch.lightning
except ImportError as missing:
    print(missing)
""",
    )
    assert "install it with: pip install 'infoplane[lightning]'" in told
