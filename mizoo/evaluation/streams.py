"""Output of a model for any number of events, in chunks."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from rich.progress import track

from mizoo.datasets.samples import Samples
from mizoo.model.generative import GenerativeModel

_CHUNK = 5000


class Model(Protocol):
    """A `Turbo`, a `Pretrained`, or a user's own model with the methods that its endpoints name."""

    name: str

    @property
    def endpoints(self) -> Sequence[str]:
        """Available methods among `encode`, `decode`, `reconstruct` and `sample`."""


def draw_streams(model: Model, data: Samples, seed: int | None = None) -> dict[str, np.ndarray]:
    """Output of a model for data, by stream; see `evaluate`.

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
            if source in methods and isinstance(model, GenerativeModel):
                draw = partial(draw, on_invalid="ignore")  # it is the model's own draws that are measured
            draw = _given(for_rows(draw) if method == "sample" else draw, made[source], data.c)
            rows = np.arange(len(made[source]))
            made[stream] = in_chunks(draw, rows, what, seed=None if seed is None else [seed, i])
    drawn = {stream: made[stream] for stream in methods if stream in made}
    if not drawn:
        raise ValueError("nothing to compare: the model makes neither x nor z from these data")
    return drawn


def _given(
    draw: Callable[..., ArrayLike], events: np.ndarray, condition: np.ndarray | None
) -> Callable[..., ArrayLike]:
    """`draw` as a function of rows of events and their condition, if there is one."""
    if condition is None:
        return lambda rows, **seed: draw(events[rows], **seed)
    return lambda rows, **seed: draw(events[rows], condition=condition[rows], **seed)


def for_rows(sample: Callable[..., ArrayLike]) -> Callable[..., ArrayLike]:
    """`sample` as a function of rows, which draws one sample per row."""
    return lambda rows, **options: sample(len(rows), **options)


def in_chunks(
    function: Callable[..., ArrayLike],
    events: np.ndarray,
    what: str | None,
    chunk: int = _CHUNK,
    seed: Sequence[int] | None = None,
    first: int = 0,
) -> np.ndarray:
    """Apply a model's `encode` or `decode` to any number of events.

    Args:
        what: name of the progress bar; None for none.
        seed: sequence of integers, from which the seed of each chunk derives; the function must accept it.
        first: index of the first event, for messages.

    Raises:
        ValueError: if a value of the result is not finite (it names event and column), or if the numbers of
            results and events differ.
    """
    starts: Iterable[int] = range(0, len(events), chunk)
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


def seeded(seed: Sequence[int] | None, chunk: int) -> dict[str, int]:
    """The argument `seed` for a chunk, as keywords; empty without a seed."""
    if seed is None:
        return {}
    return {"seed": int(np.random.default_rng([*seed, chunk]).integers(2**62))}
