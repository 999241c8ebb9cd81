"""The callback with the real library: the same training, and its plane."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch_models import data, plain, same_state

import infoplane as ip

lightning = pytest.importorskip("lightning.pytorch", reason="Lightning is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")
for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
    logging.getLogger(name).setLevel(logging.ERROR)

PROBE = data(60, seed=7)


class Module(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.net = plain()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)

    def training_step(self, batch: Any, _: int) -> torch.Tensor:
        loss = functional.cross_entropy(self(batch[0]), batch[1])
        self.log("loss_train", loss, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), 1e-2)


def fitted(tmp_path: Path, *callbacks: Any, epochs: int = 2, checkpoint: Path | None = None) -> tuple[Module, Any]:
    module = Module()
    torch.manual_seed(3)
    trainer = lightning.Trainer(
        max_epochs=epochs,
        callbacks=list(callbacks),
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*data()), batch_size=50, shuffle=True)
    trainer.fit(module, loader, ckpt_path=None if checkpoint is None else str(checkpoint))
    return module, trainer


def test_training_is_the_same_and_its_plane_is_there(tmp_path: Path) -> None:
    from infoplane.torch.lightning import InformationPlane

    callback = InformationPlane(PROBE, "net.[256]", estimator=ip.estimators.PairwiseBounds(0.1), keep="activations")
    with pytest.raises(ip.InputError, match=r"call Trainer\.fit first"):
        _ = callback.recording
    module, _ = fitted(tmp_path, callback)
    assert same_state(module, fitted(tmp_path)[0])
    assert callback.recording.epochs.tolist() == [0, 1, 2]
    assert callback.recording.layers == ("net.2", "net.5", "net.6")
    losses = callback.plane.loss_train[0].to_numpy()
    assert np.isnan(losses[0])
    assert losses[2] < losses[1]


def test_a_run_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    from infoplane.torch.lightning import InformationPlane

    settings = {"path": tmp_path / "run", "epochs": [0, 2, 3], "noise": {"sigma": 0.1}}
    _, trainer = fitted(tmp_path, InformationPlane(PROBE, nn.Tanh, **settings))
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    again = InformationPlane(PROBE, nn.Tanh, **settings)
    fitted(tmp_path, again, epochs=3, checkpoint=tmp_path / "last.ckpt")
    assert again.recording.epochs.tolist() == [0, 2, 3]
    assert again.recording.own_noise("net.2") == ip.channels.OwnNoise("additive", 0.1, True)
