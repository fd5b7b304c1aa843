"""Generated events held against true ones."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.progress import track

from mizoo.datasets.events import Events
from mizoo.evaluation.distances import ks, ks_floor, wasserstein
from mizoo.evaluation.observables import observables
from mizoo.evaluation.published import CELLS, PUBLISHED

# Space of each stream: whose truth it is compared with.
SPACES = {"z_tilde": "z", "x_tilde": "x", "x_hat": "x", "z_hat": "z"}
_CHUNK = 5000


@dataclass(frozen=True)
class Report:
    """What `evaluate` found.

    Attributes:
        name: of the model.
        table: one row for each stream and observable: `space`, KS distance `ks`, Wasserstein-1
            distance `wasserstein` in GeV, two-sample 95 % `floor` of the KS distance, and `paper`,
            whether it is one of the ten published cells.
        truth: the true events by space.
        streams: the generated events by stream.
    """

    name: str
    table: pd.DataFrame
    truth: Events
    streams: dict[str, np.ndarray]

    @property
    def cells(self) -> pd.DataFrame:
        """The ten cells of the paper, KS × 100: this model, both papers, doing nothing, the floor."""
        ours = _cells({space: self.streams[f"{space}_tilde"] for space in "zx"}, self.truth)
        nothing = _cells({"z": self.truth.x, "x": self.truth.z}, self.truth)
        floor = 100.0 * ks_floor(len(self.truth), len(self.streams["z_tilde"]))
        rows = {
            self.name: ours,
            **PUBLISHED,
            "doing nothing": nothing,
            "95 % floor": [floor] * len(CELLS),
        }
        return pd.DataFrame(rows, index=[observable for _, observable in CELLS]).T

    def summary(self) -> dict:
        """Figures of merit as plain data."""
        return {
            "name": self.name,
            "events": len(self.truth),
            "cells": self.cells.round(3).to_dict(orient="index"),
            "table": [
                {**row, "ks": round(row["ks"], 6), "wasserstein": round(row["wasserstein"], 5)}
                for row in self.table.reset_index().to_dict(orient="records")
            ],
        }

    def save(self, directory) -> None:
        """Write `metrics.json`, `table.csv` and the figures under `directory/figures`."""
        from mizoo.evaluation.figures import draw

        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.table.to_csv(directory / "table.csv")
        (directory / "metrics.json").write_text(json.dumps(self.summary(), indent=1) + "\n")
        draw(self, directory / "figures")


def evaluate(model, data: Events, name: str | None = None) -> Report:
    """Hold a model's four streams against the truth in every observable.

    Args:
        model: anything with `encode` and `decode` in physical units.
        data: paired events, never used for training or choices if the figures are to be quoted.
        name: of the model in tables; its own by default.

    Raises:
        ValueError: if events are not paired, or a generated value is not finite.
    """
    if data.x is None or data.z is None:
        raise ValueError("evaluation needs pairs: events with x and z")
    z_tilde = in_chunks(model.encode, data.x, "unfold")
    x_tilde = in_chunks(model.decode, data.z, "simulate")
    streams = {
        "z_tilde": z_tilde,
        "x_tilde": x_tilde,
        "x_hat": in_chunks(model.decode, z_tilde, "close x"),
        "z_hat": in_chunks(model.encode, x_tilde, "close z"),
    }
    table = pd.concat([compare(data[SPACES[s]], e, s) for s, e in streams.items()])
    return Report(name or str(getattr(model, "name", "model")), table, data, streams)


def compare(truth, model, stream) -> pd.DataFrame:
    """Distances between two samples of events of a stream's space, a row for each observable."""
    space = SPACES[stream]
    true, made = observables(truth, space), observables(model, space)
    cells = set(CELLS) if stream.endswith("tilde") else set()
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


def _cells(samples, truth):
    true = {space: observables(truth[space], space) for space in "zx"}
    made = {space: observables(sample, space) for space, sample in samples.items()}
    return [100.0 * ks(true[space][name], made[space][name]) for space, name in CELLS]


def in_chunks(function, events, what, chunk=_CHUNK):
    """Apply a model's `encode` or `decode` to events of any number, with a progress bar named `what`.

    Raises:
        ValueError: if a value of the result is not finite, with event and column.
    """
    starts = track(range(0, len(events), chunk), description=f"{what:9}", transient=True)
    drawn = np.concatenate([np.asarray(function(events[i : i + chunk])) for i in starts])
    if not np.isfinite(drawn).all():
        event, column = np.argwhere(~np.isfinite(drawn))[0]
        raise ValueError(f"{what}: the model's draw is not finite in event {event}, column {column}")
    return drawn
