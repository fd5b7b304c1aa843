"""What a model makes of data of any number, in chunks."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from rich.progress import track

from mizoo.datasets.samples import Samples

_CHUNK = 5000


class Model(Protocol):
    """A `Turbo`, a `Pretrained`, or a model of one's own, with the methods that its endpoints name."""

    name: str

    @property
    def endpoints(self) -> Sequence[str]:
        """Those of `encode`, `decode`, `reconstruct` and `sample` that the model has."""


def draw_streams(model: Model, data: Samples, seed: int | None = None) -> dict[str, np.ndarray]:
    """What a model makes of data, by stream: see `evaluate`.

    Raises:
        ValueError: if a value is not finite, or the model makes neither x nor z from these data.
    """
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
        if method in model.endpoints and source in made:
            draw = getattr(model, method)
            draw = _for_rows(draw) if method == "sample" else draw
            made[stream] = in_chunks(draw, made[source], what, seed=None if seed is None else [seed, i])
    drawn = {stream: made[stream] for stream in methods if stream in made}
    if not drawn:
        raise ValueError("nothing to compare: the model makes neither x nor z from these data")
    return drawn


def _for_rows(sample):
    """`sample` as a function of rows, of which it draws as many."""
    return lambda rows, **seed: sample(len(rows), **seed)


def in_chunks(function, events, what, chunk=_CHUNK, seed=None, first=0):
    """Apply a model's `encode` or `decode` to events of any number.

    Args:
        what: name of the progress bar; None for none.
        seed: whole numbers from which that of each chunk follows; the function must take it.
        first: number of the first event, for messages.

    Raises:
        ValueError: if a value of the result is not finite, with event and column, or for another number of
            results than of events.
    """
    starts = range(0, len(events), chunk)
    if what is not None:
        starts = track(starts, description=f"{what:9}", transient=True)
    parts = []
    for i in starts:
        given = events[i : i + chunk]
        parts.append(np.asarray(function(given, **seeded(seed, i // chunk))))
        if len(parts[-1]) != len(given):
            numbers = f"{len(parts[-1])} draws for {len(given)} events"
            raise ValueError(f"{what or 'draw'}: the model gave {numbers}")
    drawn = np.concatenate(parts)
    if not np.isfinite(drawn).all():
        event, column = np.argwhere(~np.isfinite(drawn.reshape(len(drawn), -1)))[0]
        raise ValueError(
            f"{what or 'draw'}: the model's draw is not finite in event {first + event}, column {column}"
        )
    return drawn


def seeded(seed, chunk):
    """The argument `seed` of a chunk's draws, if they are to be repeated."""
    if seed is None:
        return {}
    return {"seed": int(np.random.default_rng([*seed, chunk]).integers(2**62))}
