"""Layers of click-through-rate models.

Axis letters in shapes and einsum strings: B batch, F fields, D embedding, H hidden, E experts,
U expert units, T tasks, L sequence length, K chosen experts. Inside attention, H counts heads.
"""

from ctrmoe.layers.chained_logit import ChainedLogit
from ctrmoe.layers.classifiers import CLASSIFIERS
from ctrmoe.layers.classifiers.deepfm import DeepFM
from ctrmoe.layers.classifiers.ipnn import IPNN
from ctrmoe.layers.domain_embedding import DomainEmbedding
from ctrmoe.layers.domain_experts import DomainExperts
from ctrmoe.layers.domain_index import DomainIndex
from ctrmoe.layers.domain_networks import DOMAIN_NETWORKS
from ctrmoe.layers.domain_networks.adasparse import AdaSparse
from ctrmoe.layers.domain_networks.hinet import HiNet
from ctrmoe.layers.domain_networks.m2m import M2M
from ctrmoe.layers.domain_networks.m3oe import M3oE
from ctrmoe.layers.domain_networks.pepnet import PEPNet
from ctrmoe.layers.domain_networks.ple import PLE
from ctrmoe.layers.domain_networks.sarnet import SARNet
from ctrmoe.layers.domain_normalization import DomainNormalization
from ctrmoe.layers.domain_tower import DomainTower
from ctrmoe.layers.embedding import FeatureEmbedding
from ctrmoe.layers.experts import EXPERTS
from ctrmoe.layers.field import Field
from ctrmoe.layers.interactions import INTERACTIONS
from ctrmoe.layers.interactions.autoint import AutoInt
from ctrmoe.layers.interactions.cin import CIN
from ctrmoe.layers.interactions.cross_network import CrossNetwork
from ctrmoe.layers.interactions.dot_product import DotProduct
from ctrmoe.layers.interactions.fgcnn import FGCNN
from ctrmoe.layers.interactions.fm import FM
from ctrmoe.layers.interactions.infnet import INFNet
from ctrmoe.layers.interactions.infnet_v2 import INFNetV2
from ctrmoe.layers.mixture import Mixture
from ctrmoe.layers.mixture_stack import MixtureStack
from ctrmoe.layers.mlp import MLP
from ctrmoe.layers.numeric import NUMERIC_EMBEDDINGS
from ctrmoe.layers.pooling import POOLINGS
from ctrmoe.layers.registry import create
from ctrmoe.layers.row_blocks import RowBlocks
from ctrmoe.layers.towers import Tower

__all__ = [
    "CIN",
    "CLASSIFIERS",
    "DOMAIN_NETWORKS",
    "EXPERTS",
    "FGCNN",
    "FM",
    "INTERACTIONS",
    "IPNN",
    "M2M",
    "MLP",
    "NUMERIC_EMBEDDINGS",
    "PLE",
    "POOLINGS",
    "AdaSparse",
    "AutoInt",
    "ChainedLogit",
    "CrossNetwork",
    "DeepFM",
    "DomainEmbedding",
    "DomainExperts",
    "DomainIndex",
    "DomainNormalization",
    "DomainTower",
    "DotProduct",
    "FeatureEmbedding",
    "Field",
    "HiNet",
    "INFNet",
    "INFNetV2",
    "M3oE",
    "Mixture",
    "MixtureStack",
    "PEPNet",
    "RowBlocks",
    "SARNet",
    "Tower",
    "create",
]
