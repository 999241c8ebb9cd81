"""A Lightning callback: the plane of a model that a Trainer trains."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import xarray as xr

from ..errors import InputError
from ..recordings.base import Recording
from .watch import TorchWatch, watch

if TYPE_CHECKING:
    from lightning.pytorch import Callback, LightningModule, Trainer
else:
    try:
        from lightning.pytorch import Callback
    except ImportError:
        try:
            from pytorch_lightning import Callback
        except ImportError:
            raise ImportError(
                "infoplane.torch.lightning needs Lightning; install it with: pip install 'infoplane[lightning]'"
            ) from None


class InformationPlane(Callback):
    """Takes a snapshot before training and after every epoch, or after chosen ones.

    >>> plane = InformationPlane(probe=(x_test, y_test), path="run")  # doctest: +SKIP
    >>> Trainer(callbacks=[plane]).fit(model, data)  # doctest: +SKIP

    The metrics that the module logs become training curves of the recording, under their names. Only the first process
    of a distributed run watches. A run that continues from a checkpoint continues its folder.

    Args:
        probe: (x, y), as for :func:`infoplane.torch.watch`.
        layers: likewise.
        epochs: epochs completed after which to look, such as ``log_spaced(300)``; all if None.
        noise: settings of :meth:`infoplane.torch.TorchWatch.noise`, such as ``{"sigma": 0.1, "relative": True}``: the
            network is trained with this noise.
        **settings: of :func:`infoplane.torch.watch`: ``path``, ``keep``, ``estimator``, ``pooling`` ...
    """

    def __init__(
        self,
        probe: tuple[Any, Any],
        layers: Any = None,
        *,
        epochs: Iterable[int] | None = None,
        noise: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        self._probe, self._layers, self._noise, self._settings = probe, layers, noise, settings
        self._epochs = None if epochs is None else set(epochs)
        self._watch: TorchWatch | None = None

    @property
    def watch(self) -> TorchWatch:
        """The watch, once training has begun.

        Raises:
            InputError: it has not.
        """
        if self._watch is None:
            raise InputError("Training has not begun, so nothing is watched yet; call Trainer.fit first.")
        return self._watch

    @property
    def recording(self) -> Recording:
        """The snapshots; see :attr:`infoplane.watching.Watch.recording`."""
        return self.watch.recording

    @property
    def plane(self) -> xr.Dataset:
        """The plane measured on the way; see :attr:`infoplane.watching.Watch.plane`."""
        return self.watch.plane

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.is_global_zero and self._watch is None:
            self._watch = watch(pl_module, self._probe, self._layers, **self._settings)
        if self._noise is not None and self._watch is not None and not self._watch.noise_words:
            self._watch.noise(**self._noise)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._look(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._look(trainer, 1)

    def _look(self, trainer: Trainer, completed: int = 0) -> None:
        epoch = int(trainer.current_epoch) + completed
        if self._watch is None or (self._epochs is not None and epoch not in self._epochs):
            return
        curves = {name: float(value) for name, value in trainer.callback_metrics.items() if value.numel() == 1}
        self._watch.snapshot(epoch, **curves)
