"""Activations of a network over seeds, epochs and layers on one set of samples: computed, held, or read on demand."""

from .arrays import ArrayRecording, from_arrays
from .base import Probe, Recording
from .disk import Writer, open

__all__ = ["ArrayRecording", "Probe", "Recording", "Writer", "from_arrays", "open"]
