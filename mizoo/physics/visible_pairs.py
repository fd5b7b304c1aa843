"""Resonances that decay to two detector objects, whose masses can be coordinates of events."""

from mizoo.physics.process import Process


def visible_pairs(process: Process, ordered: bool) -> list[tuple[int, int]]:
    """Places of the two objects of each decay for which both are known.

    Args:
        process: process with a fixed number of objects.
        ordered: whether objects of a kind are in order of falling pT. Otherwise they are in the order of
            their partons, so that each is known.
    """
    found = []
    for decay in process.decays:
        if len(decay.daughters) == 2 and not any(process.decay(name) for name in decay.daughters):
            places = [process.partner(leaf, ordered) for leaf in process.leaves(decay.name)]
            seen = sorted(place for place in places if place is not None and process.x[place].kind != "met")
            if len(seen) == 2:
                found.append((seen[0], seen[1]))
    return found
