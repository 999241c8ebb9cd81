"""Networks and planes of ``resnet-plane``: trained a little, watched at a few marks, never a whole layer in memory."""

from __future__ import annotations

import copy
import dataclasses
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn
from torch.nn import functional

from .. import recordings
from ..compressors import PCA, Autoencoder
from ..data import Task, fashion_mnist
from ..errors import InputError
from ..plane import lossy_plane
from ..recordings import Recording
from ..recordings.layout import write_whole
from ..results import provenance
from ..torch import Token, TorchWatch, watch
from .base import Run
from .large_networks import ResNet, VisionTransformer

CODE = 4  # numbers of an image, and of a layer
SHARE = 0.1  # of each layer's deviation, that its noise has
_BATCH, _RATE = 128, 1e-3
_PROBE_BATCH = 128  # images of the probe that run at once: few, for the first layers have 50,000 numbers an image
_SETTLING = 20  # batches that set the averages of batch normalisation before the first update


@dataclass(frozen=True)
class Arm:
    """A network.

    Attributes:
        name: of the arm.
        make: gives it, from a size.
        layers: watched, in the order of the network.
        chain: those of them that everything passes through.
        pooling: of layers that are not taken whole.
    """

    name: str
    make: Callable[[Size], nn.Module]
    layers: tuple[str, ...]
    chain: tuple[str, ...]
    pooling: dict[str, Token]


@dataclass(frozen=True)
class Size:
    """How much is computed.

    Attributes:
        images: to train on.
        probe: test images to measure with.
        width: channels of the residual network's first stage.
        marks: updates after which each arm is measured.
        code_steps: updates of the input compressor.
        code_rows: images it is fitted to.
        null: shuffled pairs at the first and the last mark.
    """

    images: int = 20_000
    probe: int = 10_000
    width: int = 64
    marks: tuple[tuple[str, tuple[int, ...]], ...] = (
        ("resnet", (0, 20, 80, 320)),
        ("transformer", (0, 20, 80, 320, 1280)),
    )
    code_steps: int = 3_000
    code_rows: int = 20_000
    null: int = 10

    def marks_of(self, arm: str) -> tuple[int, ...]:
        return dict(self.marks)[arm]


FULL = Size()
QUICK = Size(
    images=1_000,
    probe=400,
    width=4,
    marks=(("resnet", (0, 10, 30)), ("transformer", (0, 10, 30))),
    code_steps=200,
    code_rows=1_000,
    null=3,
)

_BLOCKS = tuple(f"block{k + 1}" for k in range(8))
_ARMS = (
    Arm(
        "resnet",
        lambda size: ResNet(size.width),
        ("stem", *(name for block in _BLOCKS for name in (f"{block}.inner", block)), "pool", "output"),
        ("stem", *_BLOCKS, "pool", "output"),
        {},
    ),
    Arm(
        "transformer",
        lambda size: VisionTransformer(),
        (
            "embedding",
            *(name for block in _BLOCKS[:4] for name in (f"{block}.attention", f"{block}.dense", block)),
            "norm",
            "output",
        ),
        ("embedding", *_BLOCKS[:4], "norm", "output"),
        {"norm": Token("first")},
    ),
)
ARMS = {arm.name: arm for arm in _ARMS}


@dataclass(frozen=True, eq=False)
class Images:
    """Standardised images as the networks take them: float32 (n, 1, side, side); and their tasks."""

    train: Task
    test: Task
    x_train: torch.Tensor
    x_test: torch.Tensor

    @classmethod
    def read(cls, size: Size) -> Images:
        train, test = fashion_mnist("train"), fashion_mnist("test")
        train, test = (t.take(np.arange(min(n, len(t.y)))) for t, n in ((train, size.images), (test, size.probe)))
        mean, deviation = float(train.x.mean()), float(train.x.std())
        x = [torch.from_numpy((t.x[:, None] - mean) / deviation).float() for t in (train, test)]
        return cls(train, test, *x)


def measure(run: Run) -> dict[str, xr.Dataset]:
    """Train, or find trained, and measure; one residual network, and as many transformers as there are seeds."""
    size = QUICK if run.quick else FULL
    held: list[Images] = []

    def data() -> Images:
        if not held:
            held.append(Images.read(size))
        return held[0]

    codes = run.table("pieces/input-codes", lambda: input_codes(data(), size))
    found = {"input-codes": codes.drop_vars("code")}
    for arm in _ARMS:
        planes: list[xr.Dataset] = []
        for seed in range(1 if arm.name == "resnet" else run.seeds):
            recording, told = watched(run, arm, seed, size, data)
            piece = run.table(
                f"pieces/plane-{arm.name}-{seed}",
                lambda a=arm, r=recording, t=told: _plane(run, a, r(), t, codes["code"], size),
            )
            planes.append(piece)
        found[arm.name] = xr.concat(
            planes,
            "seed",
            data_vars="minimal",
            coords="minimal",
            compat="override",
            join="exact",
            combine_attrs="override",
        )
    return found


def input_codes(data: Images, size: Size) -> xr.Dataset:
    """Codes of the test images by an autoencoder fitted once to training images, and what they cost."""
    train, test = data.train.flattened().x[: size.code_rows], data.test.flattened().x
    maker = Autoencoder(dim=CODE, steps=size.code_steps, standardise=False)
    fitted = maker.fit(train, seed=0)
    code = fitted.encode(test)
    error = ((fitted.decode(code) - test) ** 2).mean()
    share = 1.0 - error / ((test - test.mean(axis=0)) ** 2).mean()
    return xr.Dataset(
        {
            "code": (("sample", "dim"), code, {"described": str(maker)}),
            "mse": ((), float(error)),
            "explained_variance": ((), float(share)),
        },
        attrs=provenance(task=data.test.name),
    )


class Training:
    """A network with its optimizer, its watch and its noise; kept in a file at every mark.

    Two runs of which one was interrupted give the same weights: images and noise are drawn from the number of updates.
    """

    def __init__(self, arm: Arm, seed: int, size: Size, data: Images, folder: Path | None) -> None:
        self.arm, self.seed, self.size, self.data = arm, seed, size, data
        self.file = None if folder is None else folder / "training" / f"{arm.name}-{seed}.pt"
        torch.manual_seed(seed)
        self.model = arm.make(size)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), _RATE)
        self.updates, self.loss = 0, float("nan")
        stored = self._stored()
        if stored is None:
            self._settle()
        else:
            self.model.load_state_dict(stored["model"])
            self.optimizer.load_state_dict(stored["optimizer"])
            self.updates, self.loss = stored["updates"], stored["loss"]
        path = None if folder is None else folder / "recordings" / f"{arm.name}-{seed}"
        probe = (data.x_test, torch.from_numpy(data.test.y))
        self.watch: TorchWatch = watch(
            self.model,
            probe,
            list(arm.layers),
            batch_size=_PROBE_BATCH,
            compressor=PCA(CODE),
            pooling=arm.pooling,
            seed=seed,
            path=path,
            task=data.test.name,
        )
        noisy = list(arm.layers[:-1])
        sigmas = None if stored is None else stored["sigmas"]
        self.noise = self.watch.noise(SHARE if sigmas is None else sigmas, layers=noisy, relative=sigmas is None)
        if stored is None:
            self._store()

    def advance(self, mark: int) -> None:
        """Train up to this many updates.

        Raises:
            InputError: there were more already.
        """
        if self.updates > mark:
            raise InputError(
                f"{self.file} has {self.updates} updates and the snapshot at {mark} is missing; remove the folder, or "
                "train anew into another."
            )
        self.model.train()
        self.noise.restart(self.updates)
        losses = []
        y = torch.from_numpy(self.data.train.y)
        while self.updates < mark:
            rows = torch.from_numpy(_rows(self.seed, self.updates, len(y)))
            self.optimizer.zero_grad()
            loss = functional.cross_entropy(self.model(self.data.x_train[rows]), y[rows])
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
            self.updates += 1
        self.model.eval()
        if losses:
            self.loss = float(np.mean(losses[-10:]))
            self._store()

    def snapshot(self) -> dict[str, float]:
        """Record the layers; what the network scores on the probe, with its noise."""
        outputs: list[torch.Tensor] = []
        handle = self.model.register_forward_hook(lambda _module, _inputs, output: outputs.append(output.detach()))
        started = time.perf_counter()
        try:
            self.watch.snapshot(self.updates, loss_train=self.loss)
        finally:
            handle.remove()
        seconds, passes = time.perf_counter() - started, sum(map(len, outputs)) / len(self.data.test.y)
        logits = torch.cat(outputs)[-len(self.data.test.y) :]  # all passes of a snapshot draw the same noise
        y = torch.from_numpy(self.data.test.y)
        return {
            "loss_test": float(functional.cross_entropy(logits, y)),
            "accuracy_test": float((logits.argmax(1) == y).float().mean()),
            "seconds": seconds,
            "passes": passes,
        }

    def _settle(self) -> None:
        """Averages of batch normalisation as they are in training, before anything is learnt; without the noise, whose
        size comes from the layers as they then are."""
        norms = [m for m in self.model.modules() if isinstance(m, nn.BatchNorm2d)]
        momenta = [m.momentum for m in norms]
        for norm in norms:
            norm.momentum = None  # plain averages
        self.model.train()
        with torch.no_grad():
            for k in range(_SETTLING if norms else 0):
                self.model(self.data.x_train[torch.from_numpy(_rows(self.seed, k, len(self.data.x_train)))])
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        self.model.eval()

    def _stored(self) -> dict[str, Any] | None:
        if self.file is None or not self.file.exists():
            return None
        return torch.load(self.file, weights_only=True)

    def _store(self) -> None:
        if self.file is None:
            return
        buffer = io.BytesIO()
        kept = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "updates": self.updates,
            "loss": self.loss,
            "sigmas": self.noise.sigmas,
        }
        torch.save(kept, buffer)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.file, buffer.getvalue())


def watched(
    run: Run, arm: Arm, seed: int, size: Size, data: Callable[[], Images]
) -> tuple[Callable[[], Recording], xr.Dataset]:
    """One network, trained and recorded or found so, mark by mark.

    Returns:
        What gives its recording, and (epoch,) scores, seconds of training and of the snapshot, passes over the probe,
        and the process's peak memory so far in GiB.
    """
    made: list[Training] = []

    def training() -> Training:
        if not made:
            made.append(Training(arm, seed, size, data(), run.out))
        return made[0]

    marks = size.marks_of(arm.name)
    told: list[xr.Dataset] = []
    for done, mark in enumerate(marks, 1):

        def looked(mark: int = mark) -> xr.Dataset:
            one = training()
            started = time.perf_counter()
            one.advance(mark)
            trained = time.perf_counter() - started
            numbers = {**one.snapshot(), "training_seconds": trained, "peak_memory": peak_memory()}
            cells = {name: ("epoch", [value]) for name, value in numbers.items()}
            return xr.Dataset(cells, {"epoch": [mark]}, provenance(task=one.data.test.name))

        told.append(run.table(f"pieces/{arm.name}-{seed}-{mark}", looked))
        run.progress(f"{arm.name} {seed}: snapshots", done, len(marks))

    def recording() -> Recording:
        if made or run.out is None:
            return training().watch.recording
        return recordings.open(run.out / "recordings" / f"{arm.name}-{seed}")

    return recording, xr.concat(told, "epoch", join="exact", combine_attrs="override")


def _plane(run: Run, arm: Arm, recording: Recording, told: xr.Dataset, codes: xr.DataArray, size: Size) -> xr.Dataset:
    """What is measured on codes of the layers and of the images."""
    shown = copy.copy(recording)
    shown.probe = dataclasses.replace(recording.probe, x=codes.to_numpy())
    described = codes.attrs["described"]
    shown.compressed = (True, True)
    shown.notes = (*recording.notes, f"Images entered as codes, made once for all networks and epochs by {described}.")
    plane = lossy_plane(
        recordings.compressed(shown, layers=PCA(CODE)),
        dims=(1, 2, CODE),
        null=size.null,
        chain=arm.chain,
        progress=lambda what, done, of: run.progress(f"{arm.name}: {what}", done, of),
    )
    found = plane.assign({name: (("seed", "epoch"), told[name].to_numpy()[None]) for name in told})
    return found.assign(widest_layer=widest(arm, size))


def widest(arm: Arm, size: Size) -> int:
    """Numbers an image that the widest watched layer has."""
    counts: list[int] = []
    model = arm.make(size).eval()
    for name in arm.layers:
        model.get_submodule(name).register_forward_hook(lambda _m, _i, output: counts.append(output[0].numel()))
    with torch.no_grad():
        model(torch.zeros(1, 1, 28, 28))
    return max(counts)


def peak_memory() -> float:
    """GiB this process has held at most; nan where the system does not tell."""
    status = Path("/proc/self/status")
    return int(status.read_text().split("VmHWM:")[1].split()[0]) / 2**20 if status.exists() else float("nan")


def _rows(seed: int, update: int, n: int) -> np.ndarray:
    """The images of an update: a part of the pass they belong to, in an order of its own."""
    per_pass = max(n // _BATCH, 1)
    order = np.random.default_rng([seed, 0xF45, update // per_pass]).permutation(n)
    start = update % per_pass * _BATCH
    return order[start : start + _BATCH]
