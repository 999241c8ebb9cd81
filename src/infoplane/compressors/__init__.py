"""Maps to few dimensions, fitted on samples and then frozen: what makes nearest neighbours possible in wide data."""

from .autoencoder import Autoencoder, FittedAutoencoder
from .base import Compressor, Fitted
from .bounds import LossBound, autoencoder_loss_bound, label_loss_bound, pca_loss_bound
from .cca import CCA, FittedCCA
from .latent import LatentScan, intrinsic_dimension, latent_scan
from .pca import PCA, FittedPCA
from .residual import ResidualTest, residual_test
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
    "LatentScan",
    "LatentSweep",
    "LossBound",
    "ResidualTest",
    "autoencoder_loss_bound",
    "intrinsic_dimension",
    "label_loss_bound",
    "latent_scan",
    "latent_sweep",
    "pca_loss_bound",
    "residual_test",
]
