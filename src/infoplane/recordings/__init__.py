"""Activations of a network over seeds, epochs and layers on one set of samples: computed, held, or read on demand."""

from .arrays import ArrayRecording, from_arrays
from .base import Probe, Recording
from .codes import CodeRecording
from .compressing import compressed
from .disk import Writer, open
from .schedule import log_spaced

__all__ = [
    "ArrayRecording",
    "CodeRecording",
    "Probe",
    "Recording",
    "Writer",
    "compressed",
    "from_arrays",
    "log_spaced",
    "open",
]
