"""Whole `decode` of trained models in plain PyTorch, written for tt̄ events: peers for benchmarks.

Partons are e⁻ ν̄ b b̄ u d̄, objects e⁻, missing momentum and four jets, those of b b̄ u d̄ in this order until
they are sorted. Momenta p are px, py, pz and E, (4, n, objects). They are in double precision, as in mizoo.
Partons of data balance and are on their mass shells, so that they are seen as given, not projected.
"""

import math

import tensorflow as tf
import torch
from torch import nn
from torch_networks import Attention, LinearAndMlp, Modulated, Splines

from mizoo.mappers.diffusion import _means


def constant(values):
    """Numbers or weights of Keras in double precision."""
    return torch.tensor(values.numpy() if hasattr(values, "numpy") else values, dtype=torch.float64)


LOGISTIC = math.pi / math.sqrt(3.0)  # standard deviation of the logistic distribution
TAIL = 1.5  # of the distributions of pT
BEAM = 10_000.0  # GeV
RADIUS = 0.48  # within which jets are not resolved
MASSES = constant([0.0, 0.0, 4.8, 4.8, 0.33, 0.33])  # of partons
# Partons of the hadronic top and W, then of the leptonic ones: (6, 4).
SYSTEMS = constant([[0, 0, 1, 0, 1, 1], [0, 0, 0, 0, 1, 1], [1, 1, 0, 1, 0, 0], [1, 1, 0, 0, 0, 0]]).T
PEAKS, WIDTHS = constant([173.0, 80.4, 173.0, 80.4]), constant([1.35, 2.085, 1.35, 2.085])
LEAST, PLUS_W = constant([4.8, 0.66, 4.8, 0.0]), constant([1.0, 0.0, 1.0, 0.0])  # of their masses
PAIRS = constant([[(k == i) + (k == j) for i in range(6) for j in range(6)] for k in range(6)])


def on_shell(x, y, z, masses=0.0):
    return torch.stack([x, y, z, (x * x + y * y + z * z + masses * masses).sqrt()])


def mass(p):
    x, y, z, energy = p
    return (energy * energy - x * x - y * y - z * z).clamp(min=1e-2).sqrt()


def turned(p, cosine, sine):
    """Momenta turned about the beam."""
    x, y, z, energy = p
    return torch.stack([x * cosine - y * sine, x * sine + y * cosine, z, energy])


def partons(z):
    """Momenta of partons relative to the azimuth of the electron, and the direction of this azimuth."""
    x, y, along, _ = z.double().unflatten(1, (6, 4)).unbind(-1)
    cosine, sine = torch.stack([x[:, :1], y[:, :1]]) / torch.hypot(x[:, :1], y[:, :1])
    return turned(on_shell(x, y, along, MASSES), cosine, -sine), (cosine, sine)


def events(p, direction):
    """Events (n, 24) in the laboratory, jets by falling pT, from momenta relative to an azimuth."""
    order = torch.hypot(p[0, :, 2:], p[1, :, 2:]).argsort(1, descending=True)
    jets = p[..., 2:].gather(2, order.expand(4, -1, -1))
    return turned(torch.cat([p[..., :2], jets], 2), *direction).permute(1, 2, 0).flatten(1).float()


def features(p):
    """Transverse direction times log(1 + pT/20 GeV), half the pseudorapidity, log(1 + E/GeV) - 4.5."""
    x, y, z, energy = p.float()
    pt = torch.hypot(x, y).clamp(min=1e-3)
    size = torch.log1p(pt / 20.0) / pt
    return torch.stack([x * size, y * size, torch.asinh(z / pt) / 2.0, energy.log1p() - 4.5], -1)


def momenta_of(found):
    """px, py and pz (n, 6) of features (n, 18) without the energy."""
    x, y, along = found.double().unflatten(1, (6, 3)).unbind(-1)
    size = torch.hypot(x, y)
    pt = 20.0 * size.expm1()
    return pt * x / size, pt * y / size, pt * (2.0 * along).sinh()


def seen(p, subsets):
    """Features of objects, masses of subsets, and features of the sum of subset 15, which is all."""
    sums = p @ subsets
    return features(p).flatten(1), mass(sums).float().log1p() - 5.0, features(sums[..., 15])


def pt_to_line(excess):
    return torch.log(torch.expm1(TAIL * torch.log1p(excess))) / LOGISTIC


def mass_to_line(mass, least, peak, width):
    """Masses on a line on which a Breit-Wigner in m² is logistic."""
    scale, off, below = peak * width, mass**2 - peak**2, least**2 - peak**2
    rest = torch.atan2(scale * (off - below).clamp(min=0.0), below * off + scale**2)
    return torch.log(rest / torch.atan2(scale, off))


def line_to_mass(line, least, peak, width):
    scale, below = peak * width, least**2 - peak**2
    edge = torch.atan2(scale, below)
    odds = torch.sin(edge * line.sigmoid()) / torch.sin(edge * (-line).sigmoid())
    return (least**2 + odds * torch.hypot(below, scale)).sqrt()


def lines(p, scales):
    """Lines of pT (n, 6), pseudorapidities (n, 6) and lines of masses (n, 4) of partons."""
    pt, masses = torch.hypot(p[0], p[1]), mass(p @ SYSTEMS)
    least = LEAST + PLUS_W * masses[:, [1, 1, 3, 3]]
    of_masses = mass_to_line(masses, least, PEAKS, WIDTHS) / LOGISTIC
    return pt_to_line((pt / scales) ** 2), torch.asinh(p[2] / pt), of_masses


def from_residual(residual, reference, scale, circular):
    """Reference + scale sinh(1.5 residual), straight where this is steeper than 1; arcs of angles."""
    turns, steepest = 1.5 * residual.abs(), (1.0 / (1.5 * scale)).clamp(min=1.0)
    curved = torch.minimum(turns, torch.where(circular, math.inf, torch.acosh(steepest)))
    moved = scale * residual.sign() * (curved.sinh() + (turns - curved) * steepest)
    return reference + torch.where(circular, 2.0 * torch.atan(moved / 2.0), moved)


class Objects(nn.Module):
    """Coordinates (n, 18) of detector objects: line of pT, azimuth and line of pseudorapidity of each.

    Missing momentum has p_z instead. The last two jets, of a W, have its mass and the ratio of their pT.
    """

    def __init__(self, objects):
        super().__init__()
        self.mean, self.deviation, self.scales, peaks, self.pz_scale = map(
            constant, (objects.mean, objects.deviation, objects.scales, objects.peaks, objects.pz_scale)
        )
        self.peak, self.width = peaks[4], self.scales[4]
        self.circular = torch.arange(18) % 3 == 1
        self.is_met, self.is_jet = torch.arange(6) == 1, torch.arange(6) > 1
        self.cut = (~self.is_met).double()  # 1 for objects with a least pT
        self.bounds = constant([2.5, 0.0, 5.0, 5.0, 5.0, 5.0])  # of |η|

    def floor(self, eta):
        """Least pT (n, 6) of objects."""
        of_jets = 20.0 * ((2.5 - 0.15 * eta.abs()) ** 2 / 20.0 + 1.0).sqrt()
        return torch.where(self.is_jet, of_jets, 10.0 * self.cut)

    def pair(self, phi, eta, floor, ratio):
        """m² / (pT₁ pT₂) and the least mass of the jets of the W, (n,)."""
        wide = ((eta[:, 4] - eta[:, 5]) / 2.0).sinh() ** 2 + ((phi[:, 4] - phi[:, 5]) / 2.0).sin() ** 2
        opening, root = 4.0 * wide, ratio.sqrt()
        return opening, opening.sqrt() * torch.maximum(floor[:, 4] / root, floor[:, 5] * root)

    def forward(self, x, y, z, bound):
        """Coordinates of momenta (n, 6), those other than azimuths within ±bound."""
        pt, phi = torch.hypot(x, y), torch.atan2(y, x)
        eta = torch.asinh(z / pt)
        floor, ratio = self.floor(eta), pt[:, 4] / pt[:, 5]
        opening, least = self.pair(phi, eta, floor, ratio)
        of_mass = mass_to_line((pt[:, 4] * pt[:, 5] * opening).sqrt(), least, self.peak, self.width)
        excess = ((pt / floor.clamp(min=1.0)) ** 2 - self.cut).clamp(min=0.0) / self.scales**2
        line = torch.cat([pt_to_line(excess[:, :4]), of_mass[:, None], ratio.log()[:, None]], 1)
        of_eta = torch.atanh((eta / self.bounds).clamp(-1.0, 1.0)) * (2.0 / LOGISTIC)
        along = torch.where(self.is_met, torch.asinh(z / self.pz_scale), of_eta)
        found = (torch.stack([line, phi, along], -1).flatten(1) - self.mean) / self.deviation
        return torch.where(self.circular, found, found.clamp(-bound, bound)).float()

    def momenta(self, coordinates):
        """Momenta of coordinates, with jets apart from each other and from the electron."""
        raw = coordinates.double() * self.deviation + self.mean
        line, phi, along = raw.unflatten(1, (6, 3)).permute(2, 0, 1).contiguous()
        eta = self.bounds * torch.tanh(LOGISTIC / 2.0 * along)
        pt = self.pts(line, phi, eta)
        # Few events have jets that overlap.
        (few,) = self.overlaps(phi, eta, pt)[2].any((1, 2)).nonzero(as_tuple=True)
        if len(few):
            phi[few], eta[few] = self.apart(phi[few], eta[few], pt[few])
            pt[few] = self.pts(line[few], phi[few], eta[few])
        z = torch.where(self.is_met, self.pz_scale * along.sinh(), pt * eta.sinh())
        return on_shell(pt * phi.cos(), pt * phi.sin(), z)

    def pts(self, line, phi, eta):
        floor, ratio = self.floor(eta), line[:, 5].exp()
        opening, least = self.pair(phi, eta, floor, ratio)
        mean = line_to_mass(line[:, 4], least, self.peak, self.width) / opening.sqrt()
        of_pair = torch.stack([mean * ratio.sqrt(), mean / ratio.sqrt()], 1)
        excess = self.scales**2 * torch.expm1(nn.functional.softplus(LOGISTIC * line) / TAIL)
        pt = floor.clamp(min=1.0) * (self.cut + excess).sqrt()
        pt = torch.cat([pt[:, :4], of_pair], 1)
        return torch.maximum(torch.minimum(pt, BEAM / eta.cosh()), floor * (1.0 + 1e-6))

    def overlaps(self, phi, eta, pt):
        """Distances (n, 4, 6) of jets from objects in φ and η, and electrons and harder jets too near."""
        of_phi, of_eta = (angle[:, 2:, None] - angle[:, None] for angle in (phi, eta))
        of_phi = of_phi - 2.0 * math.pi * (of_phi / (2.0 * math.pi)).round()
        gives_way = (pt[:, 2:, None] < pt[:, None]) & self.is_jet
        gives_way[..., 0] = True
        return of_phi, of_eta, gives_way & (of_phi**2 + of_eta**2 < RADIUS**2)

    def apart(self, phi, eta, pt):
        for _ in range(10):
            of_phi, of_eta, near = self.overlaps(phi, eta, pt)
            if not near.any():
                break
            share = torch.where(near, RADIUS / torch.hypot(of_phi, of_eta), 0.0)
            phi[:, 2:] += (share * of_phi).sum(-1)
            eta[:, 2:] += (share * of_eta).sum(-1)
        return phi, torch.minimum(torch.maximum(eta, -self.bounds), self.bounds)


class Model(nn.Module):
    """What both models have: partons, objects, and the subsets of objects whose masses they see."""

    def __init__(self, model, objects, view):
        super().__init__()
        z = model.z_representation
        self.objects, self.parton_scales = Objects(objects), constant(z.scales)
        # Coordinates of each parton other than the azimuth.
        self.mean, self.deviation = (constant(w)[:18].view(6, 3)[:, ::2] for w in (z.mean, z.deviation))
        self.subsets = constant([[float(i in subset) for subset in view.subsets] for i in range(6)])

    def standardised(self, line, eta):
        return ((torch.stack([line, eta], -1) - self.mean) / self.deviation).flatten(1).float()


class Turbosim(Model):
    """Splines of the residuals between the objects and the partons that they come from."""

    def __init__(self, model):
        residual = model.decoder.mapper
        super().__init__(model, residual.target, residual.mapper.view)
        self.splines, scales = Splines(residual.mapper), constant(residual.scales).float()
        self.tells = scales > 0.0  # whether partons tell of a coordinate
        self.scales = torch.where(self.tells, scales, 1.0)

    def forward(self, z, noise):
        p, direction = partons(z)
        of_pt, eta, of_masses = lines(p, self.parton_scales)
        # The mass of each resonance replaces the pT of one of its partons.
        line = torch.cat([of_pt[:, :1], of_masses[:, [3, 0, 2, 1]], of_pt[:, 5:]], 1)
        of_objects, masses, _ = seen(p, self.subsets)
        drawn = self.splines(torch.cat([self.standardised(line, eta), of_objects, masses], 1), noise)
        found = from_residual(drawn, self.objects(*p[:3], 3.0), self.scales, self.objects.circular)
        return events(self.objects.momenta(torch.where(self.tells, found, drawn)), direction)


class Gandalf(Model):
    """Tokens to latent, momenta that are read off it, and Adams's steps of the denoising network."""

    def __init__(self, model):
        encoder, assigned, z = model.decoder.encoder, model.decoder.decoder.mapper, model.z_representation
        location_scale, diffusion = assigned.mapper, assigned.mapper.mapper
        super().__init__(model, location_scale.view.representation, location_scale.view)
        # Masses are standardised twice.
        mean, deviation = (constant(w)[z.chain.resonances] for w in (z.chain.mean, z.chain.deviation))
        self.mass_mean = mean + deviation * constant(z.mean)[18:]
        self.mass_deviation = deviation * constant(z.deviation)[18:]
        self.attention, self.network = Attention(encoder.network), Modulated(diffusion.network)
        self.linear, self.gains = (
            constant(w).float() for w in (encoder.linear.kernel, location_scale.gains)
        )
        self.reader, self.assignment, self.location_scale = (
            LinearAndMlp(one) for one in (encoder.reader, assigned.network, location_scale.network)
        )
        steps = range(diffusion.evaluations)
        self.times = [i / len(steps) for i in (*steps, len(steps))]
        angles = [math.atan2(time, 1.0 - time) for time in self.times]
        means = (_means(tf.constant(angles, tf.float64)[:, None], i)[:, 0].numpy().tolist() for i in steps)
        self.weights = [[(angles[i + 1] - angles[i]) * w for w in one] for i, one in enumerate(means)]

    def forward(self, z, noise):
        p, direction = partons(z)
        latent = self.latent(p)
        read = self.reader(latent)
        given = torch.cat([latent, torch.ones_like(latent[:, :1]), read], 1)
        read = read + self.assignment(given)[:, :18]
        given = torch.cat([given, read], 1)
        correction, log_scale = self.location_scale(given).chunk(2, 1)
        location = correction + self.gains * self.objects(*momenta_of(read), 5.0)
        log_scale = log_scale.clamp(-4.0, 1.0)
        scale, circular = log_scale.exp(), self.objects.circular

        def output(value, time):
            there = from_residual(value, location, scale, circular).clamp(-17.0, 17.0)
            plain = there.unflatten(1, (6, 3))[..., ::2].flatten(1)
            view = seen(self.objects.momenta(there), self.subsets)
            return self.network(torch.cat([value, plain, *view, log_scale], 1), time, given)

        # The last number of the noise would draw one of several orders.
        drawn = from_residual(self.integrate(noise[:, :18], output), location, scale, circular)
        return events(self.objects.momenta(drawn), direction)

    def latent(self, p):
        """Latents (n, 62) without the azimuth."""
        of_pt, eta, of_masses = lines(p, self.parton_scales)
        of_masses = ((of_masses - self.mass_mean) / self.mass_deviation).float()
        own, pairs = features(p), mass(p @ PAIRS).float().log1p() - 4.0
        direct = torch.cat([self.standardised(of_pt, eta), of_masses, own.flatten(1)], 1)
        return self.attention(torch.cat([own, pairs.unflatten(1, (6, 6))], 2)) + direct @ self.linear

    def integrate(self, value, output):
        """Adams steps over the angle between noise and data, of values of unit variance."""
        slopes = []
        for time, weights in zip(self.times, self.weights, strict=False):
            size = math.hypot(time, 1.0 - time)
            velocity = output(size * value, torch.full_like(value[:, :1], time))
            slopes = [(1.0 - 2.0 * time) * value + size * velocity, *slopes][:3]
            value = value + sum(w * slope for w, slope in zip(weights, slopes, strict=False))
        return value
