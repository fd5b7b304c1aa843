"""Which components couplings transform: all of them, each as often as any other."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import mizoo
from mizoo.mappers import Bijection, Flow, SplineCoupling
from mizoo.mappers.masks import alternating, by_seed, untouched
from mizoo.training.warm_start import take_weights


@pytest.fixture(autouse=True)
def _operations_one_by_one():
    """Run eagerly, as graphs of splines take longer to trace than to run once."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


SHIPPED = Path(__file__).parents[1] / "saved_models"
SIZES = [*range(1, 21), 24, 31, 32, 47, 64, 65]


@pytest.mark.parametrize("components", SIZES)
def test_every_component_is_transformed_as_often_as_any_other(components):
    for couplings in range(2, 20):
        masks = alternating(components, couplings)
        times = np.bincount(np.concatenate(masks), minlength=components)
        assert len(masks) == couplings
        assert times.max() - times.min() <= 1
        assert untouched(components, masks) == []


def bent(components, couplings, angles=()):
    """A flow far from the identity, which almost ignores its context."""
    flow = Flow((components,), angles=angles, couplings=couplings, units=16, bins=4)
    flow.build((None, 1))
    rng = np.random.default_rng(components)
    flow.set_weights([w + 0.15 * rng.normal(size=w.shape) for w in flow.get_weights()])
    return flow


def dependence(chain, components, **options):
    """Mask (outputs, inputs) of the nonzero entries of a chain's Jacobian, by finite differences."""
    start = np.random.default_rng(1).uniform(-2.0, 2.0, (4, 1, components))
    moved = np.concatenate([start, start + 0.3 * np.eye(components)], 1)
    values, context = (
        tf.constant(moved.reshape(-1, components), tf.float32),
        tf.zeros((moved[..., 0].size, 8)),
    )
    for coupling in chain:
        values, _ = coupling(values, context, **options)
    values = values.numpy().reshape(moved.shape)
    return np.any(values[:, 1:] != values[:, :1], 0).T


@pytest.mark.ci
@pytest.mark.parametrize(
    ("components", "angular"),
    [*((n, "some") for n in (2, 3, 4, 5, 7, 10, 16, 18, 33, 64)),
     *((n, kind) for n in (2, 3, 8) for kind in ("none", "all"))],
)  # fmt: skip
def test_three_couplings_make_every_component_depend_on_every_other_one(components, angular):
    angles = {"none": (), "some": range(0, components, 3), "all": range(components)}[angular]
    chain = bent(components, 3, angles).chain
    assert dependence(chain, components).all()
    assert dependence(reversed(chain), components, inverse=True).all()
    if components == 16:
        assert not dependence(chain[:2], components).all()


@pytest.mark.parametrize("couplings", [4, 5, 6, 7, 8, 9, 11, 12])
@pytest.mark.parametrize("components", [2, 5, 16])
def test_so_do_three_couplings_at_either_end_of_a_longer_chain(components, couplings):
    for masks in (alternating(components, couplings), alternating(components, couplings)[::-1]):
        depends = np.eye(components, dtype=bool)
        for mask in masks[:3]:
            kept = np.setdiff1d(np.arange(components), mask)
            depends[mask] |= depends[kept].any(0)
        assert depends.all()


@pytest.mark.ci
@pytest.mark.parametrize("components", [1, 2, 3, 5])
@pytest.mark.parametrize("angles", [(), (0,)])
def test_flows_of_any_size_invert(components, angles):
    flow = bent(components, 3, angles)
    noise = tf.random.normal((200, components))
    given = flow.distribution(tf.random.normal((200, 1)), noise=noise)
    np.testing.assert_allclose(given.noise_of(given.sample()), noise, atol=5e-3)


def test_a_single_component_depends_on_the_context_alone():
    flow = bent(1, 2)
    low, high = (
        flow.distribution(tf.fill((50, 1), c), noise=tf.zeros((50, 1))).sample() for c in (-1.0, 1.0)
    )
    assert max(np.ptp(low), np.ptp(high)) < 1e-5
    assert abs(low[0, 0] - high[0, 0]) > 1e-3


@pytest.mark.parametrize(
    ("shapes", "eager"),
    [
        pytest.param({"x": (3,), "z": (1,)}, False, marks=pytest.mark.slow),
        ({"x": (1,), "z": (2,)}, True),
        ({"x": (1,)}, True),
    ],
)
def test_presets_of_a_single_component_train_and_draw(shapes, eager):
    tf.config.run_functions_eagerly(eager)
    model = mizoo.presets.flow(**shapes, units=8, couplings=2)
    rng = np.random.default_rng(0)
    data = {space: rng.normal(size=(32, *shape)).astype("float32") for space, shape in shapes.items()}
    model.adapt(data)
    before = [v.numpy() for v in model.mapper_variables]
    logs = model.fit(data, batch_size=16, verbose=0).history
    assert np.isfinite(list(logs.values())).all()
    assert not all(np.array_equal(a, b) for a, b in zip(before, model.mapper_variables, strict=True))
    assert np.isfinite(model.reconstruct(data["x"])).all()


def test_masks_are_plain_lists_in_the_configuration():
    masks = [[1, 3], [0, 2], [0, 3], [1, 2]]
    flow = Flow((4,), couplings=4, units=8, masks=masks)
    config = json.loads(json.dumps(flow.get_config()))
    assert config["masks"] == masks
    assert "shuffle" not in str(keras.saving.serialize_keras_object(flow))
    assert [list(c.mask) for c in Flow.from_config(config).chain] == masks
    coupling = SplineCoupling(4, [1, 3], angles=(3,))
    config = json.loads(json.dumps(coupling.get_config()))
    assert config["mask"] == [1, 3]
    assert SplineCoupling.from_config(config).mask == (1, 3)
    default = json.loads(json.dumps(Flow((5,), couplings=3, units=8).get_config()))
    assert default["masks"] == alternating(5, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"masks": [[0, 1], [2, 4]]}, "from 0 to 3"),
        ({"masks": [[0, 1], [2, -1]]}, "from 0 to 3"),
        ({"masks": [[0, 1], [1.5, 2]]}, "from 0 to 3"),
        ({"masks": [[True, False], [2, 3]]}, "from 0 to 3"),
        ({"masks": [[0, 1], [2, 2]]}, "twice"),
        ({"masks": [[0, 1], []]}, "not none"),
        ({"masks": [[0, 1], [0, 1, 2, 3]]}, "not all"),
        ({"masks": [[0, 1], [2, 3], [0, 1]]}, "3 masks"),
        ({"masks": [[0, 1]]}, "1 masks"),
        ({"masks": []}, "0 masks"),
        ({"couplings": 0}, "0 couplings"),
        ({"angles": (4,)}, "angles must be indices from 0 to 3"),
        ({"angles": (-1,)}, "angles must be indices from 0 to 3"),
        ({"angles": (1, 1)}, "twice"),
    ],
)
def test_wrong_masks_and_angles_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Flow((4,), units=8, **{"couplings": 2, **arguments})


def test_components_that_no_coupling_transforms_are_named():
    with pytest.warns(UserWarning, match=r"components \[2\] of 3"):
        Flow((3,), couplings=2, units=8, masks=[[0], [1]])
    with pytest.warns(UserWarning, match=r"components \[0, 3\] of 4"):
        Flow((4,), couplings=1, units=8, masks=[[1, 2]])


def former(flow):
    """A flow with the masks from before masks were saved, and its configuration of that time."""
    config = {key: value for key, value in flow.get_config().items() if key != "masks"}
    masks = [by_seed(np.prod(flow.shape), i) for i in range(flow.couplings)]
    return Flow(**{**config, "masks": masks}), config


@pytest.mark.ci
@pytest.mark.parametrize("components", [2, 5, 6])
def test_configurations_without_masks_mean_the_former_ones(components):
    flow, config = former(Flow((components,), angles=(1,), couplings=8, units=8, bins=4))
    again = Flow.from_config(json.loads(json.dumps(config)))
    for one in (flow, again):
        one.build((None, 2))
    assert again.masks == flow.masks != Flow((components,), couplings=8, units=8).masks
    again.set_weights(flow.get_weights())
    condition, noise = tf.random.normal((9, 2)), tf.random.normal((9, components))
    np.testing.assert_array_equal(again(condition, noise=noise), flow(condition, noise=noise))
    config = {
        "components": 5,
        "angles": [0],
        "units": 8,
        "bins": 4,
        "bound": 6.0,
        "shuffle": 3,
        "exact": True,
    }
    assert list(SplineCoupling.from_config(config).mask) == by_seed(5, 3)


@pytest.mark.ci
def test_files_without_masks_draw_as_they_did(tmp_path):
    """A file as it was written before flows had masks: the same weights, and none in the configuration."""
    model = mizoo.presets.flow(x=(5,), z=(6,), units=8, couplings=3)
    for role, mapper in model.mappers.items():
        setattr(model, role, former(mapper)[0])
    config = model.get_config()
    old = type(model).from_config({**config, "ema_momentum": None})
    rng = np.random.default_rng(0)
    pairs = {"x": rng.normal(size=(40, 5)), "z": rng.normal(size=(40, 6))}
    old.compile()
    old.adapt(pairs)
    for mapper in old.mappers.values():
        mapper.set_weights([w + 0.2 * rng.normal(size=w.shape) for w in mapper.get_weights()])
    old.save(tmp_path / "new.keras")
    with (
        zipfile.ZipFile(tmp_path / "new.keras") as new,
        zipfile.ZipFile(tmp_path / "old.keras", "w") as file,
    ):
        for name in new.namelist():
            content = new.read(name)
            if name == "config.json":
                content = json.dumps(without_masks(json.loads(content))).encode()
                assert b"masks" not in content
            file.writestr(name, content)
    again = keras.saving.load_model(tmp_path / "old.keras")
    for space, draw in (("x", "encode"), ("z", "decode")):
        its, mine = (getattr(m, draw)(pairs[space], seed=1) for m in (again, old))
        np.testing.assert_array_equal(its, mine)


def without_masks(config):
    if isinstance(config, list):
        return [without_masks(item) for item in config]
    if isinstance(config, dict):
        return {key: without_masks(value) for key, value in config.items() if key != "masks"}
    return config


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({"masks": [[0, 1], [2, 3]]}, r"masks\.0"),
        ({"bound": 5.0}, "bound is 6.0, not 5.0"),
        ({"angles": (2,)}, "angles"),
        ({"angles": ()}, "angles"),
    ],
)
def test_weights_of_another_flow_are_refused(options, setting):
    first = model_of(Flow((4,), **{**COMMON, "masks": [[0, 2], [1, 3]]}))
    second = model_of(Flow((4,), **{**COMMON, "masks": [[0, 2], [1, 3]], **options}))
    with pytest.raises(
        ValueError, match=f"the encoder of the model to start from is another one: .*{setting}"
    ):
        take_weights(second, first)


COMMON = {"angles": (1,), "couplings": 2, "units": 8, "bins": 4}


def model_of(flow):
    space = mizoo.representations.Identity((4,))
    return mizoo.Turbo(flow, None, [mizoo.objectives.Likelihood("z_tilde")], space, space)


def test_what_does_not_change_the_function_is_no_obstacle():
    first = model_of(Flow((4,), **COMMON, dropout=0.3, name="first"))
    second = model_of(Flow((4,), **COMMON, name="second", trainable=False))
    take_weights(second, first)
    for mine, its in zip(second.encoder.get_weights(), first.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)


def test_bijections_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"from \(3,\), not from \(1,\)"):
        Bijection(Flow((3,), couplings=2, units=8)).build((None, 1))
