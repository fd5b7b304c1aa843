"""Events per second of trained models: SavedModel, ONNX Runtime and Keras, beside plain PyTorch.

    python tests/benchmarks/inference_speed.py --out docs/studies

Contenders take turns in one process; medians of the turns. PyTorch has the networks alone, with the same
weights (that its outputs are the same is checked first): of `turbosim-original-ttbar` that is the whole
model; of `gandalf-ttbar` attention, latent and all evaluations of the denoising network, but neither the
coordinates of the events, nor what the network sees of them, nor the assignment of jets. Shares are of the
rate of a product of two matrices of 2048 x 2048, counting the multiplications of the dense layers alone.
Needs `pip install torch` and then `pip uninstall triton`, which does not bear TensorFlow in its process.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pandas as pd
import tensorflow as tf
import torch
from torch import nn

import mizoo
from mizoo.evaluation.text import markdown
from mizoo.networks.attention import TypeEmbedding

MODELS = ("gandalf", "turbosim", "turbosim-original", "flow", "otus")  # others are dense, as otus is
OBJECTS = 6


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


class Attention(nn.Module):
    """`mizoo.networks.attention`, of 2 blocks and 4 heads."""

    def __init__(self, network):
        super().__init__()
        self.types = torch.tensor(of_kind(network, TypeEmbedding)[0].vectors.numpy())
        first, *inner, joined, last = map(dense, of_kind(network, keras.layers.Dense))
        self.first, self.inner, self.joined, self.last = first, nn.ModuleList(inner), joined, last
        self.norms = nn.ModuleList(map(norm, of_kind(network, keras.layers.LayerNormalization)))
        self.heads = nn.ModuleList(map(self.attend, of_kind(network, keras.layers.MultiHeadAttention)))

    @staticmethod
    def attend(layer):
        made = nn.Module()
        weights = {w.path.split("/")[-2] + "/" + w.name: torch.tensor(w.numpy()) for w in layer.weights}
        for part in ("query", "key", "value"):
            kernel = weights[f"{part}/kernel"]
            linear = nn.Linear(kernel.shape[0], kernel.shape[1] * kernel.shape[2])
            linear.weight.data = kernel.reshape(kernel.shape[0], -1).T.contiguous()
            linear.bias.data = weights[f"{part}/bias"].reshape(-1)
            made.add_module(part, linear)
        kernel = weights["attention_output/kernel"]
        out = nn.Linear(kernel.shape[0] * kernel.shape[1], kernel.shape[2])
        out.weight.data = kernel.reshape(-1, kernel.shape[2]).T.contiguous()
        out.bias.data = weights["attention_output/bias"]
        made.add_module("out", out)
        return made

    def forward(self, tokens):
        tokens = self.first(tokens) + self.types
        for i, heads in enumerate(self.heads):
            seen = self.norms[2 * i](tokens)
            q, k, v = (
                part(seen).unflatten(-1, (4, -1)).transpose(1, 2)
                for part in (heads.query, heads.key, heads.value)
            )
            seen = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
            tokens = tokens + heads.out(seen)
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


class Gandalf(nn.Module):
    """Tokens to latent, and Adams's steps of the denoising network."""

    def __init__(self, mapper):
        super().__init__()
        transcoder = mapper.mapper.mapper
        self.encoder = Attention(transcoder.encoder.layers[-1])
        self.network = Modulated(transcoder.decoder.network)
        self.steps, self.size = transcoder.decoder.evaluations, transcoder.decoder.shape[0]
        self.seen = transcoder.decoder.network.inputs[0].shape[1] - self.size

    def forward(self, tokens, noise):
        latent = self.encoder(tokens)
        given = torch.cat([latent, torch.ones_like(latent[:, :1])], -1)
        value, before, h = noise, [], 1.0 / self.steps
        seen = noise.new_zeros(len(noise), self.seen)
        for i in range(self.steps):
            time = torch.full_like(latent[:, :1], i * h)
            before = [self.network(torch.cat([value, seen], -1), time, given), *before][:3]
            mean = ([1.0], [1.5, -0.5], [23 / 12, -16 / 12, 5 / 12])[len(before) - 1]
            value = value + h * sum(w * v for w, v in zip(mean, before, strict=True))
        return value


def check(model):
    """That PyTorch's networks are those of Keras."""
    random = np.random.default_rng(0)
    transcoder = model.decoder.mapper.mapper
    tokens = random.normal(size=(64, OBJECTS, 10)).astype("float32")
    ours = transcoder.encoder.layers[-1](tokens).numpy()
    np.testing.assert_allclose(
        Attention(transcoder.encoder.layers[-1])(torch.tensor(tokens)).detach(), ours, atol=1e-4
    )
    network = transcoder.decoder.network
    inputs = [random.normal(size=(64, i.shape[1])).astype("float32") for i in network.inputs]
    inputs[1] = random.random((64, 1)).astype("float32")
    ours = network(inputs).numpy()
    made = Modulated(network)(*map(torch.tensor, inputs)).detach()
    np.testing.assert_allclose(made, ours, atol=1e-3)


def multiplications(mapper):
    """Of the dense layers, for one draw of one event."""
    total = 0
    for layer in mapper._flatten_layers():
        if not isinstance(layer, keras.layers.Dense | keras.layers.EinsumDense):
            continue
        times, path = 1, layer.kernel.path
        if "attention" in path and layer.kernel.shape[0] != 6 * 64 and "joined" not in path:
            times = OBJECTS
        if "modulated" in path:
            times = 8
        total += times * int(np.prod(layer.kernel.shape))
    return total


def load(name):
    """A model in its forms: SavedModel, Keras, and functions of Keras traced once for all batches."""
    loaded = mizoo.load(f"{name}-ttbar")
    model = loaded.trainable()
    shapes = {"encode": model.x_representation, "decode": model.z_representation}
    traced = {
        method: tf.function(
            getattr(model, method), input_signature=[tf.TensorSpec((None, *space.physical_shape))]
        )
        for method, space in shapes.items()
    }
    return loaded, model, traced


def contenders(name, loaded, model, traced, data, rows):
    """Functions that draw from `rows` events, by direction and contender; and multiplications an event."""
    found, work = {}, {}
    for role, method, source in (("decoder", "decode", "z"), ("encoder", "encode", "x")):
        if method not in loaded.endpoints:
            continue
        given = np.resize(data[source], (rows, *data[source].shape[1:]))
        width = model.noise_shape(role)
        session = onnxruntime.InferenceSession(loaded.path / f"{method}.onnx")
        random = np.random.default_rng(0)

        def onnx(given=given, session=session, width=width, source=source, random=random):
            noise = {} if width is None else {"noise": random.standard_normal((rows, *width), "float32")}
            return session.run(None, {source: given, **noise})[0]

        saved, compiled = getattr(loaded, method), traced[method]
        runs = {
            "SavedModel": lambda f=saved, given=given: f(given).numpy(),
            "ONNX Runtime": onnx,
            "Keras": lambda f=compiled, given=given: f(given).numpy(),
        }
        if name == "turbosim-original":
            runs |= torch_runs(Original(model, role), torch.tensor(given), (24,))
        if name == "gandalf":
            mapper = model.mappers[role]
            runs |= torch_runs(Gandalf(mapper), torch.randn(rows, OBJECTS, 10), (mapper.shape[0],))
        found[method], work[method] = runs, multiplications(model.mappers[role])
    return found, work


def torch_runs(network, given, noise):
    compiled = torch.compile(network)

    def run(network):
        with torch.inference_mode():
            return network(given, torch.randn(len(given), *noise)).numpy()

    return {"PyTorch": lambda: run(network), "PyTorch, compiled": lambda: run(compiled)}


def rate(run, rows, seconds):
    """Events per second of one turn."""
    count, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds or not count:
        run()
        count += 1
    return rows * count / max(spent, 1e-9)


def peak(seconds=1.0):
    """Multiplications per second of a product of large matrices."""
    a, b = tf.random.normal((2, 2048, 2048))
    tf.matmul(a, b)
    return rate(lambda: tf.matmul(a, b).numpy(), 2048**3, seconds)


def fill(lines):
    """Write the table of docs/benchmark.md."""
    sys.path.append(str(Path(__file__).parents[1] / "studies"))
    import page

    frame = pd.DataFrame(lines)
    index = [f"{row.model}: {row.method}, {row.batch} events" for row in frame.itertuples()]
    numbers = frame.drop(columns=["model", "method", "batch"]).set_axis(index)
    share = numbers.pop("share of peak")
    text = numbers.map(lambda v: "–" if v != v else f"{v:,.0f}".replace(",", " "))
    page.fill("inference", markdown(text.assign(**{"share of peak": share.map("{:.2f}".format)})))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="of a turn")
    args = parser.parse_args()
    data, lines = mizoo.datasets.ttbar().validation, []
    check(mizoo.load("gandalf-ttbar").trainable())
    for name in args.models:
        forms = load(name)
        for rows in args.batch_sizes:
            methods, work = contenders(name, *forms, data, rows)
            for method, runs in methods.items():
                for run in runs.values():
                    run()  # tracing, compilation, warm caches
                turns = [
                    [rate(run, rows, args.seconds) for run in runs.values()] for _ in range(args.turns)
                ]
                limit = peak()
                medians = dict(zip(runs, map(statistics.median, zip(*turns, strict=True)), strict=True))
                best = max(v for k, v in medians.items() if not k.startswith("PyTorch"))
                line = {"model": name, "method": method, "batch": rows}
                line |= {key: round(value) for key, value in medians.items()}
                line["share of peak"] = round(best * work[method] / limit, 4)
                lines.append(line)
                print(line, flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "inference.json").write_text(json.dumps({"rows": lines}, indent=1) + "\n")
    fill(lines)


if __name__ == "__main__":
    main()
