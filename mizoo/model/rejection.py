"""Rejection sampling."""

from collections.abc import Callable

import tensorflow as tf

from mizoo.core.types import Shape, Tensor


def rejection_sample(
    accept: Callable[[Tensor, Tensor], Tensor],
    draw: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    events: Tensor,
    noise: Tensor,
    shape: Shape,
) -> Tensor:
    """One draw per event, repeated where it is rejected, while there is noise for another attempt.

    Args:
        accept: function of the results of `draw` that returns which draws are kept, (n,).
        draw: function of events (n, …) and noise (n, …) that returns the events that it has drawn from, and
            the draws (n, *shape).
        events: events to draw from, (n, …).
        noise: noise (n, max_attempts, …).
        shape: shape of one draw.

    Returns:
        The draws (n, *shape), float32, including those that are rejected in the last attempt.
    """
    places = tf.range(tf.shape(events)[0])

    def go_on(number: Tensor, left: Tensor, _: Tensor) -> Tensor:
        return tf.logical_and(number < noise.shape[1], tf.size(left) > 0)

    def once_more(number: Tensor, left: Tensor, draws: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        assigned, drawn = draw(tf.gather(events, left), tf.gather(noise[:, number], left))
        draws = tf.tensor_scatter_nd_update(draws, left[:, None], tf.cast(drawn, tf.float32))
        return number + 1, tf.boolean_mask(left, ~accept(assigned, drawn)), draws

    start = (0, places, tf.zeros((tf.size(places), *shape)))
    invariants = (tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape([None, *shape]))
    return tf.while_loop(go_on, once_more, start, invariants)[2]
