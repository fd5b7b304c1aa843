"""Training of models for equal times."""

import time

EPOCHS = 20  # for stages, which begin after a fraction of the epochs
MEASURED = 10  # steps by which the time of a step is estimated first


def train(model, samples, seconds, batch_size=100):
    """Train a Keras model for about this time after its compilation; the number of steps and the seconds.

    Args:
        model: a `Turbo`, or a Keras model that takes `Samples` as it does.
        samples: training `Samples`.
        seconds: training time.
    """

    def fit(epochs, steps):
        start = time.monotonic()
        model.fit(samples, batch_size=batch_size, epochs=epochs, steps_per_epoch=steps, verbose=0)
        return time.monotonic() - start

    fit(1, 1)  # compiles
    done, spent = MEASURED, fit(1, MEASURED)
    for epochs, part in ((1, 0.1 * seconds), (EPOCHS, seconds)):
        steps = max(1, round((part - spent) * done / spent / epochs))
        spent += fit(epochs, steps)
        done += epochs * steps
    return done, round(spent, 1)
