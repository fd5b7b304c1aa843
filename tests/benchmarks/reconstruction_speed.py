"""Time to reconstruct the masses of a million events, beside a plain loop over events.

python tests/benchmarks/reconstruction_speed.py
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from mizoo import datasets
from mizoo.physics import reconstruct

sys.path.insert(0, str(Path(__file__).parents[1]))
from test_physics import by_a_plain_loop  # the reference of the agreement test


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    data = datasets.ttbar().test
    x = data.x
    many = np.resize(x, (1_000_000, 24))
    vectorised = seconds(lambda: reconstruct(many, data.process))
    loop = seconds(lambda: [by_a_plain_loop(event) for event in x[:1000]]) * 1000
    print(
        f"a million events: {vectorised:.2f} s; by a plain loop {loop:.0f} s (from 1000); "
        f"ratio {loop / vectorised:.0f}"
    )


if __name__ == "__main__":
    main()
