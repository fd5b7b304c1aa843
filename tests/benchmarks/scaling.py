"""Weak scaling of training and of draws: one worker on one core, two workers on a core each.

    python tests/benchmarks/scaling.py training
    python tests/benchmarks/scaling.py draws --events 100000 --model turbosim-ttbar

`training` is that of Turbo-Sim's original configuration. Runs take turns. For two workers it also measures
the communication of a step: all-reduces of messages of the same sizes, without computations. `draws` are
those of `mizoo simulate --dask`, with so many events per worker, from reading the file to the written one,
by workers that have started and loaded the model. Each prints a table for docs/distributed.md.
"""

import argparse
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BATCHES = (100, 1000)  # events per worker
STEPS, TURNS = 60, 3


def measure(batch):
    """Seconds of a step, and of its messages alone, in this process."""
    import keras
    import tensorflow as tf

    import mizoo
    from mizoo.distribute import collectives

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(2)
    strategy = mizoo.distribute.resolve()
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = mizoo.presets.turbosim(original=True)
    model.steps_per_execution = 1
    times = []

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, step, logs=None):
            times.append(time.perf_counter())

    data = mizoo.datasets.ttbar().train
    batch *= strategy.num_replicas_in_sync
    model.fit(data, batch_size=batch, steps_per_epoch=STEPS, epochs=1, verbose=0, callbacks=[Clock()])
    step = statistics.median(b - a for a, b in itertools.pairwise(times[5:]))
    gradients = [tf.zeros(variable.shape) for variable in model.mapper_variables]
    critics = [tf.zeros(variable.shape) for variable in model.critic_variables]

    @tf.function(autograph=False)
    def messages():
        def talk():
            sums = [collectives.totals(message)[0] for message in (gradients, critics) if message]
            return tf.reduce_sum([tf.reduce_sum(s) for s in sums])

        return strategy.reduce("SUM", strategy.run(talk), axis=None)

    messages()
    start = time.perf_counter()
    for _ in range(STEPS):
        messages()
    return {"step": step, "messages": (time.perf_counter() - start) / STEPS}


def run(batch, workers):
    """Medians of a run by so many workers, each pinned to a core of its own."""
    cores = sorted(os.sched_getaffinity(0))
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(workers)]
    addresses = [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]
    for s in sockets:
        s.close()
    processes = []
    for index in range(workers):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        if workers > 1:
            environment["TF_CONFIG"] = json.dumps(config)
        processes.append(
            subprocess.Popen(
                [sys.executable, __file__, "training", "--child", str(batch)], env=environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                preexec_fn=lambda core=cores[index]: os.sched_setaffinity(0, {core}),
            )
        )  # fmt: skip
    texts = [process.communicate()[0] for process in processes]
    return json.loads(texts[0].splitlines()[-1])


def training():
    """The table of training."""
    print("| events a worker | one worker | two workers | efficiency | messages |")
    print("|---|---|---|---|---|")
    for batch in BATCHES:
        ones, twos, ratios = [], [], []
        for _ in range(TURNS):
            ones.append(run(batch, 1))
            twos.append(run(batch, 2))
            ratios.append(ones[-1]["step"] / twos[-1]["step"])
        one, two = (statistics.median(r["step"] for r in runs) for runs in (ones, twos))
        share = statistics.median(r["messages"] / r["step"] for r in twos)
        print(
            f"| {batch} | {1e3 * one:.1f} ms | {1e3 * two:.1f} ms | "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) | {share:.1%} |",
            flush=True,
        )


def simulated(model, source, workers, folder):
    """Seconds to simulate a file by so many processes of one thread each."""
    import distributed

    from mizoo.export.generate import generate

    with (
        distributed.LocalCluster(
            workers, threads_per_worker=1, dashboard_address=":0", env={"TF_NUM_INTRAOP_THREADS": "1"}
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        seconds = []
        for name in ("first.npz", "second.npz"):  # the first loads the model, and traces it
            start = time.perf_counter()
            generate(model, "decode", source, folder / name, seed=0, overwrite=True, dask=client)
            seconds.append(time.perf_counter() - start)
        return seconds[-1]


def draws(name, events, turns):
    """The table of draws."""
    import numpy as np

    import mizoo
    from mizoo.datasets import write

    model, z = mizoo.load(name), mizoo.datasets.ttbar().train.z
    print("| events a worker | one worker | two workers | efficiency | events per second |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for workers in (1, 2):
            many = np.resize(z, (workers * events, z.shape[1]))
            write(folder / f"{workers}.h5", {"z": many}, mizoo.processes.ttbar)
        times = [
            [simulated(model, folder / f"{workers}.h5", workers, folder) for workers in (1, 2)]
            for _ in range(turns)
        ]
    ones, twos = zip(*times, strict=True)
    one, two = statistics.median(ones), statistics.median(twos)
    ratios = [a / b for a, b in times]
    spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    print(f"| {events} | {one:.1f} s | {two:.1f} s | {spread} | {2 * events / two:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["training", "draws"])
    parser.add_argument("--model", default="turbosim-ttbar", help="of the draws")
    parser.add_argument("--events", type=int, default=100_000, help="drawn per worker")
    parser.add_argument("--turns", type=int, default=TURNS, help="of the draws")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(measure(args.child)))
    elif args.what == "training":
        training()
    else:
        draws(args.model, args.events, args.turns)


if __name__ == "__main__":
    main()
