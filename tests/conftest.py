import contextlib
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")
# One thread per process: pytest-xdist starts a process per core, and OpenMP threads that share a core
# spend their time waiting for one another (gradient-boosted trees: seven times the processor time).
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import settings

from mizoo import Turbo, datasets
from mizoo.mappers import Deterministic, NoiseInjected
from mizoo.networks import mlp
from mizoo.objectives import LINKS, Adversarial, Streams
from mizoo.objectives import terms as make_terms
from mizoo.representations import Identity

# The same examples at each run, so that a change is judged by itself; the nightly tests look for new ones.
settings.register_profile("derandomized", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "derandomized"))


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(1)


@contextlib.contextmanager
def eager():
    """Run operations one by one: graphs, above all of splines, take longer to make than to run once."""
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def eagerly():
    """Run all functions of the module eagerly."""
    with eager():
        yield


@pytest.fixture
def compiled(eagerly):
    """Compile functions for this test."""
    tf.config.run_functions_eagerly(False)
    yield
    tf.config.run_functions_eagerly(True)


@pytest.fixture(scope="session")
def ttbar():
    return datasets.ttbar()


@pytest.fixture(scope="session")
def few(ttbar):
    """A split of 200 events each, for trainings of seconds."""
    return datasets.Split(ttbar.train[:200], ttbar.validation[:200], ttbar.test[:200])


def _toy_mapper(components, stddev):
    network = mlp([5], components)
    if not stddev:
        return Deterministic(network, (components,))
    return NoiseInjected(network, (components,), stddev=stddev)


def toy(terms=None, ema_momentum=0.9, critic_steps=1, stddev=0.1, **compile_args):
    """An eight-term model of 3-vectors x and 2-vectors z, small enough to be fast."""
    weights = {f"{letter}_{stream}": 1.0 for stream in LINKS for letter in "LD"}
    weights = {term: weight for term, weight in weights.items() if terms is None or term in terms}
    model = Turbo(
        encoder=_toy_mapper(2, stddev),
        decoder=_toy_mapper(3, stddev),
        objectives=make_terms(weights, lambda stream: Adversarial(mlp([4], 1), gradient_penalty=1.0)),
        x_representation=Identity((3,)),
        z_representation=Identity((2,)),
        ema_momentum=ema_momentum,
        name="toy",
    )
    arguments = {"critic_steps": critic_steps, **compile_args}
    model.compile(keras.optimizers.Adam(1e-2), keras.optimizers.Adam(1e-2), **arguments)
    return model


def toy_pairs(n=64):
    """Pairs for `toy`."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(n, 2)).astype("float32")
    x = np.concatenate([z, z[:, :1] * z[:, 1:]], 1) + 0.1 * rng.normal(size=(n, 3))
    return {"x": x.astype("float32"), "z": z}


def toy_events(n=64):
    """The same pairs as `Samples`."""
    return datasets.Samples(**toy_pairs(n))


def refused(message, call, *arguments, **options):
    """Assert that a call on a file is refused by one line that begins with the name of the file."""
    with pytest.raises(ValueError, match=message) as caught:
        call(*arguments, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(str(arguments[0]))


def hdf5(path, **arrays):
    """Write data sets into an HDF5 file; its path."""
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return path


def linear(slope, bias=0.0):
    """A critic or network of one input: slope × value + bias."""
    network = keras.Sequential([keras.layers.Dense(1)])
    network.build((None, 1))
    network.set_weights([np.array([[slope]]), np.array([bias])])
    return network


def plain(x, z):
    """Identity representations of vectors of these lengths."""
    return {"x": Identity((x,)), "z": Identity((z,))}


def streams(x, z, encoder=2.0, decoder=0.5):
    mappers = {
        "encoder": Deterministic(linear(encoder), (1,)),
        "decoder": Deterministic(linear(decoder), (1,)),
    }
    return Streams(mappers, {"x": tf.constant(x), "z": tf.constant(z)}, plain(1, 1))
