"""Electromagnetic showers in homogeneous media, parametrised by Grindhammer and Peters (hep-ex/0001020).

Numbers of equations are not repeated below: all parameters are those of the paper's sections 2 and 3 and of
its appendix A.1 for homogeneous media. Depths t are in radiation lengths X0, radii in Molière radii R_M,
energies in GeV. Functions take arrays of energies, depths and radii that broadcast.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import gammainc


class Medium(NamedTuple):
    """A homogeneous medium.

    Attributes:
        z: atomic number; of a compound, the mean by mass fractions.
        critical_energy: critical energy of electrons in GeV.
    """

    z: float
    critical_energy: float


# Lead tungstate, with the critical energy of the Particle Data Group's tables (X0 0.89 cm, R_M 1.96 cm).
PBWO4 = Medium(z=68.4, critical_energy=9.64e-3)


class Longitudinal(NamedTuple):
    """The gamma distribution of the energy in depth, (β t)^(α - 1) β exp(-β t) / Γ(α).

    Attributes:
        maximum: depth T of the shower maximum in X0.
        alpha: shape parameter α, above 1.
    """

    maximum: np.ndarray
    alpha: np.ndarray

    @property
    def beta(self) -> np.ndarray:
        """β = (α - 1) / T, per X0."""
        return np.asarray((self.alpha - 1.0) / self.maximum)

    @property
    def centre(self) -> np.ndarray:
        """Mean depth α / β in X0."""
        return np.asarray(self.alpha / self.beta)

    def upto(self, depth: np.ndarray) -> np.ndarray:
        """Fraction of the energy up to depths in X0."""
        return np.asarray(gammainc(self.alpha, self.beta * depth))


class Radial(NamedTuple):
    """The distribution in radius r, p 2 r R_C² / (r² + R_C²)² + (1 - p) 2 r R_T² / (r² + R_T²)².

    Attributes:
        core, tail: radii R_C and R_T in R_M, which hold half of each component.
        core_fraction: fraction p of the energy in the core, 0 to 1.
    """

    core: np.ndarray
    tail: np.ndarray
    core_fraction: np.ndarray

    def within(self, radius: np.ndarray) -> np.ndarray:
        """Fraction of the energy within radii in R_M."""
        square = np.square(radius)
        core, tail = (square / (square + np.square(scale)) for scale in (self.core, self.tail))
        return np.asarray(self.core_fraction * core + (1.0 - self.core_fraction) * tail)

    def quarter(self, edges: np.ndarray) -> np.ndarray:
        """Fractions (…, k, k) of the energy in cells x, y ≥ 0 of a square grid about the axis.

        In the plane, a component has the density R² / (π (x² + y² + R²)²). Its integral over [0, a] ×
        [0, b] is a arctan(b / h(a)) / (2π h(a)) plus the same with a and b exchanged, h(a)² = a² + R².

        Args:
            edges: upper edges (k,) of the cells in R_M, rising; the first cell starts at 0.
        """

        def integral(scale: np.ndarray) -> np.ndarray:
            hypotenuse = np.hypot(edges, scale[..., None])[..., None]
            half = edges[:, None] / hypotenuse * np.arctan(edges / hypotenuse)
            return np.asarray((half + np.swapaxes(half, -1, -2)) / (2.0 * np.pi))

        weight = self.core_fraction[..., None, None]
        total: np.ndarray = weight * integral(self.core) + (1.0 - weight) * integral(self.tail)
        for axis in (-1, -2):
            total = np.diff(total, axis=axis, prepend=0.0)
        return total


def average_longitudinal(energies: np.ndarray, medium: Medium) -> Longitudinal:
    """The gamma distribution that describes the mean of many showers."""
    log_y = np.log(energies / medium.critical_energy)
    return Longitudinal(log_y - 0.858, 0.21 + (0.492 + 2.38 / medium.z) * log_y)


def typical_longitudinal(energies: np.ndarray, medium: Medium) -> Longitudinal:
    """The medians of T and α of single showers, exp⟨ln T⟩ and exp⟨ln α⟩."""
    log_y = np.log(energies / medium.critical_energy)
    return Longitudinal(log_y - 0.812, 0.81 + (0.458 + 2.26 / medium.z) * log_y)


def draw_longitudinal(energies: np.ndarray, medium: Medium, generator: np.random.Generator) -> Longitudinal:
    """Gamma distributions of single showers (n,): T and α are log-normal and correlated."""
    log_y = np.log(energies / medium.critical_energy)
    typical = typical_longitudinal(energies, medium)
    first, second = generator.standard_normal((2, len(energies)))
    correlation = 0.705 - 0.023 * log_y
    common, own = np.sqrt((1.0 + correlation) / 2.0) * first, np.sqrt((1.0 - correlation) / 2.0) * second
    return Longitudinal(
        typical.maximum * np.exp((common + own) / (-1.4 + 1.26 * log_y)),
        typical.alpha * np.exp((common - own) / (-0.58 + 0.86 * log_y)),
    )


def radial(energies: np.ndarray, tau: np.ndarray, medium: Medium) -> Radial:
    """The radial distribution at a depth.

    Args:
        energies: energies of the incident particles in GeV.
        tau: depth in units of the shower maximum, see `relative_depth`.
        medium: the medium.
    """
    log_energy = np.log(energies)
    core = 0.0251 + 0.00319 * log_energy + (0.1162 - 0.000381 * medium.z) * tau
    shifted = tau - 0.645
    tail = (0.659 - 0.00309 * medium.z) * (
        np.exp(-2.59 * shifted) + np.exp((0.3585 + 0.0421 * log_energy) * shifted)
    )
    exponent = (0.401 + 0.00187 * medium.z - tau) / (1.313 - 0.0686 * log_energy)
    fraction = (2.632 - 0.00094 * medium.z) * np.exp(exponent - np.exp(exponent))
    return Radial(core, tail, np.clip(fraction, 0.0, 1.0))


def relative_depth(
    depth: np.ndarray, shower: Longitudinal, energies: np.ndarray, medium: Medium
) -> np.ndarray:
    """Depths τ of a shower whose maximum fluctuates, such that τ = t / T for a typical one."""
    typical = typical_longitudinal(energies, medium).alpha
    return np.asarray(depth / shower.centre * typical / (typical - 1.0))


def spots(shower: Longitudinal, energies: np.ndarray, medium: Medium) -> tuple[np.ndarray, Longitudinal]:
    """Number of spots of a shower, whose places are independent, and their distribution in depth."""
    count: np.ndarray = 93.0 * np.log(medium.z) * energies**0.876
    depths = Longitudinal(
        shower.maximum * (0.698 + 0.00212 * medium.z), shower.alpha * (0.639 + 0.00334 * medium.z)
    )
    return count, depths
