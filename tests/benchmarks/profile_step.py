"""Profile of one training step of the physics presets, and the fraction of the peak of matrix products.

    python tests/benchmarks/profile_step.py --out docs/studies
    python tests/benchmarks/profile_step.py --presets gandalf turbosim --batches 1000 4000 --parts

Each part is a separate function, traced for batches of one size, and its time is the least of several
calls; precisions and parts take turns. The sum of the parts is not the time of the step, which fuses and
overlaps operations. Rows of `profile.json` in `--out` that are not measured again are kept. On a machine
with AMX, run it once as it is, and once with `ONEDNN_MAX_CPU_ISA=AVX512_CORE` and another `--out`;
`--parts` without a value leaves the parts out.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import keras
import tensorflow as tf
from products import flops

from mizoo.model.precision import POLICIES, measure, policy_of
from mizoo.model.terminate_on_nan import step as take_step
from mizoo.objectives import Streams
from mizoo.physics import library
from mizoo.presets import PRESETS
from mizoo.presets.data import training_data

PRESETS_OF_EVENTS = ("flow", "turbosim", "gandalf", "otus", "cyclegan", "pix2pix")
PARTS = ("augmentation", "representation", "sampling", "forward", "backward", "critics", "optimiser")
ENDPOINTS = ("encode", "decode")
PEAK_SIZE = 512
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


class Part(NamedTuple):
    """A function to time, and the function whose time to subtract, if it repeats that first."""

    call: Callable
    less: str = ""


def parts(model, batch) -> dict[str, Part]:
    """The parts of a training step on a batch, and the endpoints, by name.

    `sampling` are the draws that the terms ask for, `forward` the terms without these, `backward` what
    their gradient takes beside, `optimiser` one step of the mappers' optimiser with clipping and averages.
    """
    layers = keras.tree.flatten(model.augmentation or [])
    drawn = [name for objective in model.active for name in objective.draws]

    def augmentation():
        augmented = batch
        for layer in layers:
            augmented = layer(augmented, training=True)
        return augmented

    augmented = augmentation()

    def representation():
        return {space: model.representations[space](values) for space, values in augmented.items()}

    coordinates = representation()

    def streams():
        made = Streams(model.mappers, coordinates, model.representations, training=True)
        return made, [made[name] for name in drawn]

    def loss():
        made, _ = streams()
        return sum(model.weight(o) * tf.cast(o.loss(made), tf.float32) for o in model.active)

    def gradients():
        with tf.GradientTape() as tape:
            total = loss()
        return tape.gradient(total, model.mapper_variables)

    def critics():
        made, _ = streams()
        with tf.GradientTape() as tape:
            total = sum(o.critic_loss(made) for o in model.active if o.critic_variables)
        return take_step(
            model.critic_optimizer, model.critic_variables, tape.gradient(total, model.critic_variables)
        )

    found = tf.function(gradients, autograph=False)()
    variables = [v for v, g in zip(model.mapper_variables, found, strict=True) if g is not None]
    found = [tf.convert_to_tensor(g) for g in found if g is not None]
    made = {
        "representation": Part(representation),
        "forward": Part(loss, "sampling" if drawn else ""),
        "backward": Part(gradients, "forward"),
        "optimiser": Part(lambda: (take_step(model.optimizer, variables, found), model._update_averages())),
    }
    if layers:
        made["augmentation"] = Part(augmentation)
    if drawn:
        made["sampling"] = Part(lambda: streams()[1])
    if any(o.critic_variables for o in model.active):
        made["critics"] = Part(critics, "sampling")
    for endpoint, space in (("encode", "x"), ("decode", "z")):
        if endpoint in model.endpoints:
            made[endpoint] = Part(partial(getattr(model, endpoint), batch[space]))
    return {
        name: part._replace(call=tf.function(part.call, autograph=False)) for name, part in made.items()
    }


class Step:
    """One training step of a preset as in `fit`, always on the same batch.

    Args:
        events: events of the batch of one replica.
        process: name of a process with packaged events; by default the preset's demonstration.
        strategy: strategy whose replicas train.
        jit_compile: whether XLA compiles the step; by default as Keras chooses.
        options: arguments of the preset.
    """

    def __init__(self, preset, events, precision, process=None, strategy=None, jit_compile=None, **options):
        keras.utils.set_random_seed(0)
        strategy = strategy or tf.distribute.get_strategy()
        data = PRESETS[preset].load_dataset().train
        if process is not None:
            split, given, _ = training_data(preset, process=library.get(process))
            data, options = split.train, {**given, **options}
        with strategy.scope(), policy_of(precision):
            self.model = PRESETS[preset].factory(**options)
        self.model.adapt(data)
        events *= strategy.num_replicas_in_sync
        self.batch = {space: tf.constant(values[:events]) for space, values in data.arrays().items()}
        if self.model.stages:
            self.model.enter(self.model.stages[0])
        self.model.steps_per_execution = 1
        if jit_compile is not None:
            self.model.jit_compile = jit_compile
        self.model.make_train_function()
        same = tf.data.Dataset.from_tensors(self.batch).repeat()
        if strategy.num_replicas_in_sync > 1:
            same = strategy.experimental_distribute_dataset(same)
        self.batches = iter(same)

    def __call__(self):
        return self.model.train_function(self.batches)

    def flops(self):
        """Operations of the matrix products of the step."""
        return flops(tf.function(self.model.train_step, autograph=False), self.batch)


def least(calls: dict[str, Callable], seconds: float) -> dict[str, float]:
    """Least seconds of each of several functions, which take turns for this time per function."""
    times = {name: timed(call) for name, call in calls.items()}  # traces and compiles
    times = {name: timed(call) for name, call in calls.items()}
    end = time.perf_counter() + seconds * len(calls)
    while time.perf_counter() < end:
        for name, call in calls.items():
            times[name] = min(times[name], timed(call))
    return times


def timed(call) -> float:
    """Seconds of a call whose results are waited for."""
    start = time.perf_counter()
    for tensor in tf.nest.flatten(call()):
        if tf.is_tensor(tensor):
            tensor.numpy()
    return time.perf_counter() - start


def product(precision: str) -> Callable:
    """The product of two matrices that are large enough to reach the peak, and small enough to be fast."""
    a, b = (tf.cast(tf.random.normal((PEAK_SIZE, PEAK_SIZE)), precision) for _ in range(2))
    return lambda: tf.matmul(a, b)[0, 0]


def profile(preset, events, precisions, of_parts, seconds) -> list[dict]:
    """Rows of a preset and a batch, one per precision, with parts for some of them: milliseconds, and
    operations of the matrix products of a step and of the machine's peak.
    """
    steps = {precision: Step(preset, events, precision) for precision in precisions}
    own = {precision: parts(steps[precision].model, steps[precision].batch) for precision in of_parts}
    operations = {precision: step.flops() for precision, step in steps.items()}
    calls = {(precision, "step"): step for precision, step in steps.items()}
    calls |= {(precision, "product"): product(precision) for precision in precisions}
    calls |= {(precision, name): part.call for precision in own for name, part in own[precision].items()}
    times = least(calls, seconds)
    rows = []
    for precision in precisions:
        row = {
            "preset": preset, "batch": events, "precision": precision,
            "GFLOP": round(operations[precision] / 1e9, 3),
            "peak": round(2e-9 * PEAK_SIZE**3 / times[precision, "product"], 1),
            "step": round(1e3 * times[precision, "step"], 2),
        }  # fmt: skip
        for name, part in own.get(precision, {}).items():
            of_part = times[precision, name] - times.get((precision, part.less), 0.0)
            row[name] = round(1e3 * max(of_part, 0.0), 2)
        rows.append(row)
    return rows


def machine() -> dict:
    """The machine of the measurement."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    known = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return {
        "processor": known.get("model name", "unknown"),
        "features": [flag for flag in FLAGS if flag in known.get("flags", "").split()],
        "cores": os.cpu_count(),
        "ONEDNN_MAX_CPU_ISA": os.environ.get("ONEDNN_MAX_CPU_ISA", ""),
        "devices": [device.name for device in tf.config.list_physical_devices("GPU")],
        "tensorflow": tf.__version__,
    }


def table(rows) -> tuple[list, list[list]]:
    """Header and lines, one for each preset and batch.

    The peak of a precision is the best rate of all rows, as other processes can only lower it.
    """
    peaks = {
        name: max((r["peak"] for r in rows if r["precision"] == name), default=0.0) for name in POLICIES
    }
    by = {(row["preset"], row["batch"], row["precision"]): row for row in rows}
    header = ["preset", "batch", *PARTS, "step", "share", "step, bfloat16", "share", "times", *ENDPOINTS]
    lines = []
    for preset, batch in dict.fromkeys(key[:2] for key in by):
        single, mixed = (by.get((preset, batch, precision), {}) for precision in POLICIES)
        line = [f"`{preset}`", batch, *(_ms(single.get(part)) for part in PARTS)]
        for row in (single, mixed):
            share = row["GFLOP"] / row["step"] * 1e3 / peaks[row["precision"]] if row else None
            line += [_ms(row.get("step")), _two(share)]
        ratio = single["step"] / mixed["step"] if single and mixed else None
        lines.append([*line, _two(ratio), *(_ms(single.get(name)) for name in ENDPOINTS)])
    return header, lines


def _ms(value):
    return "–" if value is None else f"{value:.0f}" if value >= 10.0 else f"{value:.1f}"


def _two(value):
    return "–" if value is None else f"{value:.2f}"


def with_former(path: Path, rows: list[dict]) -> dict:
    """Content of a file with new rows in place of those of the same preset, batch and precision.

    Raises:
        ValueError: if the rows of the file are of another machine.
    """
    former = json.loads(path.read_text()) if path.is_file() else {"machine": machine(), "rows": []}
    if former["machine"] != machine():
        raise ValueError(f"{path} is of another machine, {former['machine']}: choose another --out")
    own = {_key(row): row for row in [*former["rows"], *rows]}
    return {"machine": machine(), "rows": [own[key] for key in sorted(own)]}


def _key(row):
    return PRESETS_OF_EVENTS.index(row["preset"]), row["batch"], [*POLICIES].index(row["precision"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder of profile.json; also fills docs/performance.md")
    parser.add_argument("--presets", nargs="+", choices=PRESETS_OF_EVENTS, default=list(PRESETS_OF_EVENTS))
    parser.add_argument("--batches", type=int, nargs="+", default=[100, 1000, 4000])
    parser.add_argument("--precisions", nargs="+", choices=list(POLICIES), default=list(POLICIES))
    parser.add_argument(
        "--parts",
        nargs="*",
        choices=list(POLICIES),
        help="precisions whose parts are measured, by default the first; none for whole steps alone",
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="to repeat each function for")
    args = parser.parse_args()
    of_parts = args.precisions[:1] if args.parts is None else args.parts
    if not set(of_parts) <= set(args.precisions):
        parser.error("--parts has a precision that --precisions has not")
    sys.path.append(str(Path(__file__).parents[1] / "studies"))
    import page

    ratio = measure(min(max(args.batches), 1000))
    print(machine(), f"a layer in bfloat16: {ratio:.2f} times as fast", flush=True)
    rows = []
    for preset in args.presets:
        for events in args.batches:
            keras.backend.clear_session()
            rows += profile(preset, events, args.precisions, of_parts, args.seconds)
            for row in rows[-len(args.precisions) :]:
                print(row, flush=True)
            if args.out:
                args.out.mkdir(parents=True, exist_ok=True)
                path = args.out / "profile.json"
                content = with_former(path, rows)
                path.write_text(json.dumps(content, indent=1) + "\n")
                page.fill("profile", page.grid(*table(content["rows"])), "performance.md", args.out)
    print(page.grid(*table(rows)))


if __name__ == "__main__":
    main()
