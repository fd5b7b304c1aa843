"""The profile of training steps: its counts, and its results in the page."""

import json
import sys
from pathlib import Path

import keras
import pytest
import tensorflow as tf

ROOT = Path(__file__).parents[1]
sys.path += [str(ROOT / "tests" / folder) for folder in ("benchmarks", "studies")]

import page  # noqa: E402
import profile_step  # noqa: E402
from products import flops  # noqa: E402


def dense(units, inputs):
    layer = keras.layers.Dense(units)
    layer.build((None, inputs))
    return layer


def test_products_are_counted_in_functions_and_gradients():
    first, second = dense(7, 5), dense(3, 7)
    inner = tf.function(lambda x: second(x), jit_compile=True, autograph=False)

    @tf.function(autograph=False)
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(inner(tf.nn.relu(first(x))))
        return tape.gradient(loss, [first.kernel.value, second.kernel.value])

    # Forward, by both kernels and, between the layers, by the features.
    assert flops(step, tf.ones((11, 5))) == 2 * 11 * (2 * 5 * 7 + 3 * 7 * 3)


def test_attention_is_counted():
    attention = keras.layers.MultiHeadAttention(2, 4)
    tokens = tf.ones((11, 6, 8))
    attention.build(tokens.shape, tokens.shape)
    counted = flops(tf.function(lambda t: attention(t, t)), tokens)
    assert counted == 2 * 11 * 6 * (4 * 8 * 8 + 2 * 6 * 8)


def test_the_profiler_of_tensorflow_counts_the_same():
    network = keras.Sequential([dense(7, 5), dense(3, 7)])
    step = tf.function(lambda x: network(x), autograph=False)
    x = tf.ones((11, 5))
    builder = tf.compat.v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    found = tf.compat.v1.profiler.profile(step.get_concrete_function(x).graph, cmd="op", options=options)
    assert found.total_float_ops == flops(step, x) + 11 * (7 + 3)  # which adds biases, too


def test_what_cannot_be_counted_is_named():
    kernel = tf.ones((4, 4))

    @tf.function(input_signature=[tf.TensorSpec((None, 4))])
    def any_size(x):
        return x @ kernel

    with pytest.raises(ValueError, match="unknown shapes"):
        flops(any_size, tf.ones((2, 4)))


def test_a_loop_counts_once():
    kernel = tf.ones((4, 4))

    @tf.function
    def loop(x):
        return tf.while_loop(lambda i, _: i < 3, lambda i, x: (i + 1, x @ kernel), [0, x])[1]

    assert flops(loop, tf.ones((2, 4))) == 2 * 2 * 4 * 4


@pytest.mark.slow
def test_a_step_and_its_parts_are_measured(tmp_path):
    rows = profile_step.profile("cyclegan", 20, ["float32", "bfloat16"], ["float32"], 0.0)
    single, mixed = rows
    parts = {*profile_step.PARTS, *profile_step.ENDPOINTS} - {"augmentation"}
    assert parts <= set(single)
    assert not parts & set(mixed)
    assert min(single["step"], mixed["step"], single["encode"], single["critics"]) > 0.0
    assert single["GFLOP"] == mixed["GFLOP"] > 0.0
    path = tmp_path / "profile.json"
    first = profile_step.with_former(path, rows)
    path.write_text(json.dumps(first))
    again = {**mixed, "step": 1.0}
    assert profile_step.with_former(path, [again])["rows"] == [single, again]
    path.write_text(json.dumps({**first, "machine": {}}))
    with pytest.raises(ValueError, match="is of another machine"):
        profile_step.with_former(path, rows)


def test_the_page_has_the_figures_that_were_measured():
    text = (ROOT / "docs" / "performance.md").read_text()
    measured = json.loads((ROOT / "docs" / "studies" / "profile.json").read_text())
    assert page.grid(*profile_step.table(measured["rows"])) in text
    features = measured["machine"]["features"]
    assert "avx512_bf16" in features  # as the page says
    assert "amx_bf16" not in features
