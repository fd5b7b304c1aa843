"""Places of detector objects whose number varies: first those of the partons they come from."""

from mizoo.physics.process import Process


def slots(process: Process) -> dict[str, list[int]]:
    """Places in z of the partons whose objects come first, for each kind whose number varies."""
    found = {}
    for one in process.objects:
        if not isinstance(one.count, int):
            partons = [
                place
                for place, parton in enumerate(process.partons)
                if parton.kind == one.kind and one.charge in (None, parton.charge)
            ]
            found[one.name] = partons[: one.range[1]]
    return found
