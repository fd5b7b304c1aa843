"""Events per second of trained models: SavedModel, ONNX Runtime and Keras, beside plain PyTorch.

    python tests/benchmarks/inference_speed.py --out docs/studies

Contenders take turns in one process, and medians of the turns are reported. PyTorch has the same weights
and, as checked first, the same outputs. "PyTorch, whole" is all that `decode` of `gandalf-ttbar` and
`turbosim-ttbar` computes, from four-momenta to four-momenta. "PyTorch" is the networks alone: for
`turbosim-original-ttbar` they are the whole model; for `gandalf-ttbar` attention, latent, the networks that
read it and all evaluations of the denoising network, without the coordinates of the events and the features
for the network; for `flow-ttbar`, `turbosim-ttbar` and `otus-ttbar` the mapper in its coordinates, without
its features. With `--former`, the SavedModel `gandalf-ttbar` of version 0.1.0 is a contender, too.

Fractions are of the rate of a product of two matrices of 2048 x 2048, counting only the multiplications of
dense layers. Needs `pip install torch` and then `pip uninstall triton`, which cannot share a process with
TensorFlow.
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
import torch_models
from torch_networks import (
    Attention,
    Gandalf,
    LinearAndMlp,
    Modulated,
    Original,
    Residual,
    Splines,
    of_kind,
)

import mizoo
from mizoo.evaluation.text import markdown

MODELS = ("gandalf", "turbosim", "turbosim-original", "flow", "otus")  # others are dense, as otus is
WHOLE = {"gandalf": torch_models.Gandalf, "turbosim": torch_models.Turbosim}
OBJECTS = 6
FORMER = "SavedModel, 0.1.0"
SHARES = ["share of peak", "PyTorch's share"]  # of the fastest of ours, and of eager PyTorch


def check(model, flow, otus):
    """Check that PyTorch's networks agree with those of Keras."""
    random = np.random.default_rng(0)
    given, noise = (random.normal(size=(64, n)).astype("float32") for n in (18, otus.decoder.noises))
    made = Residual(otus.decoder)(torch.tensor(given), torch.tensor(noise)).detach()
    np.testing.assert_allclose(made, otus.decoder(given, noise), atol=1e-4)
    for mapper in map(innermost, (flow.encoder, flow.decoder)):
        seen = random.normal(size=(64, mapper.context.layers[0].kernel.shape[0])).astype("float32")
        noise = random.normal(size=(64, *mapper.shape)).astype("float32")
        values = mapper.base(noise)
        for coupling in mapper.chain:
            values, _ = coupling(values, mapper.context(seen))
        made = Splines(mapper)(torch.tensor(seen), torch.tensor(noise)).detach()
        np.testing.assert_allclose(made, values * mapper.unit, atol=1e-3)
    encoder, assigned = model.decoder.encoder, model.decoder.decoder.mapper
    for network, peer in (
        (encoder.network, Attention),
        (encoder.reader, LinearAndMlp),
        (assigned.network, LinearAndMlp),
        (assigned.mapper.network, LinearAndMlp),
    ):
        given = random.normal(size=(64, *network.input_shape[1:])).astype("float32")
        made = peer(network)(torch.tensor(given)).detach()
        np.testing.assert_allclose(made, network(given), rtol=1e-3, atol=1e-3)
    network = assigned.mapper.mapper.network
    inputs = [random.normal(size=(64, i.shape[1])).astype("float32") for i in network.inputs]
    inputs[1] = random.random((64, 1)).astype("float32")
    ours = network(inputs).numpy()
    made = Modulated(network)(*map(torch.tensor, inputs)).detach()
    np.testing.assert_allclose(made, ours, atol=1e-3)


def check_models(gandalf, turbosim, data):
    """Check that whole models of PyTorch make the same events of the same noise."""
    z = data["z"][:2000]
    for model, peer in ((gandalf, torch_models.Gandalf), (turbosim, torch_models.Turbosim)):
        shape = (len(z), *model.noise_shape("decoder"))
        noise = np.random.default_rng(0).standard_normal(shape, "float32")
        ours = model.decode(z, noise=noise).numpy()
        with torch.inference_mode():
            gap = np.abs(peer(model)(torch.tensor(z), torch.tensor(noise)).numpy() - ours)
        # A few events may differ, such as in the order of jets.
        same = (gap < 0.01 * np.abs(ours) + 0.05).all(1).mean()
        assert np.median(gap) < 0.01, f"{model.name}: median difference {np.median(gap):.3g} GeV"
        assert same > 0.99, f"{model.name}: {same:.2%} of events are the same"


def innermost(mapper):
    """The mapper that others wrap, each as its `mapper`."""
    return innermost(mapper.mapper) if hasattr(mapper, "mapper") else mapper


def multiplications(name, mapper):
    """Multiplications of the dense layers for one draw of one event."""
    if name != "gandalf":
        return weights(mapper)
    attention, assigned = mapper.encoder.network, mapper.decoder.mapper
    diffusion = assigned.mapper.mapper
    joined = sum(map(weights, of_kind(attention, keras.layers.Dense)[-2:]))  # the others see one object
    once = (mapper.encoder.reader, assigned.network, assigned.mapper.network)
    return (
        OBJECTS * (weights(attention) - joined)
        + joined
        + sum(map(weights, once))
        + diffusion.evaluations * weights(diffusion.network)
    )


def weights(layer):
    """Number of weights of all dense layers inside, without biases."""
    dense = keras.layers.Dense | keras.layers.EinsumDense
    return sum(int(np.prod(one.kernel.shape)) for one in layer._flatten_layers() if isinstance(one, dense))


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


def contenders(name, loaded, model, traced, data, rows, former=None):
    """Functions that draw from `rows` events, by direction and contender; and multiplications per event."""
    found, work = {}, {}
    session = onnxruntime.InferenceSession(loaded.path / "model.onnx")
    for role, method, source in (("decoder", "decode", "z"), ("encoder", "encode", "x")):
        if method not in loaded.endpoints:
            continue
        given = np.resize(data[source], (rows, *data[source].shape[1:]))
        width = model.noise_shape(role)
        random = np.random.default_rng(0)
        target = {"x": "z", "z": "x"}[source]

        def onnx(given=given, width=width, source=source, target=target, random=random):
            feeds = {source: given}
            if width is not None:
                feeds[f"{target}_noise"] = random.standard_normal((rows, *width), "float32")
            return session.run([f"{target}_tilde"], feeds)[0]

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
            tokens = torch.randn(rows, *mapper.encoder.network.input_shape[1:])
            runs |= torch_runs(Gandalf(mapper), tokens, mapper.shape)
            if (old := getattr(former, method, None)) is not None:
                runs[FORMER] = lambda f=old, given=given: f(given).numpy()
        if name in ("turbosim", "flow"):
            flow = innermost(model.mappers[role])
            seen = torch.randn(rows, flow.context.layers[0].kernel.shape[0])
            runs |= torch_runs(Splines(flow), seen, flow.shape)
        if name == "otus":
            mapper = model.mappers[role]
            runs |= torch_runs(Residual(mapper), torch.randn(rows, *mapper.shape), (mapper.noises,))
        if name in WHOLE and method == "decode":
            runs |= torch_runs(WHOLE[name](model), torch.tensor(given), width, "PyTorch, whole")
        found[method], work[method] = runs, multiplications(name, model.mappers[role])
    return found, work


def torch_runs(network, given, noise, name="PyTorch"):
    compiled = torch.compile(network)

    def run(network):
        with torch.inference_mode():
            return network(given, torch.randn(len(given), *noise)).numpy()

    return {name: lambda: run(network), f"{name}, compiled": lambda: run(compiled)}


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


def fill(lines, out):
    """Write the table of docs/benchmark.md."""
    sys.path.append(str(Path(__file__).parents[1] / "studies"))
    import page

    frame = pd.DataFrame(lines)
    index = [f"{row.model}: {row.method}, {row.batch} events" for row in frame.itertuples()]
    numbers = frame.drop(columns=["model", "method", "batch"]).set_axis(index)
    rates = numbers.drop(columns=SHARES).map(
        lambda rate: "–" if np.isnan(rate) else f"{rate:,.0f}".replace(",", " ")
    )
    page.fill("inference", markdown(rates.join(numbers[SHARES].map("{:.2f}".format))), "benchmark.md", out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--models", nargs="+", default=list(MODELS), help="others keep their rows")
    parser.add_argument("--former", type=Path, help="folder of gandalf-ttbar of version 0.1.0")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="of a turn")
    args = parser.parse_args()
    data, lines = mizoo.datasets.ttbar().validation, []
    checked = ("gandalf", "turbosim", "flow", "otus")
    gandalf, turbosim, flow, otus = (mizoo.load(f"{name}-ttbar").trainable() for name in checked)
    check(gandalf, flow, otus)
    check_models(gandalf, turbosim, data)
    former = args.former and tf.saved_model.load(args.former)
    for name in args.models:
        forms = load(name)
        for rows in args.batch_sizes:
            methods, work = contenders(name, *forms, data, rows, former)
            for method, runs in methods.items():
                for run in 2 * [*runs.values()]:
                    run()  # tracing, compilation, warm caches; PyTorch compiles twice for sizes that vary
                turns = [
                    [rate(run, rows, args.seconds) for run in runs.values()] for _ in range(args.turns)
                ]
                limit = peak()
                medians = dict(zip(runs, map(statistics.median, zip(*turns, strict=True)), strict=True))
                best = max(v for k, v in medians.items() if k != FORMER and not k.startswith("PyTorch"))
                line = {"model": name, "method": method, "batch": rows}
                line |= {key: round(value) for key, value in medians.items()}
                for column, found in zip(SHARES, (best, medians["PyTorch"]), strict=True):
                    line[column] = round(found * work[method] / limit, 4)
                lines.append(line)
                print(line, flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "inference.json"
    before = json.loads(path.read_text())["rows"] if path.is_file() else []
    lines += [line for line in before if line["model"] not in args.models]
    lines.sort(key=lambda line: MODELS.index(line["model"]))
    path.write_text(json.dumps({"rows": lines}, indent=1) + "\n")
    fill(lines, args.out)


if __name__ == "__main__":
    main()
