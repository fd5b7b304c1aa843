"""Resonances that decay to two objects of the detector: their masses can be coordinates of its events."""

from mizoo.physics.process import Process


def visible_pairs(process: Process, ordered: bool) -> list[tuple[int, int]]:
    """Places of the two objects to which a decay leads, for each where both are known.

    Args:
        process: with a fixed number of objects.
        ordered: whether objects of a kind come by falling pT; otherwise they are in the order of their
            partons, so that each is known.
    """
    found = []
    for decay in process.decays:
        if len(decay.daughters) == 2 and not any(process.decay(name) for name in decay.daughters):
            first, second = (_object(process, leaf, ordered) for leaf in process.leaves(decay.name))
            if first is not None and second is not None:
                found.append((min(first, second), max(first, second)))
    return found


def _object(process: Process, parton: int, ordered: bool) -> int | None:
    """Place of the object that a parton becomes; None if it is not known, or not seen by itself."""
    place = process.partner(parton)
    if not ordered:
        for match in process.matches:
            if parton in match.partons and len(match.partons) == len(match.objects):
                place = match.objects[match.partons.index(parton)]
    return None if place is None or process.x[place].kind == "met" else place
