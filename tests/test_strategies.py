"""Strategies by name and machine; `test_workers` tests that they train."""

import json

import keras
import pytest
import tensorflow as tf
from conftest import toy, toy_events

import mizoo
from mizoo.distribute import strategies
from mizoo.mappers import Deterministic


@pytest.fixture
def made(monkeypatch):
    """Clusters for which a strategy of several workers is made, instead of making it."""
    found = []
    monkeypatch.setattr(strategies, "_meet", lambda cluster, timeout: found.append(cluster))
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", lambda cluster: "several workers")
    return found


def test_alone_it_is_the_default():
    for name in ("auto", "one-device"):
        assert strategies.resolve(name) is tf.distribute.get_strategy()
    assert strategies.is_chief()


def test_strategies_are_taken_as_they_are():
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    assert strategies.resolve(strategy) is strategy
    assert strategies.is_chief(strategy)


@pytest.mark.parametrize("name", ["auto", "multiworker"])
def test_cluster_of_options(name, made):
    assert strategies.resolve(name, ["a:1", "b:2"], 1) == "several workers"
    (cluster,) = made
    assert cluster.cluster_spec().as_dict() == {"worker": ["a:1", "b:2"]}
    assert (cluster.task_type, cluster.task_id) == ("worker", 1)


def test_cluster_of_tf_config(made, monkeypatch):
    cluster = {"cluster": {"chief": ["a:1"], "worker": ["b:2"]}, "task": {"type": "chief", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    assert strategies.resolve() == "several workers"
    assert strategies._addresses(made[0]) == ["a:1", "b:2"]


def test_cluster_of_slurm(made, monkeypatch):
    environment = {
        "SLURM_PROCID": "2", "SLURM_STEP_NUM_TASKS": "4", "SLURM_STEP_NODELIST": "node[1-2]",
        "SLURM_STEP_TASKS_PER_NODE": "2(x2)", "CUDA_VISIBLE_DEVICES": "",
    }  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert strategies.resolve() == "several workers"
    (cluster,) = made
    assert cluster.cluster_spec().as_dict() == {
        "worker": ["node1:8888", "node1:8889", "node2:8888", "node2:8889"]
    }
    assert (cluster.task_type, cluster.task_id) == ("worker", 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strategy": "many"}, "one of auto, one-device, .* not 'many'"),
        ({"strategy": "multiworker"}, "needs workers and index, or TF_CONFIG"),
        ({"workers": ["a:1", "b:2"]}, "index must be 0 to 1"),
        ({"workers": ["a:1", "b:2"], "index": 2}, "index must be 0 to 1"),
        ({"workers": ["a:1", "b"], "index": 0}, "host:port, not 'b'"),
        ({"index": 1}, "give their addresses"),
        ({"strategy": "one-device", "replicas": 2}, "for 'mirrored', not for 'one-device'"),
        ({"strategy": "mirrored", "replicas": 2}, "before TensorFlow is used"),
        ({"strategy": "parameter-server"}, "tasks of the type ps"),
        ({"strategy": "tpu"}, "no TPU is at hand"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    tf.zeros(1)  # TensorFlow is in use
    with pytest.raises(ValueError, match=message):
        strategies.resolve(**arguments)


def test_no_training_on_parameter_servers(monkeypatch):
    model = toy()
    servers = object.__new__(tf.distribute.ParameterServerStrategy)
    monkeypatch.setattr(type(model), "distribute_strategy", servers)
    with pytest.raises(ValueError, match="no training under ParameterServerStrategy"):
        model.make_train_function(force=True)


@pytest.mark.ci
def test_what_replicas_cannot_do_is_refused(monkeypatch):
    class Three:
        num_replicas_in_sync = 3

    model = toy(jit_compile=True)
    monkeypatch.setattr(type(model), "distribute_strategy", Three())
    with pytest.raises(ValueError, match="3 replicas cannot share a batch of 16 evenly"):
        model.fit(toy_events(), batch_size=16, verbose=0)
    with pytest.raises(ValueError, match="jit_compile=True does not work under Three"):
        model.make_train_function(force=True)
    network = keras.Sequential([keras.layers.Dense(4), keras.layers.BatchNormalization(name="bn")])
    model = mizoo.presets.ae(x=(4,), decoder=Deterministic(network, (4,)))
    with pytest.raises(ValueError, match="bn normalises each replica's part of the batch"):
        model.make_train_function(force=True)
