"""Largest memory of `mizoo simulate` on ten million events: the packaged partons, repeated.

    python tests/benchmarks/memory.py --events 10000000

The command runs in a process of its own, whose peak is read when it is over.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet

import mizoo
from mizoo.datasets.write import writer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--model", default="otus-ttbar")
    args = parser.parse_args()
    z = mizoo.datasets.ttbar().train.z
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "partons.parquet"), Path(folder, "objects.parquet")
        with writer(source, mizoo.processes.ttbar) as append:
            for start in range(0, args.events, len(z)):
                append({"z": z[: args.events - start]})
        begin = time.perf_counter()
        command = [
            sys.executable,
            "-m",
            "mizoo",
            "simulate",
            args.model,
            source,
            "--out",
            out,
            "--seed",
            "0",
        ]
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - begin
        count = pyarrow.parquet.ParquetFile(out).metadata.num_rows
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"{count} events in {seconds:.0f} s with {args.model}; largest memory {peak:.2f} GiB")
    assert count == args.events


if __name__ == "__main__":
    main()
