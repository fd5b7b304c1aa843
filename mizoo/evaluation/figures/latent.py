"""Events in latent spaces."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA

from mizoo.evaluation.figures.style import style, subplots


def latent_pairs(spaces: Mapping[str, Mapping[str, ArrayLike]], shown: int = 40) -> Figure:
    """Pairs in the plane of the first two principal components, some of them joined by lines.

    Args:
        spaces: dictionaries of vectors (n, d) for `"x"` and `"z"`, as from `Turbo.latents`, by title.
        shown: number of pairs joined by lines.
    """
    with style():
        figure, axes = subplots(1, len(spaces), figsize=(8 * len(spaces), 8))
        for ax, (title, both) in zip(axes[0], spaces.items(), strict=True):
            vectors = [np.asarray(both[space]) for space in "xz"]
            standard = [(v - v.mean(0)) / (v.std(0) + 1e-9) for v in vectors]
            plane = PCA(2, random_state=0).fit(np.concatenate(standard))
            x, z = (plane.transform(v) for v in standard)
            ax.scatter(*x.T, s=4, alpha=0.3, color="#d1495b", label="x", rasterized=True)
            ax.scatter(*z.T, s=4, alpha=0.3, color="#30638e", label="z", rasterized=True)
            ax.plot([x[:shown, 0], z[:shown, 0]], [x[:shown, 1], z[:shown, 1]], color="black", lw=1)
            ax.set_title(title)
            ax.set_xlabel("first principal component")
        axes[0, 0].set_ylabel("second principal component")
        axes[0, 0].legend(markerscale=5)
    return figure


def latent_scatter(latents: ArrayLike, labels: ArrayLike | None = None) -> Figure:
    """Latents in the plane of their first two principal components, or of the two that they have.

    Args:
        latents: vectors (n, d) with d of 2 or more, as from `Turbo.latents`.
        labels: labels or values (n,) that colour them.

    Raises:
        ValueError: for other shapes.
    """
    vectors = np.asarray(latents)
    if vectors.ndim != 2 or vectors.shape[1] < 2 or len(vectors) < 2:
        raise ValueError(f"latents must have shape (n, d) with n and d of 2 or more, got {vectors.shape}")
    if labels is not None and np.shape(labels) != (len(vectors),):
        raise ValueError(f"labels must be one per latent, ({len(vectors)},), got {np.shape(labels)}")
    plain = vectors.shape[1] == 2
    plane = vectors if plain else PCA(2, random_state=0).fit_transform(vectors)
    with style():
        figure, axes = subplots(1, 1, figsize=(10, 9))
        ax = axes[0, 0]
        colours: dict[str, Any] = {"c": "#30638e"} if labels is None else {"c": labels, "cmap": "turbo"}
        points = ax.scatter(plane[:, 0], plane[:, 1], s=8, alpha=0.7, rasterized=True, **colours)
        if labels is not None:
            figure.colorbar(points, label="condition")
        names = ("first component", "second component") if plain else (
            "first principal component", "second principal component",
        )  # fmt: skip
        ax.set_xlabel(names[0])
        ax.set_ylabel(names[1])
    return figure
