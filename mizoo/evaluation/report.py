"""Comparison of generated with true events."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from rich.progress import track
from sklearn.decomposition import PCA

from mizoo.datasets.events import Events
from mizoo.datasets.samples import Samples
from mizoo.datasets.weights import check_not_negative
from mizoo.evaluation.benchmark import Benchmark, benchmark_of
from mizoo.evaluation.classifier import classifier_test, features
from mizoo.evaluation.disagreement import FACTOR, Disagreement, disagreements, warn_of
from mizoo.evaluation.distances import DISTANCES, effective_sample_size, ks_threshold, thresholds
from mizoo.evaluation.figures.draw import draw
from mizoo.evaluation.image_features import Features
from mizoo.evaluation.image_scores import image_table
from mizoo.evaluation.joint import JOINT, joint_thresholds
from mizoo.evaluation.latent_paths import LatentPaths, latent_paths
from mizoo.evaluation.observables import existing, observables
from mizoo.evaluation.streams import Model, draw_streams
from mizoo.evaluation.text import latex, markdown
from mizoo.objectives import LINKS

_PRINCIPAL = 10


@dataclass(frozen=True)
class Report:
    """Comparison of generated with true data.

    Attributes:
        name: name of the model.
        table: one row per stream and observable. Columns are `space`; the KS distance `ks`; the
            Wasserstein-1 distance `wasserstein` in the observable's unit (GeV for events); the triangular
            discriminator `triangular`; `chi2` per degree of freedom; `threshold` for KS and `…_threshold`
            for the others, which two samples of the truth exceed in 5 % of cases; and `paper`, whether it
            is a cell of a published table.
        truth: true data by space.
        streams: generated data by stream.
        weights: weights of the generated events by stream, None for streams without.
        joint: one row per stream, on all observables together: root mean square difference of correlations,
            sliced Wasserstein distance and MMD of standardised observables, each with its threshold, and
            the AUC of a classifier with its error; None unless requested.
        images: one row per stream of images: Fréchet and kernel distance, precision, recall, density and
            coverage in features, and PSNR, SSIM and mean absolute error where rows belong to those of the
            truth, see `image_table`; None for other data.
        latent: latents of true images and interpolations, see `LatentPaths`; None for models without.
    """

    name: str
    table: pd.DataFrame
    truth: Samples
    streams: dict[str, np.ndarray]
    weights: dict[str, np.ndarray | None] = field(default_factory=dict)
    joint: pd.DataFrame | None = None
    images: pd.DataFrame | None = None
    latent: LatentPaths | None = None

    @property
    def benchmark(self) -> Benchmark | None:
        """The published table to compare the report with; None if there is none for its data."""
        return _benchmark(self.truth)

    @property
    def cells(self) -> pd.DataFrame:
        """The cells of the published table, KS × 100; NaN if the model lacks the stream.

        Rows are this model, the papers, identity, and the threshold.

        Raises:
            ValueError: if the data are not pairs of events of a process with a published table.
        """
        if (known := self.benchmark) is None:
            raise ValueError("cells need pairs of events of a process with a published table")
        own = [self.table["ks"].get((f"{space}_tilde", name), float("nan")) for space, name in known.cells]
        rows = {
            self.name: [100.0 * value for value in own],
            **known.published,
            "identity": _unchanged(cast(Events, self.truth), known),
            "95 % threshold": [100.0 * float(self.table["threshold"].iloc[0])] * len(known.cells),
        }
        return pd.DataFrame(rows, index=[observable for _, observable in known.cells]).T

    def disagreements(self, factor: float = FACTOR) -> list[Disagreement]:
        """Observables whose KS distance is more than `factor` thresholds, see `disagreements`."""
        return disagreements(self.table, self.truth, self.streams, factor)

    @property
    def summary(self) -> pd.DataFrame:
        """Mean and largest KS × 100 of each stream, the observable of the largest, and the threshold."""
        rows = {}
        for stream, table in self.table.groupby("stream", sort=False):
            rows[stream] = {
                "mean": 100.0 * table["ks"].mean(),
                "largest": 100.0 * table["ks"].max(),
                "of": table["ks"].droplevel("stream").idxmax(),
                "threshold": 100.0 * table["threshold"].iloc[0],
            }
        return pd.DataFrame.from_dict(rows, orient="index")

    def to_dict(self) -> dict[str, Any]:
        """Metrics as a JSON serialisable dictionary."""
        cells = {} if self.benchmark is None else self.cells.round(3).to_dict(orient="index")
        joint = {} if self.joint is None else self.joint.round(5).to_dict(orient="index")
        images = {} if self.images is None else self.images.round(5).to_dict(orient="index")
        return {
            "name": self.name,
            "events": len(self.truth),
            "given": list(self.truth.arrays()),
            "cells": {row: _without_nan(values) for row, values in cells.items()},
            "summary": self.summary.round(3).to_dict(orient="index"),
            "joint": {row: _without_nan(values) for row, values in joint.items()},
            "images": {row: _without_nan(values) for row, values in images.items()},
            "table": [
                {key: round(v, 6) if isinstance(v, float) else v for key, v in row.items()}
                for row in self.table.reset_index().to_dict(orient="records")
            ],
        }

    def save(self, directory: str | Path) -> None:
        """Write `metrics.json`, `table` as CSV, Markdown and LaTeX, and figures of events or images.

        Scores of images are in `images`, as CSV, Markdown and LaTeX.

        Figures are under `directory/figures`, as PNG and PDF.
        """
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "metrics.json").write_text(json.dumps(self.to_dict(), indent=1) + "\n")
        self.table.to_csv(directory / "table.csv")
        plain = self.table.drop(columns=["space", "paper"])
        (directory / "table.md").write_text(markdown(plain, 4))
        (directory / "table.tex").write_text(latex(plain, 4))
        if self.images is not None:
            self.images.to_csv(directory / "images.csv")
            (directory / "images.md").write_text(markdown(self.images, 4))
            (directory / "images.tex").write_text(latex(self.images, 4))
        if isinstance(self.truth, Events) or self.images is not None:
            draw(self, directory / "figures")


def evaluate(
    model: Model, data: Samples, name: str | None = None, seed: int | None = None, joint: bool = False,
    features: Features | None = None,
) -> Report:  # fmt: skip
    """Compare the output of a model with the truth, observable by observable.

    For pairs these are the results of `encode` and `decode` on the data and then on each other's draws; for
    x alone, those of `sample` and `reconstruct`. Methods that the model lacks are left out. Observables of
    vectors are their components, those of images the first principal components of the true images.
    Generated events have the weights of the data. A `DisagreementWarning` names the observables in which
    the model is far from the truth.

    Args:
        model: a `Turbo`, a `Pretrained`, or a user's own model with `name`, `endpoints` and the methods
            that these name, in physical units.
        data: true data; metrics to be quoted need data used neither for training nor for model selection.
        name: name of the model in tables; its own by default.
        seed: seed for reproducible results; the model's methods must accept it.
        joint: whether to compare all observables together as well, which takes a minute or more.
        features: features of images, by which `Report.images` compares them: a function, layer or model of
            Keras from images (n, H, W, C) in the units of the data to vectors; by default those of a small
            packaged classifier of digits, `DigitFeatures`.

    Raises:
        ValueError: if nothing can be compared, or a generated value is not finite; with `joint`, for a
            negative weight; for `features` without images.
    """
    streams = draw_streams(model, data, seed)
    name = name or model.name
    # Draws from the prior belong to no event, so they have no weights.
    free = {"x_tilde"} if data.z is None else set()
    weights = {stream: None if stream in free else data.weights for stream in streams}
    report = _report(name, data, streams, weights, joint, features, latent_paths(model, data))
    warn_of(report.disagreements(), name)
    return report


def compare(
    truth: Samples,
    made: Samples,
    name: str = "model",
    joint: bool = False,
    features: Features | None = None,
) -> Report:
    """Compare any data with the truth, such as those of another generator, version or selection.

    Args:
        truth, made: samples of the same observables, of any sizes, with or without weights.
        name: name of `made` in tables.
        joint, features: as in `evaluate`; the classifier needs samples of equal size.

    Raises:
        ValueError: if they have no space in common, or observables differ; with `joint`, for a negative
            weight.
    """
    own, others = truth.arrays(), made.arrays()
    common = [space for space in ("z", "x") if space in own and space in others]
    if not common:
        raise ValueError("the two samples have no space in common")
    for space in common:
        if own[space].shape[1:] != others[space].shape[1:]:
            shapes = " and ".join(str((*arrays[space].shape[1:],)) for arrays in (own, others))
            raise ValueError(f"events of {space} must have one shape, got {shapes}")
    streams = {f"{space}_tilde": others[space] for space in common}
    return _report(name, truth, streams, dict.fromkeys(streams, made.weights), joint, features, pairs=False)


def _report(
    name: str,
    truth: Samples,
    streams: dict[str, np.ndarray],
    weights: dict[str, np.ndarray | None],
    joint: bool,
    features: Features | None = None,
    latent: LatentPaths | None = None,
    pairs: bool = True,
) -> Report:
    for own in (truth.weights, *weights.values()):
        if joint and own is not None:
            check_not_negative(own, "the comparison of all observables together (joint)")
    own_thresholds: dict[tuple[str, str, int], dict[str, float]] = {}  # two streams of a space share them
    table = pd.concat(
        [_compared(truth, drawn, s, weights[s], own_thresholds) for s, drawn in streams.items()]
    )
    together = None
    if joint:
        lines = track(streams.items(), description="together ", transient=True)
        rows = {s: _jointly(truth, drawn, LINKS[s].target, weights[s]) for s, drawn in lines}
        together = pd.DataFrame.from_dict(rows, orient="index")
    images = image_table(truth, streams, features, pairs)
    if features is not None and images is None:
        raise ValueError("features are not used: no space has images (n, H, W, C)")
    return Report(name, table, truth, streams, weights, together, images, latent)


def _compared(
    data: Samples,
    drawn: np.ndarray,
    stream: str,
    weights: np.ndarray | None,
    own_thresholds: dict[tuple[str, str, int], dict[str, float]],
) -> pd.DataFrame:
    """Distances of generated from true data of a stream's space, one row per observable."""
    space = LINKS[stream].target
    true, made = (_observables(data, space, values) for values in (data.arrays()[space], drawn))
    known = _benchmark(data) if stream.endswith("tilde") else None
    rows = {}
    for name in true:
        own, own_weights = existing(true[name], data.weights)
        others, other_weights = existing(made[name], weights)
        if not len(own) or not len(others):
            continue  # objects that no event has
        if (key := (space, name, len(others))) not in own_thresholds:
            own_thresholds[key] = thresholds(own, len(others), own_weights)
        sizes = (
            effective_sample_size(len(own), own_weights),
            effective_sample_size(len(others), other_weights),
        )
        rows[stream, name] = {
            "space": space,
            **{k: d(own, others, own_weights, other_weights) for k, d in DISTANCES.items()},
            "threshold": ks_threshold(*sizes),
            **{f"{k}_threshold": own_thresholds[key][k] for k in DISTANCES if k != "ks"},
            "paper": known is not None and (space, name) in known.cells,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["stream", "observable"])


def _jointly(data: Samples, drawn: np.ndarray, space: str, weights: np.ndarray | None) -> dict[str, float]:
    """Distances of all observables together; see `Report.joint`."""
    true, made = (_columns(data, space, values) for values in (data.arrays()[space], drawn))
    own = joint_thresholds(true, len(made), data.weights)
    row = {}
    for name, distance in JOINT.items():
        row[name] = distance(true, made, data.weights, weights)
        row[f"{name} threshold"] = own[name]
    if len(true) == len(made):
        area = classifier_test(true, made, data.weights, weights)
        row |= {"AUC": area.value, "AUC error": area.error}
    return row


def _columns(data: Samples, space: str, values: np.ndarray) -> np.ndarray:
    if isinstance(data, Events):
        return features(values, space, data.process)
    return np.stack(list(_observables(data, space, values).values()), 1)


def _without_nan(values: Mapping[Any, Any]) -> dict[Any, Any]:
    return {name: value if np.isfinite(value) else None for name, value in values.items()}


def _observables(data: Samples, space: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """Named observables of true or generated values of a space."""
    if isinstance(data, Events):
        return observables(values, space, data.process)
    rows, truth = (np.reshape(array, (len(array), -1)) for array in (values, data.arrays()[space]))
    if np.ndim(values) == 2:
        return {f"{space}{i}": column for i, column in enumerate(rows.T)}
    # Most true pixels are exactly black, which no network reproduces: KS distances would be 1.
    components = PCA(min(_PRINCIPAL, *truth.shape), random_state=0).fit(truth).transform(rows)
    return {f"principal component {i + 1}": column for i, column in enumerate(components.T)}


def _benchmark(data: Samples) -> Benchmark | None:
    """The published table of pairs of events; None if there is none."""
    if not isinstance(data, Events) or data.x is None or data.z is None:
        return None
    return benchmark_of(data.process)


def _unchanged(truth: Events, known: Benchmark) -> list[float]:
    """The cells of the identity, which takes x for z and z for x."""
    own = truth.arrays()
    true, other = (
        {space: observables(events, space, truth.process) for space, events in both.items()}
        for both in ({"z": own["z"], "x": own["x"]}, {"z": own["x"], "x": own["z"]})
    )
    weights = truth.weights
    return [
        100.0 * DISTANCES["ks"](true[s][name], other[s][name], weights, weights) for s, name in known.cells
    ]
