import itertools

import numpy as np
import pytest

from mizoo.networks import is_image, network

SHAPES = [(3,), (2, 4), (8, 8, 1), (7, 5, 3), (1, 6, 2), (2, 2, 1)]


@pytest.mark.parametrize(("source", "target"), itertools.product(SHAPES, SHAPES))
def test_there_is_a_network_between_any_shapes_but_to_smaller_images(source, target):
    images = is_image(source) and is_image(target)
    if images and (source[0] > target[0] or source[1] > target[1]):
        with pytest.raises(ValueError, match="smaller"):
            network(source, target, 8)
        return
    made = network(source, target, 8)
    assert made(np.zeros((2, *source), "float32")).shape == (2, *target)


def test_kind_is_chosen_from_the_shapes():
    def kinds(source, target):
        return {type(layer).__name__ for layer in network(source, target, 8).layers}

    assert kinds((3,), (2,)) == {"Dense"}
    assert {"Conv2D", "Dense", "Flatten"} <= kinds((8, 8, 1), (2,))
    assert {"Conv2D", "Dense", "Resizing"} <= kinds((2,), (8, 8, 1))
    assert "Concatenate" in kinds((8, 8, 1), (8, 8, 2))  # a U-Net skips
    assert "Add" in kinds((8, 8, 1), (16, 16, 1))


def test_last_activation_bounds_the_output():
    for source in ((3,), (8, 8, 1), (4, 4, 1)):
        made = network(source, (8, 8, 1), 8, last="tanh")
        assert np.abs(made(100.0 * np.ones((1, *source), "float32"))).max() <= 1.0
