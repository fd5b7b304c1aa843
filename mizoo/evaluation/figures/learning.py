"""Learning curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from mizoo.evaluation.figures.style import style, subplots

_FEW = 20  # epochs, up to which they are points


def learning_curves(log: str | Path | pd.DataFrame | Mapping[str, Sequence[float]]) -> Figure:
    """Curves of every term over the epochs of a training, on training and on validation data.

    Args:
        log: path of the `metrics.csv` of a run, or a DataFrame or the `history` of `fit` with such columns.

    Raises:
        ValueError: if it has no terms.
    """
    frame = pd.read_csv(log) if isinstance(log, str | Path) else pd.DataFrame(log)
    terms = [c for c in frame.columns if c not in ("epoch", "seconds") and not c.startswith("val_")]
    terms += [name for name in ("val_ks", "val_frechet") if name in frame]
    if len(terms) == 0:
        raise ValueError(f"no terms to draw, only {', '.join(map(str, frame.columns)) or 'nothing'}")
    marker = "o" if len(frame) < _FEW else None  # a line of one point would be nothing
    epochs = frame.get("epoch", pd.Series(range(len(frame))))
    columns = min(4, len(terms))
    lines = -(-len(terms) // columns)
    with style():
        figure, axes = subplots(lines, columns, figsize=(8 * columns, 6 * lines))
        for ax, term in zip(axes.flat, terms, strict=False):
            if not term.startswith("val_"):
                ax.plot(epochs, frame[term], color="black", lw=1.5, label="training", marker=marker)
            if (validation := f"val_{term.removeprefix('val_')}") in frame:
                known = frame[validation].notna()
                ax.plot(
                    epochs[known],
                    frame[validation][known],
                    color="#d1495b",
                    label="validation",
                    marker=marker,
                )
            ax.set_title(term.removeprefix("val_"), fontsize=24)
            ax.set_xlabel("epoch")
        for ax in axes.flat[len(terms) :]:
            ax.axis("off")
        axes[0, 0].legend(fontsize=18)
    return figure
