"""Generated events held against true ones."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.progress import track
from sklearn.decomposition import PCA

from mizoo.datasets.events import Events
from mizoo.datasets.samples import Samples
from mizoo.evaluation.distances import ks, ks_floor, wasserstein
from mizoo.evaluation.observables import observables
from mizoo.evaluation.published import CELLS, PUBLISHED

# Space of each stream: whose truth it is compared with.
SPACES = {"z_tilde": "z", "x_tilde": "x", "x_hat": "x", "z_hat": "z"}
_CHUNK = 5000
_PRINCIPAL = 10


@dataclass(frozen=True)
class Report:
    """What `evaluate` found.

    Attributes:
        name: of the model.
        table: one row for each stream and observable: `space`, KS distance `ks`, Wasserstein-1
            distance `wasserstein` in the observable's unit (GeV for events), two-sample 95 % `floor` of
            the KS distance, and `paper`, whether it is one of the ten published cells.
        truth: the true data by space.
        streams: the generated data by stream.
    """

    name: str
    table: pd.DataFrame
    truth: Samples
    streams: dict[str, np.ndarray]

    @property
    def cells(self) -> pd.DataFrame:
        """The paper's ten cells, KS × 100, NaN where the model has not the stream.

        Rows are this model, both papers, doing nothing, and the floor.

        Raises:
            ValueError: if the data are not pairs of tt̄ events.
        """
        if not _has_cells(self.truth):
            raise ValueError("the paper's cells are of pairs of events")
        floor = 100.0 * ks_floor(len(self.truth), len(self.truth))
        rows = {
            self.name: _cells({space: self.streams.get(f"{space}_tilde") for space in "zx"}, self.truth),
            **PUBLISHED,
            "doing nothing": _cells({"z": self.truth.x, "x": self.truth.z}, self.truth),
            "95 % floor": [floor] * len(CELLS),
        }
        return pd.DataFrame(rows, index=[observable for _, observable in CELLS]).T

    @property
    def worst(self) -> pd.DataFrame:
        """Mean and largest KS × 100 of each stream, the observable of the largest, and the floor."""
        rows = {}
        for stream, table in self.table.groupby("stream", sort=False):
            rows[stream] = {
                "mean": 100.0 * table["ks"].mean(),
                "largest": 100.0 * table["ks"].max(),
                "of": table["ks"].droplevel("stream").idxmax(),
                "floor": 100.0 * table["floor"].iloc[0],
            }
        return pd.DataFrame.from_dict(rows, orient="index")

    def summary(self) -> dict:
        """Figures of merit as plain data."""
        cells = self.cells.round(3).to_dict(orient="index") if _has_cells(self.truth) else {}
        return {
            "name": self.name,
            "events": len(self.truth),
            "given": list(self.truth.arrays()),
            "cells": {
                row: {name: None if value != value else value for name, value in values.items()}
                for row, values in cells.items()
            },
            "worst": self.worst.round(3).to_dict(orient="index"),
            "table": [
                {**row, "ks": round(row["ks"], 6), "wasserstein": round(row["wasserstein"], 5)}
                for row in self.table.reset_index().to_dict(orient="records")
            ],
        }

    def save(self, directory) -> None:
        """Write `metrics.json`, `table.csv` and, of events, the figures under `directory/figures`."""
        from mizoo.evaluation.figures import draw

        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.table.to_csv(directory / "table.csv")
        (directory / "metrics.json").write_text(json.dumps(self.summary(), indent=1) + "\n")
        if isinstance(self.truth, Events):
            draw(self, directory / "figures")


def evaluate(model, data: Samples, name: str | None = None, seed: int | None = None) -> Report:
    """Hold what a model makes against the truth, observable by observable.

    Of pairs that is what `encode` and `decode` make of the data and then of one another's draws; of x
    alone, what `sample` draws and `reconstruct` makes of x. What a model has not is left out. Observables
    of vectors are their components, those of images the first principal components of the true ones.

    Args:
        model: a `Turbo`, a `Pretrained`, or anything with `encode` and `decode` in physical units.
        data: never used for training or choices if the figures are to be quoted.
        name: of the model in tables; its own by default.
        seed: for figures that can be repeated; the model's methods must take it.

    Raises:
        ValueError: if nothing can be compared, or a generated value is not finite.
    """
    streams = _streams(model, data, seed)
    if not streams:
        raise ValueError("nothing to compare: the model makes neither x nor z from these data")
    table = pd.concat([compare(data, drawn, stream) for stream, drawn in streams.items()])
    return Report(name or str(getattr(model, "name", "model")), table, data, streams)


def compare(data: Samples, model, stream) -> pd.DataFrame:
    """Distances of generated from true data of a stream's space, a row for each observable."""
    space = SPACES[stream]
    truth = data[space]
    true, made = (_observables(data, space, values) for values in (truth, model))
    cells = set(CELLS) if stream.endswith("tilde") and _has_cells(data) else set()
    rows = {
        (stream, name): {
            "space": space,
            "ks": ks(true[name], made[name]),
            "wasserstein": wasserstein(true[name], made[name]),
            "floor": ks_floor(len(truth), len(model)),
            "paper": (space, name) in cells,
        }
        for name in true
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["stream", "observable"])


def _streams(model, data, seed):
    """What the model makes of the data, by stream."""
    can = getattr(model, "endpoints", ("encode", "decode"))
    methods = {
        "z_tilde": ("encode", "x", "unfold"),
        "x_tilde": ("decode", "z", "simulate"),
        "x_hat": ("decode", "z_tilde", "close x"),
        "z_hat": ("encode", "x_tilde", "close z"),
    }
    if data.x is None or data.z is None:
        methods = {"x_tilde": ("sample", "count", "sample"), "x_hat": ("reconstruct", "x", "close x")}
    made = {**data.arrays(), "count": np.arange(len(data))}
    for i, (stream, (method, source, what)) in enumerate(methods.items()):
        if method in can and source in made:
            draw = getattr(model, method)
            draw = _for_rows(draw) if method == "sample" else draw
            made[stream] = in_chunks(draw, made[source], what, seed=None if seed is None else [seed, i])
    return {stream: made[stream] for stream in methods if stream in made}


def _for_rows(sample):
    """`sample` as a function of rows, of which it draws as many."""
    return lambda rows, **seed: sample(len(rows), **seed)


def _observables(data, space, values):
    """Named observables of true or generated values of a space."""
    if isinstance(data, Events):
        return observables(values, space, data.process)
    rows, truth = (np.reshape(array, (len(array), -1)) for array in (values, data[space]))
    if np.ndim(values) == 2:
        return {f"{space}{i}": column for i, column in enumerate(rows.T)}
    # Pixels are mostly black in truth, to the bit, which no network gives: KS distances would be 1.
    components = PCA(min(_PRINCIPAL, *truth.shape), random_state=0).fit(truth).transform(rows)
    return {f"principal component {i + 1}": column for i, column in enumerate(components.T)}


def _has_cells(data):
    return isinstance(data, Events) and data.x is not None and data.z is not None


def _cells(samples, truth):
    true = {space: observables(truth[space], space) for space in "zx"}
    made = {space: observables(sample, space) for space, sample in samples.items() if sample is not None}
    return [
        100.0 * ks(true[space][name], made[space][name]) if space in made else float("nan")
        for space, name in CELLS
    ]


def in_chunks(function, events, what, chunk=_CHUNK, seed=None):
    """Apply a model's `encode` or `decode` to events of any number.

    Args:
        what: name of the progress bar; None for none.
        seed: whole numbers from which that of each chunk follows; the function must take it.

    Raises:
        ValueError: if a value of the result is not finite, with event and column.
    """
    starts = range(0, len(events), chunk)
    if what is not None:
        starts = track(starts, description=f"{what:9}", transient=True)
    drawn = np.concatenate(
        [np.asarray(function(events[i : i + chunk], **seeded(seed, i // chunk))) for i in starts]
    )
    if not np.isfinite(drawn).all():
        event, column = np.argwhere(~np.isfinite(drawn.reshape(len(drawn), -1)))[0]
        raise ValueError(
            f"{what or 'draw'}: the model's draw is not finite in event {event}, column {column}"
        )
    return drawn


def seeded(seed, chunk):
    """The argument `seed` of a chunk's draws, if they are to be repeated."""
    if seed is None:
        return {}
    return {"seed": int(np.random.default_rng([*seed, chunk]).integers(2**62))}
