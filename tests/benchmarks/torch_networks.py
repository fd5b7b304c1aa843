"""Networks of mizoo in plain PyTorch, with the weights of trained models: peers for benchmarks."""

import math

import keras
import torch
from torch import nn

from mizoo.mappers.coupling import _LEAST_BIN, _LEAST_SLOPE
from mizoo.networks.attention import SelfAttention, TypeEmbedding


def of_kind(network, kind):
    """Layers in the order in which they were made, which Keras counts in their names."""

    def number(layer):
        last = layer.name.rpartition("_")[2]
        return int(last) if last.isdigit() else 0

    return sorted((layer for layer in network.layers if isinstance(layer, kind)), key=number)


def dense(layer):
    """A dense layer of Keras as one of PyTorch."""
    kernel, bias = map(torch.tensor, layer.get_weights())
    made = nn.Linear(*kernel.shape)
    made.weight.data, made.bias.data = kernel.T.contiguous(), bias
    return made


def norm(layer):
    """A layer normalisation of Keras as one of PyTorch."""
    made = nn.LayerNorm(layer.gamma.shape[0], eps=layer.epsilon)
    made.weight.data, made.bias.data = map(torch.tensor, layer.get_weights())
    return made


class Original(nn.Module):
    """Turbo-Sim's decoder: standardised, noise added, dense layers, back to GeV."""

    def __init__(self, model, role):
        super().__init__()
        source, target = ("x", "z") if role == "encoder" else ("z", "x")
        self.source, self.target = (
            [torch.tensor(w.numpy()) for w in (r.mean, r.deviation)]
            for r in (model.representations[source], model.representations[target])
        )
        self.layers = nn.ModuleList(map(dense, of_kind(model.mappers[role].network, keras.layers.Dense)))

    def forward(self, given, noise):
        value = (given - self.source[0]) / self.source[1] + 0.05 * noise
        for layer in self.layers[:-1]:
            value = torch.relu(layer(value))
        return self.layers[-1](value) * self.target[1] + self.target[0]


class Residual(nn.Module):
    """`mizoo.mappers.StochasticResidual` of dense networks, in its own coordinates."""

    def __init__(self, mapper):
        super().__init__()
        self.normal = nn.ModuleList(map(dense, mapper.noise_network.layers))
        self.layers = nn.ModuleList(map(dense, mapper.network.layers))

    def forward(self, given, noise):
        mean, log_deviation = self.run(self.normal, given).chunk(2, -1)
        distribution = mean + log_deviation.clamp(-7.0, 7.0).exp() * noise
        return given + self.run(self.layers, torch.cat([given, distribution], -1))

    @staticmethod
    def run(layers, value):
        for layer in layers[:-1]:
            value = torch.relu(layer(value))
        return layers[-1](value)


class Attention(nn.Module):
    """`mizoo.networks.attention`, of 2 blocks and 4 heads."""

    def __init__(self, network):
        super().__init__()
        self.types = torch.tensor(of_kind(network, TypeEmbedding)[0].vectors.numpy())
        first, *inner, joined, last = map(dense, of_kind(network, keras.layers.Dense))
        self.first, self.inner, self.joined, self.last = first, nn.ModuleList(inner), joined, last
        self.norms = nn.ModuleList(map(norm, of_kind(network, keras.layers.LayerNormalization)))
        self.heads = nn.ModuleList(
            nn.ModuleList(map(dense, (one.projection, one.output_projection)))
            for one in of_kind(network, SelfAttention)
        )

    def forward(self, tokens):
        tokens = self.first(tokens) + self.types
        for i, (projection, output) in enumerate(self.heads):
            parts = projection(self.norms[2 * i](tokens)).chunk(3, -1)
            q, k, v = (part.unflatten(-1, (4, -1)).transpose(1, 2) for part in parts)
            seen = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
            tokens = tokens + output(seen)
            seen = nn.functional.silu(self.inner[2 * i](self.norms[2 * i + 1](tokens)))
            tokens = tokens + self.inner[2 * i + 1](seen)
        joined = self.norms[-1](tokens).flatten(1)
        return self.last(nn.functional.silu(self.joined(joined)))


class Modulated(nn.Module):
    """`mizoo.networks.modulated`."""

    def __init__(self, network):
        super().__init__()
        # Clock, signal, features, then scale, shift and two layers a block, and the last one.
        self.dense = nn.ModuleList(map(dense, of_kind(network, keras.layers.Dense)))
        self.blocks = (len(self.dense) - 4) // 4

    def forward(self, value, time, given):
        frequencies = torch.logspace(0.3, 3.0, 16)
        angles = time * frequencies
        silu, parts = nn.functional.silu, list(self.dense)
        clock = silu(parts[0](torch.cat([angles.cos(), angles.sin()], -1)))
        signal = silu(parts[1](torch.cat([clock, given], -1)))
        features = parts[2](torch.cat([value, given], -1))
        for i in range(self.blocks):
            scale, shift, inner, outer = parts[3 + 4 * i : 7 + 4 * i]
            normal = nn.functional.layer_norm(features, features.shape[-1:], eps=1e-3)
            features = features + outer(silu(inner(normal + normal * scale(signal) + shift(signal))))
        return parts[-1](silu(features))


class LinearAndMlp(nn.Module):
    """`mizoo.networks.linear_and_mlp`."""

    def __init__(self, network):
        super().__init__()
        (inner,) = of_kind(network, keras.Sequential)
        (direct,) = of_kind(network, keras.layers.Dense)
        self.inner = nn.ModuleList(map(dense, inner.layers))
        kernel = torch.tensor(direct.kernel.numpy())
        self.direct = nn.Linear(*kernel.shape, bias=False)
        self.direct.weight.data = kernel.T.contiguous()

    def forward(self, given):
        value = given
        for layer in self.inner[:-1]:
            value = nn.functional.silu(layer(value))
        return self.inner[-1](value) + self.direct(given)


class Gandalf(nn.Module):
    """Tokens to latent, what is read off it, and Adams's steps of the denoising network."""

    def __init__(self, transcoder):
        super().__init__()
        assigned = transcoder.decoder.mapper
        diffusion = assigned.mapper.mapper
        self.encoder = Attention(transcoder.encoder.network)
        self.reader, self.assignment, self.standard = (
            LinearAndMlp(one)
            for one in (transcoder.encoder.reader, assigned.network, assigned.mapper.network)
        )
        self.network = Modulated(diffusion.network)
        self.steps, self.size = diffusion.evaluations, diffusion.shape[0]
        self.input_dim = diffusion.network.inputs[0].shape[1] - self.size
        self.momenta = 3 * assigned.representation.physical_shape[0] // 4

    def forward(self, tokens, noise):
        latent = self.encoder(tokens)
        given = torch.cat([latent, torch.ones_like(latent[:, :1]), self.reader(latent)], -1)
        given = torch.cat([given, self.assignment(given)[:, : self.momenta]], -1)
        location, log_scale = self.standard(given).chunk(2, -1)
        value, before, h = noise, [], 1.0 / self.steps
        seen = noise.new_zeros(len(noise), self.input_dim)
        for i in range(self.steps):
            time = torch.full_like(latent[:, :1], i * h)
            before = [self.network(torch.cat([value, seen], -1), time, given), *before][:3]
            mean = ([1.0], [1.5, -0.5], [23 / 12, -16 / 12, 5 / 12])[len(before) - 1]
            value = value + h * sum(w * v for w, v in zip(mean, before, strict=True))
        return location + log_scale.exp() * value


class Splines(nn.Module):
    """`mizoo.mappers.Flow`, from the features of its context, in the flow's own coordinates."""

    def __init__(self, flow):
        super().__init__()
        self.context = nn.ModuleList(map(dense, of_kind(flow.context, keras.layers.Dense)))
        self.couplings = nn.ModuleList(map(Coupling, flow.chain))
        self.angular, self.bound = torch.tensor(flow._angular), flow.bound
        self.unit = torch.tensor(flow.unit)

    def forward(self, seen, noise):
        first, second, last = self.context
        silu = nn.functional.silu
        context = last(silu(second(silu(first(seen)))))
        values = torch.where(self.angular, self.bound * torch.erf(noise / math.sqrt(2.0)), noise)
        for coupling in self.couplings:
            values = coupling(values, context)
        return values * self.unit


class Coupling(nn.Module):
    """`mizoo.mappers.coupling.SplineCoupling`, with the bin of a spline looked up."""

    def __init__(self, coupling):
        super().__init__()
        self.first, self.second = map(dense, coupling.hidden)
        self.knots = dense(coupling.knots)
        self.order = torch.tensor(coupling._order)
        self.back = torch.argsort(self.order)
        self.angular = torch.isin(self.order, torch.tensor(coupling.angles, dtype=self.order.dtype))
        self.bins, self.bound = coupling.bins, coupling.bound

    def forward(self, values, context):
        half = values.shape[1] // 2
        kept, bent = values[:, self.order].split([half, values.shape[1] - half], -1)
        angles, angular = kept * (math.pi / self.bound), self.angular[:half]
        seen = [torch.where(angular, angles.cos(), kept), torch.where(angular, angles.sin(), 0.0), context]
        first = nn.functional.silu(self.first(torch.cat(seen, -1)))
        knots = self.knots(first + nn.functional.silu(self.second(first)))
        bent = self.bend(bent, knots.unflatten(-1, (bent.shape[1], -1)))
        return torch.cat([kept, bent], -1)[:, self.back]

    def bend(self, values, knots):
        widths, heights, slopes, turn = knots.split([self.bins, self.bins, self.bins - 1, 1], -1)
        free = 2.0 * self.bound - self.bins * _LEAST_BIN
        widths, heights = (k.softmax(-1) * free + _LEAST_BIN for k in (widths, heights))
        x, y = (nn.functional.pad(k.cumsum(-1), (1, 0)) - self.bound for k in (widths, heights))
        slopes = nn.functional.softplus(slopes + math.log(math.expm1(1.0 - _LEAST_SLOPE))) + _LEAST_SLOPE
        slopes = nn.functional.pad(slopes, (1, 1), value=1.0)
        place = torch.searchsorted(x[..., 1:].contiguous(), values[..., None].contiguous(), right=True)
        place = place.clamp(max=self.bins - 1)
        left, bottom, width, height, before = (
            k.gather(-1, place)[..., 0] for k in (x, y, widths, heights, slopes)
        )
        after = slopes.gather(-1, place + 1)[..., 0]
        share, chord = (values - left) / width, height / width
        rest = 1.0 - share
        below = chord + (before + after - 2.0 * chord) * share * rest
        bent = bottom + height * share * (chord * share + before * rest) / below
        bent = torch.where((values >= -self.bound) & (values < x[..., -1]), bent, values)
        turned = torch.remainder(bent + self.bound * turn[..., 0] + self.bound, 2.0 * self.bound)
        return torch.where(self.angular[-values.shape[1] :], turned - self.bound, bent)
