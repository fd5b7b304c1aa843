"""Training of models for equal times, on a machine whose speed varies as others use it, too."""

import time

EPOCHS = 20  # for stages, which begin after a fraction of the epochs
PIECE, PIECES, PART = 25, 12, 0.15  # steps, and the most pieces and part of the time that are measured


def steps_within(seconds, steps):
    """The numbers of steps that were taken, and that take this time in all, at the machine's best speed.

    Args:
        seconds: the time of all steps, after the first one, which compiles.
        steps: function that takes so many steps.
    """
    steps(1)
    times: list[float] = []
    while len(times) < 3 or (len(times) < PIECES and sum(times) < PART * seconds):
        start = time.monotonic()
        steps(PIECE)
        times.append(time.monotonic() - start)
    done = 1 + PIECE * len(times)
    return done, max(done, round(PIECE * seconds / min(times)))


def train(model, samples, seconds, batch_size=100):
    """Train a Keras model for about this time; the number of steps.

    Args:
        model: a `Turbo`, or a Keras model that takes `Samples` as it does.
        samples: training `Samples`.
        seconds: see `steps_within`.
    """

    def fit(steps, epochs=1):
        model.fit(samples, batch_size=batch_size, epochs=epochs, steps_per_epoch=steps, verbose=0)

    done, every = steps_within(seconds, fit)
    per_epoch = max(1, round((every - done) / EPOCHS))
    fit(per_epoch, EPOCHS)
    return done + EPOCHS * per_epoch
