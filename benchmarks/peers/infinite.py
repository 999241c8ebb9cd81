"""neural-tangents in an environment of its own: making it, asking it for kernels, and the script that answers.

This file is also that script, so that it imports nothing of this project: the other Python runs it, reads one request a
line as JSON, and answers each with the seconds of one call. It stays alive, compiled and warm, between requests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

PINS = ("jax==0.5.3", "jaxlib==0.5.3", "neural-tangents==0.6.5")  # the last jax that it imports on


def make_environment(folder: Path) -> Path:
    """The Python of an environment that has the peer, made once; TensorFlow, which it asks for, takes 2 GB."""
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (done := folder / "installed").exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PINS], check=True)
        done.touch()
    return python


class Peer:
    """The running script; ``seconds`` asks it for one turn."""

    def __init__(self, python: Path):
        command = [str(python), "-P", "-W", "ignore", str(Path(__file__).resolve())]
        quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=quiet)
        self.about: str = self._answer()["about"]

    def seconds(self, net: dict[str, Any], points: Path, compiled: bool, save: Path | None = None) -> float:
        """One call of the kernel function; the first of a net and shape also compiles.

        Args:
            net: ``depth``, ``activation``, ``weight_std``, ``bias_std``, and whether it is ``conv``.
            points: .npy file of the inputs.
            compiled: by ``jax.jit``, or operation by operation.
            save: where K and T go, if asked for.
        """
        request = {"net": net, "points": str(points), "compiled": compiled, "save": save and str(save)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._answer()["seconds"]

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("neural-tangents ended; its message stands above")
        return json.loads(line)


def _kernel_function(stax: Any, net: dict[str, Any]) -> Callable[..., Any]:
    """Its infinite network of the same law."""
    scales = {"W_std": net["weight_std"], "b_std": net["bias_std"], "parameterization": "ntk"}
    bend = {"erf": stax.Erf, "relu": stax.Relu}[net["activation"]]
    layers = []
    for _ in range(net["depth"]):
        linear = stax.Conv(1, (3, 3), padding="SAME", **scales) if net["conv"] else stax.Dense(1, **scales)
        layers += [linear, bend()]
    ending = [stax.Flatten()] if net["conv"] else []
    return stax.serial(*layers, *ending, stax.Dense(1, **scales))[2]


def serve() -> None:
    """Answer requests until standard input ends."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import neural_tangents  # pyright: ignore[reportMissingImports]
    import numpy as np
    from neural_tangents import stax  # pyright: ignore[reportMissingImports]

    about = f"neural-tangents {neural_tangents.__version__}, jax {jax.__version__}, numpy {np.__version__}"
    print(json.dumps({"about": about}), flush=True)
    functions: dict[str, Callable[..., Any]] = {}
    arrays: dict[str, Any] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        name = json.dumps([asked["net"], asked["compiled"]])
        if name not in functions:
            plain = _kernel_function(stax, asked["net"])

            def both(x: Any, plain: Callable[..., Any] = plain) -> Any:
                return plain(x, None, ("nngp", "ntk"))

            functions[name] = jax.jit(both) if asked["compiled"] else both
        if asked["points"] not in arrays:
            arrays[asked["points"]] = jax.block_until_ready(jax.numpy.asarray(np.load(asked["points"])))
        start = time.perf_counter()
        found = jax.block_until_ready(functions[name](arrays[asked["points"]]))
        took = time.perf_counter() - start
        if asked["save"]:
            np.save(asked["save"], np.stack([found.nngp, found.ntk]))
        print(json.dumps({"seconds": took}), flush=True)


if __name__ == "__main__":
    serve()
