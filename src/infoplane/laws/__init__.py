"""Laws with known mutual information: the oracles of the tests, of ``calibrate`` and of the benchmark.

A law is a frozen object: ``law.sample(n, seed)`` gives pairs (x, y) and ``law.mutual_information`` the truth in nats.
Lower-case names make one from the information it should have, ``correlated_normal(2.0, dim_x=3, dim_y=3)``; some are
classes, some compose a class with maps that keep information. ``names()`` lists them, ``by_name`` makes one.
"""

from .base import Law
from .closed_forms import LogGammaExponential, SmoothedUniform, gamma_exponential
from .compositions import (
    anti_pca,
    asinh_normal,
    asinh_student,
    bimodal_normal,
    cubed_normal,
    half_cubed_normal,
    mixed_normal,
    rings,
    spiral_normal,
    swiss_roll,
    tanh_embedding,
)
from .crossed import CrossedNormal
from .embeddings import LinearEmbedding, Mixing, Rotation, TanhEmbedding
from .gaussian import AdditiveNoise, EmbeddedNormal, JointNormal
from .images import (
    CorrelatedGaussianImage,
    GaussianImage,
    RectangleImage,
    Segment,
    correlated_gaussian_images,
    gaussian_images,
    rectangle_images,
)
from .labels import NoisyLabels, NormalClasses, QuantizedUniform, SymmetricChannel, UniformLabels
from .maps import AntiPCA, Asinh, Bimodal, Cube, Exp, HalfCube, Map, NormalToUniform, Ring, Spiral, SwissRoll
from .mixed import MixedUniform, PartDiscrete, ZeroInflatedNormal, ZeroInflatedPoisson
from .nets import LinearLayer, LinearNet
from .neuron import BinnedNeuron, NoisyNeuron
from .normal import CorrelatedNormal, DenseNormal, sparse_normal
from .registry import by_name, names
from .student import CorrelatedStudent
from .transformed import Transformed, correlated_uniform

additive_noise = AdditiveNoise
binned_neuron = BinnedNeuron
correlated_normal = CorrelatedNormal
correlated_student = CorrelatedStudent
crossed_normal = CrossedNormal
dense_normal = DenseNormal
embedded_normal = EmbeddedNormal
joint_normal = JointNormal
linear_layer = LinearLayer
linear_net = LinearNet
log_gamma_exponential = LogGammaExponential
mixed_uniform = MixedUniform
noisy_labels = NoisyLabels
noisy_neuron = NoisyNeuron
normal_classes = NormalClasses
part_discrete = PartDiscrete
quantized_uniform = QuantizedUniform
smoothed_uniform = SmoothedUniform
symmetric_channel = SymmetricChannel
uniform_labels = UniformLabels
zero_inflated_normal = ZeroInflatedNormal
zero_inflated_poisson = ZeroInflatedPoisson

__all__ = [
    "AdditiveNoise",
    "AntiPCA",
    "Asinh",
    "Bimodal",
    "BinnedNeuron",
    "CorrelatedGaussianImage",
    "CorrelatedNormal",
    "CorrelatedStudent",
    "CrossedNormal",
    "Cube",
    "DenseNormal",
    "EmbeddedNormal",
    "Exp",
    "GaussianImage",
    "HalfCube",
    "JointNormal",
    "Law",
    "LinearEmbedding",
    "LinearLayer",
    "LinearNet",
    "LogGammaExponential",
    "Map",
    "MixedUniform",
    "Mixing",
    "NoisyLabels",
    "NoisyNeuron",
    "NormalClasses",
    "NormalToUniform",
    "PartDiscrete",
    "QuantizedUniform",
    "RectangleImage",
    "Ring",
    "Rotation",
    "Segment",
    "SmoothedUniform",
    "Spiral",
    "SwissRoll",
    "SymmetricChannel",
    "TanhEmbedding",
    "Transformed",
    "UniformLabels",
    "ZeroInflatedNormal",
    "ZeroInflatedPoisson",
    "additive_noise",
    "anti_pca",
    "asinh_normal",
    "asinh_student",
    "bimodal_normal",
    "binned_neuron",
    "by_name",
    "correlated_gaussian_images",
    "correlated_normal",
    "correlated_student",
    "correlated_uniform",
    "crossed_normal",
    "cubed_normal",
    "dense_normal",
    "embedded_normal",
    "gamma_exponential",
    "gaussian_images",
    "half_cubed_normal",
    "joint_normal",
    "linear_layer",
    "linear_net",
    "log_gamma_exponential",
    "mixed_normal",
    "mixed_uniform",
    "names",
    "noisy_labels",
    "noisy_neuron",
    "normal_classes",
    "part_discrete",
    "quantized_uniform",
    "rectangle_images",
    "rings",
    "smoothed_uniform",
    "sparse_normal",
    "spiral_normal",
    "swiss_roll",
    "symmetric_channel",
    "tanh_embedding",
    "uniform_labels",
    "zero_inflated_normal",
    "zero_inflated_poisson",
]
