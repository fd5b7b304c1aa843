"""Trainings that begin with what another one has learnt."""

from pathlib import Path

from mizoo.export.pretrained import Pretrained, load


def start_from(model, name) -> Path:
    """Give a model the weights of a trained one, which is found as `mizoo.load` finds it.

    Returns:
        Its folder.

    Raises:
        ValueError: if there is none, or its parts are not those of the model.
        FileNotFoundError: if it was shipped without what training needs.
    """
    former = load(name)
    shipped = isinstance(former, Pretrained)
    take_weights(model, former.trainable() if shipped else former)
    return former.path if shipped else Path(name)


def take_weights(model, former):
    """Give a model the weights that another one draws with, those of its representations and, of the terms
    that both have, those of the critics.

    Raises:
        ValueError: if a part of the other has other weights; it is named.
    """
    for role, mapper in model.mappers.items():
        if mapper is not None:
            _take(role, [mapper, model.averages[role]], former.averages[role])
    for space, representation in model.representations.items():
        _take(f"{space}_representation", [representation], former.representations[space])
    theirs = {objective.term: objective for objective in former.objectives}
    for objective in model.objectives:
        if objective.term in theirs:
            _take(objective.term, [objective], theirs[objective.term])


def _take(part, layers, former):
    learnt = [] if former is None else former.get_weights()
    for layer in layers:
        if [v.shape for v in layer.weights] != [v.shape for v in learnt]:
            raise ValueError(f"the {part} of the model to start from is another one")
        layer.set_weights(learnt)
