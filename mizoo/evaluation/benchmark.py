"""Published tables that models are compared with."""

from typing import NamedTuple

from mizoo.physics import library
from mizoo.physics.process import Process


class Benchmark(NamedTuple):
    """A published table of Kolmogorov-Smirnov distances.

    Attributes:
        process: name of the process in `mizoo.processes`.
        columns: description of the columns.
        cells: space and observable of each column.
        published: KS distances × 100 of each column, by model.
    """

    process: str
    columns: str
    cells: tuple[tuple[str, str], ...]
    published: dict[str, tuple[float, ...]]


TOP_PAIRS = Benchmark(
    "ttbar",
    # arXiv 2112.10629, table 1.
    "b quark unfolded, leading jet simulated, masses of simulated events",
    (
        ("z", "py_b"),
        ("z", "pz_b"),
        ("z", "E_b"),
        ("x", "py_jet1"),
        ("x", "pz_jet1"),
        ("x", "E_jet1"),
        ("x", "m_tt"),
        ("x", "m_w_had"),
        ("x", "m_t_lep"),
        ("x", "m_t_had"),
    ),
    {
        "Turbo-Sim (paper)": (5.28, 7.28, 3.96, 2.89, 10.3, 4.43, 2.97, 7.72, 5.20, 8.52),
        "OTUS (paper)": (1.59, 1.23, 2.76, 3.78, 2.39, 5.75, 15.8, 11.7, 14.1, 24.9),
    },
)
_ALL = (TOP_PAIRS,)


def benchmark_of(process: Process) -> Benchmark | None:
    """The benchmark of a process, if there is one."""
    return next((one for one in _ALL if process == library.get(one.process)), None)
