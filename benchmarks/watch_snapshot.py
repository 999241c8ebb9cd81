"""A snapshot of a large network: 20 layers of 512 to 4,096 units, 10,000 samples, PCA to 4 columns, WeightedKL.

    python -m benchmarks.watch_snapshot            # all of it
    python -m benchmarks.watch_snapshot --layers 4 --samples 2000
    python -m benchmarks.watch_snapshot --torch codes    # through infoplane.torch: codes on the way, or whole layers
    python -m benchmarks.watch_snapshot --torch whole

Seconds beyond the forward pass, by part, on two threads; the target is 60 s a snapshot.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

import infoplane as ip
from infoplane.compressors import PCA, streaming_pca
from infoplane.estimators import Compressed, WeightedKL

WIDTHS = (512, 1024, 2048, 4096)


def layers(count: int, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Inputs, labels, and float32 layers of a random network with skip connections, and noise on every unit."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((n, 64)).astype(np.float32) * (0.9 ** np.arange(64, dtype=np.float32))
    y = (x[:, 0] > 0) + 2 * (x[:, 1] > 0)
    found, state = {}, x
    for k in range(count):
        weights = random.standard_normal((64, 64), np.float32) / 8.0
        state = np.tanh(state + 0.5 * state @ weights)
        wide = state @ (random.standard_normal((64, WIDTHS[k % len(WIDTHS)]), np.float32) / 8.0)
        np.maximum(wide, 0.0, out=wide)
        wide += 0.05 * random.standard_normal(wide.shape, np.float32)
        found[f"layer{k:02d}"] = wide
    return x, y, found


def through_torch(count: int, n: int, how: str) -> None:
    """The same sizes as a PyTorch model with noise, measured while it is watched; no layer is kept."""
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix = nn.ModuleList(nn.Linear(64, 64) for _ in range(count))
            self.wide = nn.ModuleList(nn.Linear(64, WIDTHS[k % len(WIDTHS)]) for k in range(count))
            self.active = nn.ModuleList(nn.ReLU() for _ in range(count))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for mix, wide, active in zip(self.mix, self.wide, self.active, strict=True):
                x = torch.tanh(x + 0.5 * mix(x))
                active(wide(x))
            return x

    torch.manual_seed(0)
    model, x = Network(), torch.randn(n, 64) * 0.9 ** torch.arange(64)
    y = (x[:, 0] > 0) + 2 * (x[:, 1] > 0)
    codes = how == "codes"
    watch = ip.torch.watch(
        model,
        (x, y),
        nn.ReLU,
        estimator=Compressed(WeightedKL(), x=PCA(4), y=None if codes else PCA(4)),
        compressor=PCA(4) if codes else None,
    )
    watch.noise(0.05, layers=nn.ReLU)
    with torch.no_grad():
        started = time.perf_counter()
        for part in x.split(512):
            model(part)
        forward = time.perf_counter() - started
    started = time.perf_counter()
    watch.snapshot(0)
    whole = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{how}: a snapshot {whole:.1f} s, of which one noisy forward pass {forward:.1f} s")
    print(f"I(X;T) from {float(watch.plane['mi_input'].min()):.2f} to {float(watch.plane['mi_input'].max()):.2f} nats")
    print(f"largest resident memory {memory:.1f} GiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=20)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--streaming", action="store_true", help="measure streaming_pca in batches of 500 instead")
    parser.add_argument("--torch", choices=["codes", "whole"], help="through a watched PyTorch model instead")
    asked = parser.parse_args()
    if asked.torch:
        through_torch(asked.layers, asked.samples, asked.torch)
        return
    x, y, held = layers(asked.layers, asked.samples)
    if asked.streaming:

        def passes():
            for start in range(0, asked.samples, 500):
                yield {name: values[start : start + 500] for name, values in held.items()}

        started = time.perf_counter()
        streaming_pca(passes, 4)
        print(f"streaming PCA, {asked.layers} layers: {time.perf_counter() - started:.1f} s")
        return
    recording = ip.recordings.from_arrays(held, y, x=x, noise="additive, sigma 0.05")
    codes = ip.recordings.compressed(recording, x=PCA(4), layers=PCA(4), sigma=0.05)
    started = time.perf_counter()
    codes.compute()
    compressing = time.perf_counter() - started
    started = time.perf_counter()
    plane = ip.information_plane(codes, WeightedKL())
    measuring = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"compressing {compressing:.1f} s, measuring {measuring:.1f} s, together {compressing + measuring:.1f} s")
    print(f"I(X;T) from {float(plane['mi_input'].min()):.2f} to {float(plane['mi_input'].max()):.2f} nats")
    print(f"largest resident memory {memory:.1f} GiB")


if __name__ == "__main__":
    main()
