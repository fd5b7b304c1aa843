"""Which components the couplings of a flow transform."""

from collections.abc import Iterable

import numpy as np

_GROUP = 4  # couplings of one split


def alternating(components: int, couplings: int) -> list[list[int]]:
    """Masks of complementary halves in turn (arXiv 1605.08803, section 3.4): A, B, A, B, and so on.

    Every component is transformed as often as any other, give or take one, and depends on every other one
    after three couplings, counted from either end of the chain. Every four couplings have another split.

    Args:
        components: number of components. A single one is transformed by each coupling.
        couplings: number of masks.

    Returns:
        The indices of the components that each coupling transforms, in rising order.
    """
    generator = np.random.default_rng(0)
    groups = max(1, couplings // _GROUP)  # the last one has what is over, so that none is shorter
    masks: list[list[int]] = []
    for i in range(couplings):
        if i % _GROUP == 0 and i // _GROUP < groups:
            order = generator.permutation(components)
            halves = order[components // 2 :], order[: components // 2]
        masks.append(sorted(halves[i % 2 if components > 1 else 0].tolist()))
    return masks


def by_seed(components: int, seed: int) -> list[int]:
    """The mask of a coupling in files of releases that saved its seed: halves drawn independently."""
    order = np.random.default_rng(seed).permutation(components)
    return sorted(order[components // 2 :].tolist())


def untouched(components: int, masks: Iterable[Iterable[int]]) -> list[int]:
    """Indices of the components that none of the masks has."""
    return sorted(set(range(components)).difference(*masks))
