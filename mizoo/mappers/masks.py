"""Which components the couplings of a flow transform."""

from collections.abc import Iterable

import numpy as np

_GROUP = 4  # couplings per split


def alternating(components: int, couplings: int) -> list[list[int]]:
    """Masks of alternating complementary halves (arXiv 1605.08803, section 3.4): A, B, A, B, and so on.

    All components are transformed equally often, up to one coupling. Each depends on all others after three
    couplings, counted from either end of the chain. The split changes every four couplings.

    Args:
        components: number of components. A single one is transformed by each coupling.
        couplings: number of masks.

    Returns:
        The indices of the components that each coupling transforms, in ascending order.
    """
    generator = np.random.default_rng(0)
    groups = max(1, couplings // _GROUP)  # the last group takes the rest, so that none is shorter
    masks: list[list[int]] = []
    for i in range(couplings):
        if i % _GROUP == 0 and i // _GROUP < groups:
            order = generator.permutation(components)
            halves = order[components // 2 :], order[: components // 2]
        masks.append(sorted(halves[i % 2 if components > 1 else 0].tolist()))
    return masks


def by_seed(components: int, seed: int) -> list[int]:
    """The mask of a coupling in files of releases that saved its seed: independently drawn halves."""
    order = np.random.default_rng(seed).permutation(components)
    return sorted(order[components // 2 :].tolist())


def untouched(components: int, masks: Iterable[Iterable[int]]) -> list[int]:
    """Indices of the components that are in none of the masks."""
    return sorted(set(range(components)).difference(*masks))
