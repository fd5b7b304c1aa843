"""Factories of compiled models."""

from mizoo.presets.adversarial import alae, gan, infogan, lsgan, wgan_gp
from mizoo.presets.autoencoders import aae, ae, beta_vae, infovae, swae, vae, wae
from mizoo.presets.bottleneck import bibae, bibae_desy, vaegan
from mizoo.presets.flows import flow
from mizoo.presets.gandalf import gandalf
from mizoo.presets.registry import PRESETS, Preset
from mizoo.presets.translation import cyclegan, otus, pix2pix, srgan
from mizoo.presets.turbosim import turbosim

__all__ = [
    "PRESETS",
    "Preset",
    "aae",
    "ae",
    "alae",
    "beta_vae",
    "bibae",
    "bibae_desy",
    "cyclegan",
    "flow",
    "gan",
    "gandalf",
    "infogan",
    "infovae",
    "lsgan",
    "otus",
    "pix2pix",
    "srgan",
    "swae",
    "turbosim",
    "vae",
    "vaegan",
    "wae",
    "wgan_gp",
]
