"""Speed of the physics presets on GPUs, and their agreement with the CPU, within ten minutes.

    python tests/benchmarks/gpu.py --out gpu.json
    python tests/benchmarks/gpu.py --cpus 2 --small --presets pix2pix --out trial.json  # without a GPU

Measures training steps and events per second of whole steps as in `fit`, and events per second of
`decode` (simulate) and `encode` (unfold): in float32, TensorFloat-32 (TensorFlow's default for float32
where the GPU has it) and bfloat16, without and with XLA, on one GPU and on all under `MirroredStrategy`,
which has no XLA; each replica has `--batch` events. Parts of flows are compiled in either case.

Agreement is that of `decode` with the same weights and noise on CPU and GPU, in standard deviations of a
component, and of the losses of one step from the same seed. The CPU has no TensorFloat-32: it computes in
float32 there. `TOLERANCES` has the limits, for the largest difference in float32, and for that of 99 % of
the values in the others, as jets that swap places differ a lot. Latent spaces get draws of their prior.

The order is: agreement in the first precision; speed on one GPU without XLA; agreement in the others; speed
with XLA; speed on all GPUs; each in the order of `--precisions`, and of `--presets` within. What the time
does not suffice for is left out from the end, and named. A process of its own measures; a case that lasts
longer than `--limit` seconds, or ends the process, counts as failed.
"""

import argparse
import dataclasses
import functools
import json
import platform
import queue
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from profile_step import Step, machine, timed

import mizoo

sys.path.append(str(Path(__file__).parents[1] / "studies"))
import page

PRESETS_OF_PROCESSES = ("flow", "turbosim", "gandalf", "otus", "cyclegan", "pix2pix", "aae", "bibae")
# Precision of mizoo, and whether float32 products are rounded to TensorFloat-32.
PRECISIONS = {"float32": ("float32", False), "TF32": ("float32", True), "bfloat16": ("bfloat16", True)}
# Largest allowed differences of draws, in standard deviations, and of losses, relative.
TOLERANCES = {"float32": (1e-2, 1e-3), "TF32": (0.05, 0.01), "bfloat16": (0.25, 0.05)}
# Sizes to try the script with.
SMALL = {
    "flow": {"units": 8, "couplings": 2},
    "turbosim": {"units": 8, "couplings": 2},
    "gandalf": {"latent": 8, "width": 8, "units": 16, "blocks": 1, "evaluations": 4},
    "otus": {"projections": 10},
}
START = 60.0  # seconds that the process may take to start


@dataclasses.dataclass(frozen=True)
class Case:
    """One row of the results: agreement with the CPU, or speed on so many devices."""

    what: str  # "agreement" or "speed"
    preset: str
    precision: str
    xla: bool = False
    devices: int = 1

    def __str__(self):
        xla = " with XLA" if self.xla else ""
        return f"{self.what} of {self.preset} in {self.precision}{xla} on {self.devices}"


def plan(presets: Sequence[str], precisions: Sequence[str], devices: int) -> list[Case]:
    """All cases, in the order in which they are measured."""
    grid = [(preset, precision) for precision in precisions for preset in presets]
    agreements = [Case("agreement", *names) for names in grid]
    plain, compiled = ([Case("speed", *names, xla) for names in grid] for xla in (False, True))
    several = [Case("speed", *names, devices=devices) for names in grid if devices > 1]
    first = len(presets)
    return [*agreements[:first], *plain, *agreements[first:], *compiled, *several]


def names_of(kind: str) -> list[str]:
    """Names of the devices to measure."""
    return [device.name.removeprefix("/device:") for device in tf.config.list_logical_devices(kind)]


def measure(case: Case, devices: Sequence[str], args: argparse.Namespace) -> dict:
    """The row of a case, measured in this process."""
    keras.backend.clear_session()
    precision, tf32 = PRECISIONS[case.precision]
    tf.config.experimental.enable_tensor_float_32_execution(tf32)
    options = {"process": args.process, **(SMALL.get(case.preset, {}) if args.small else {})}
    measured = agreement if case.what == "agreement" else speed
    return {**dataclasses.asdict(case), **measured(case, devices, precision, args, options)}


def speed(case, devices, precision, args, options) -> dict:
    """Training steps and events per second, and events per second of the endpoints."""
    several = mirrored(tuple(devices)) if case.devices > 1 else None
    with tf.device(devices[0]) if several is None else several.scope():
        step = Step(case.preset, args.batch, precision, strategy=several, jit_compile=case.xla, **options)
        seconds = median(step, args.seconds)
        row = {"steps": 1.0 / seconds, "events": case.devices * args.batch / seconds}
        for endpoint, space in (("decode", "z"), ("encode", "x")):
            if endpoint in step.model.endpoints:
                draw = drawing(step, endpoint, space, args.draws, several, case.xla)
                row[endpoint] = case.devices * args.draws / median(draw, args.seconds)
    return row


@functools.cache
def mirrored(devices) -> tf.distribute.MirroredStrategy:
    """The strategy of these devices; a second one in a process would mistake the messages of the first."""
    return tf.distribute.MirroredStrategy(devices)


def given(step, space, count) -> np.ndarray:
    """So many events of a space, from the batch, or normal ones for a latent space."""
    if space in step.batch:
        return np.resize(step.batch[space].numpy(), (count, *step.batch[space].shape[1:]))
    shape = {"x": step.model.x_representation, "z": step.model.z_representation}[space].physical_shape
    return np.random.default_rng(0).standard_normal((count, *shape)).astype("float32")


def drawing(step, endpoint, space, count, strategy, xla):
    """A function that draws for so many events on each replica."""
    events, method = tf.constant(given(step, space, count)), getattr(step.model, endpoint)

    @tf.function(jit_compile=xla, autograph=False)
    def draw():
        return method(events)

    if strategy is None:
        return draw
    return tf.function(lambda: strategy.experimental_local_results(strategy.run(draw)), autograph=False)


def median(call, seconds) -> float:
    """Median of the seconds of calls, without the first two, which trace and compile."""
    timed(call), timed(call)
    times, end = [timed(call)], time.perf_counter() + seconds
    while time.perf_counter() < end:
        times.append(timed(call))
    return statistics.median(times)


def agreement(case, devices, precision, args, options) -> dict:
    """Differences of draws and losses between the CPU and a device."""
    draws, losses, weights, noise = [], [], None, None
    for device in ("CPU:0", devices[0]):
        with tf.device(device):
            step = Step(case.preset, args.batch, precision, jit_compile=False, **options)
            weights = weights or step.model.get_weights()
            step.model.set_weights(weights)
            events, shape = given(step, "z", args.batch), step.model.noise_shape("decoder")
            if noise is None and shape is not None:
                noise = np.random.default_rng(1).standard_normal((args.batch, *shape)).astype("float32")
            draws.append(np.asarray(step.model.decode(events, noise=noise, seed=None if shape else 1)))
            logs = tf.function(step.model.train_step, autograph=False)(step.batch)
            losses.append({name: float(value) for name, value in logs.items()})
    return compared(case.precision, *draws, *losses)


def compared(precision, draws, others, losses, other_losses) -> dict:
    """Differences of draws (n, …) and of losses by name, and whether they are within the tolerance."""
    gaps = np.abs(draws - others) / np.maximum(draws.std(0), 1e-6)
    largest, most = float(gaps.max()), float(np.quantile(gaps, 0.99))
    relative = {
        name: abs(value - other_losses[name]) / max(abs(value), 1.0) for name, value in losses.items()
    }
    of_draws, of_losses = TOLERANCES[precision]
    decisive = largest if precision == "float32" else most
    farthest = max(relative, key=relative.get)
    # Written so that NaN does not agree.
    agrees = bool(decisive <= of_draws and all(gap <= of_losses for gap in relative.values()))
    return {
        "largest": largest, "99 %": most, "loss": relative[farthest], "loss of": farthest, "agrees": agrees,
    }  # fmt: skip


def collect(cases: Sequence[Case], command: Sequence[str], budget: float, limit: float) -> Iterator[dict]:
    """Rows of cases, measured by processes of a command that takes the cases as JSON and prints the rows.

    A case that takes longer than the limit, or ends the process, gives a row with `failed`, and another
    process goes on with the next; so it does if a process ends by itself after some rows. Nothing lasts
    longer than the budget, in seconds; cases that it does not suffice for give no row.
    """
    end, left = time.monotonic() + budget, list(cases)
    while left:
        words = [*command, json.dumps([dataclasses.asdict(case) for case in left])]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        lines: queue.Queue[str | None] = queue.Queue()
        reader = threading.Thread(target=forward, args=(process.stdout, lines), daemon=True)
        reader.start()
        patience = START + limit
        try:
            while left:
                rest = end - time.monotonic()
                try:
                    line = lines.get(timeout=max(0.0, min(rest, patience)))
                    failed = "the process ended"
                except queue.Empty:
                    if rest <= patience:
                        return
                    line, failed = None, f"took longer than {limit:.0f} s"
                if line is not None:
                    del left[0]
                    yield json.loads(line)
                    patience = limit
                    continue
                if failed.startswith("took") or process.wait() != 0 or patience > limit:
                    yield {**dataclasses.asdict(left.pop(0)), "failed": failed}
                break
        finally:
            process.kill()
            process.wait()
            reader.join()
            process.stdout.close()


def forward(stream, lines) -> None:
    """Pass the lines of a stream on, and None at its end."""
    for line in stream:
        lines.put(line)
    lines.put(None)


def child(cases: Sequence[Case], args: argparse.Namespace) -> None:
    """Measure cases and print their rows."""
    if args.cpus:
        parts = [tf.config.LogicalDeviceConfiguration()] * (args.cpus + 1)
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    devices = names_of("CPU")[1:] if args.cpus else names_of("GPU")
    for case in cases:
        try:
            row = measure(case, devices, args)
        except Exception as error:  # of TensorFlow, any
            row = {
                **dataclasses.asdict(case),
                "failed": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}",
            }
        print(json.dumps(row), flush=True)
        if "failed" in row:
            return  # after replicas that failed, only a new process recovers


def driver() -> list[str]:
    """Name, driver and memory of each GPU, as nvidia-smi knows them; empty without it."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout.splitlines()
    except (OSError, subprocess.TimeoutExpired):
        return []


def description() -> dict:
    """The machine, its driver, and versions."""
    build = tf.sysconfig.get_build_info()
    return {
        **machine(), "name": platform.node(), "gpus": driver(), "python": platform.python_version(),
        "keras": keras.__version__, "mizoo": mizoo.__version__,
        "cuda": build.get("cuda_version", ""), "cudnn": build.get("cudnn_version", ""),
    }  # fmt: skip


def tables(rows: Sequence[dict]) -> str:
    """Two Markdown tables: speed, and agreement with the CPU."""
    speeds, agreements = [], []
    for row in rows:
        names = [f"`{row['preset']}`", row["precision"]]
        failed = row.get("failed")
        if row["what"] == "speed":
            names += ["yes" if row["xla"] else "no", row["devices"]]
            numbers = [f"{row[key]:.3g}" if key in row else "–" for key in SPEEDS]
            speeds.append([*names, *([failed, *"–––"] if failed else numbers)])
        else:
            numbers = [] if failed else [f"{row[key]:.1g}" for key in ("largest", "99 %", "loss")]
            numbers += [] if failed else ["yes" if row["agrees"] else f"no ({row['loss of']})"]
            agreements.append([*names, *([failed, *"–––"] if failed else numbers)])
    header = ["preset", "precision", "XLA", "GPUs", *SPEEDS.values()]
    made = page.grid(header, speeds)
    header = ["preset", "precision", "largest difference", "of 99 %", "of a loss", "agrees"]
    return f"{made}\n{page.grid(header, agreements)}"


SPEEDS = {
    "steps": "steps per second", "events": "events per second", "decode": "simulated per second",
    "encode": "unfolded per second",
}  # fmt: skip


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    made.add_argument("--out", type=Path, default=Path("gpu.json"))
    made.add_argument("--process", default="ttbar", help="a process with packaged events")
    made.add_argument("--presets", nargs="+", choices=PRESETS_OF_PROCESSES, default=PRESETS_OF_PROCESSES)
    made.add_argument("--precisions", nargs="+", choices=list(PRECISIONS), default=list(PRECISIONS))
    made.add_argument("--batch", type=int, default=1000, help="events of a step, per device")
    made.add_argument("--draws", type=int, default=10_000, help="events drawn at once, per device")
    made.add_argument("--seconds", type=float, default=0.5, help="to repeat each function for")
    made.add_argument("--budget", type=float, default=570.0, help="seconds for everything")
    made.add_argument("--limit", type=float, default=90.0, help="seconds for one case")
    made.add_argument("--cpus", type=int, default=0, help="parts of the CPU to use in place of GPUs")
    made.add_argument("--small", action="store_true", help="small networks, to try the script")
    made.add_argument("--child", help=argparse.SUPPRESS)
    return made


def main() -> int:
    args = parser().parse_args()
    if args.child:
        child([Case(**case) for case in json.loads(args.child)], args)
        return 0
    start = time.monotonic()
    devices = args.cpus or len(tf.config.list_physical_devices("GPU"))
    if not devices:
        sys.exit("TensorFlow lists no GPU: `--cpus 2 --small` tries the script without one")
    cases = plan(args.presets, args.precisions, devices)
    content = {"machine": description(), "process": args.process, "batch": args.batch, "draws": args.draws}
    rows, left = [], [str(case) for case in cases]
    command = [sys.executable, __file__, *sys.argv[1:], "--child"]
    for row in collect(cases, command, args.budget - (time.monotonic() - start), args.limit):
        rows.append(row)
        left.pop(0)
        print(row, flush=True)
        args.out.write_text(json.dumps({**content, "rows": rows, "left out": left}, indent=1) + "\n")
    print(f"\n{tables(rows)}\nleft out for want of time: {', '.join(left) or 'nothing'}")
    return int(not all(row.get("agrees", True) for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
