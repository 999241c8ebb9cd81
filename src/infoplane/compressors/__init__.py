"""Maps to few dimensions, fitted on samples and then frozen: what makes nearest neighbours possible in wide data."""

from .autoencoder import Autoencoder, FittedAutoencoder
from .base import Compressor, Fitted
from .bounds import LossBound, autoencoder_loss_bound, label_loss_bound, pca_loss_bound
from .cca import CCA, FittedCCA
from .frozen import Frozen
from .latent import LatentScan, intrinsic_dimension, latent_scan
from .pca import PCA, FittedPCA
from .residual import ResidualTest, residual_test
from .streaming import Streamed, streaming_pca
from .sweep import LatentSweep, latent_sweep

__all__ = [
    "CCA",
    "PCA",
    "Autoencoder",
    "Compressor",
    "Fitted",
    "FittedAutoencoder",
    "FittedCCA",
    "FittedPCA",
    "Frozen",
    "LatentScan",
    "LatentSweep",
    "LossBound",
    "ResidualTest",
    "Streamed",
    "autoencoder_loss_bound",
    "intrinsic_dimension",
    "label_loss_bound",
    "latent_scan",
    "latent_sweep",
    "pca_loss_bound",
    "residual_test",
    "streaming_pca",
]
