"""Cost of a training epoch against the number of events, and of components of an event.

    python tests/benchmarks/training_cost.py --out docs/studies

Events are the packaged ones of tt̄, repeated to a Parquet file of so many, which `mizoo.datasets.batches`
streams. Components are those of x and of z, in memory. Each row is measured by a process of its own: the
seconds per step and per epoch without the first step, which compiles, and the largest memory of the
process, TensorFlow included. Rows of `training_cost.json` in `--out` are kept, so that an interrupted run
continues where it ended; remove the file to measure them again. Writes `training_cost.png`, too.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EVENTS = (10_000, 30_000, 100_000, 300_000, 1_000_000)
COMPONENTS = (8, 32, 128, 512)


def parquet(path, count):
    """Write so many pairs of tt̄; the packaged ones are repeated."""
    import mizoo
    from mizoo.datasets.write import writer

    data = mizoo.datasets.ttbar().train
    with writer(path, mizoo.processes.ttbar) as append:
        for start in range(0, count, len(data)):
            append({space: array[: count - start] for space, array in data.arrays().items()})


def measure(preset, axis, size, batch, folder, steps):
    """The row of a training, measured in this process.

    Args:
        axis: "events", for an epoch over so many, or "components", for `steps` steps on events of so many.
    """
    import keras
    import numpy as np

    import mizoo
    from mizoo.presets import PRESETS

    keras.utils.set_random_seed(0)
    if axis == "events":
        parquet(path := Path(folder, "events.parquet"), size)
        model, steps = PRESETS[preset].factory(), size // batch
        model.adapt(next(mizoo.datasets.stream(path)))
        data = {"x": mizoo.datasets.batches(path, batch_size=batch).repeat(), "steps_per_epoch": steps}
    else:
        model = PRESETS[preset].factory(x=(size,), z=(size,))
        z = np.random.default_rng(0).standard_normal((steps * batch, size), "float32")
        pairs = mizoo.datasets.Samples(x=z + 0.1, z=z)
        model.adapt(pairs)
        data = {"x": pairs, "batch_size": batch}
    model.steps_per_execution = 1
    times = []

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, step, logs=None):
            times.append(time.perf_counter())

    model.fit(**data, epochs=1, verbose=0, callbacks=[Clock()])
    step = (times[-1] - times[0]) / (len(times) - 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # Linux counts in KiB
    return {"steps": len(times), "step": step, "epoch": step * len(times), "peak": peak}


def row_of(preset, axis, size, batch, steps):
    """The row of a training, measured by another process."""
    with tempfile.TemporaryDirectory() as folder:
        words = [preset, axis, size, batch, folder, steps]
        shown = subprocess.run(
            [sys.executable, __file__, "--child", json.dumps(words)],
            stdout=subprocess.PIPE, text=True, check=True,
        ).stdout  # fmt: skip
    key = {"preset": preset, "axis": axis, "size": size, "batch": batch}
    return {**key, **json.loads(shown.splitlines()[-1])}


def draw(rows, path):
    """The figure: seconds of a step, or an epoch, and memory, against events and components."""
    import matplotlib.pyplot as plt

    panels = (("events", "epoch", "seconds of an epoch"), ("components", "step", "seconds of a step"))
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for panel, (axis, quantity, label) in zip(axes, panels, strict=True):
        found = sorted((row["size"], row[quantity], row["peak"]) for row in rows if row["axis"] == axis)
        sizes, seconds, peaks = zip(*found, strict=True) if found else ((), (), ())
        panel.loglog(sizes, seconds, "o-")
        panel.set(xlabel=axis, ylabel=label)
        memory = panel.twinx()
        memory.semilogx(sizes, peaks, "s--", color="C1")
        memory.set(ylabel="largest memory in GiB (dashed)", ylim=(0.0, None))
    figure.savefig(path, dpi=80)
    plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--preset", default="cyclegan", help="one that takes a process, or shapes")
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--events", type=int, nargs="*", default=list(EVENTS))
    parser.add_argument("--components", type=int, nargs="*", default=list(COMPONENTS))
    parser.add_argument("--steps", type=int, default=50, help="of trainings on components")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(measure(*json.loads(args.child))))
        return
    from profile_step import machine

    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "training_cost.json"
    content = json.loads(path.read_text()) if path.is_file() else {"machine": machine(), "rows": []}
    if content["machine"] != machine():
        parser.error(f"{path} is of another machine, {content['machine']}: choose another --out")
    rows = content["rows"]
    done = {(row["preset"], row["axis"], row["size"], row["batch"]) for row in rows}
    for axis in ("events", "components"):
        for size in getattr(args, axis):
            if (args.preset, axis, size, args.batch) not in done:
                rows.append(row_of(args.preset, axis, size, args.batch, args.steps))
                print(rows[-1], flush=True)
                path.write_text(json.dumps(content, indent=1) + "\n")
    draw(
        [row for row in rows if (row["preset"], row["batch"]) == (args.preset, args.batch)],
        path.with_suffix(".png"),
    )


if __name__ == "__main__":
    main()
