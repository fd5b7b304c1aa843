"""The table of the zoo, made from the models themselves."""

from mizoo.model.turbo import Turbo
from mizoo.objectives import LINKS, Divergence, Likelihood, MaximumLikelihood, Objective
from mizoo.presets.catalogue import PRESETS

COLUMNS = ("preset", *LINKS, "extra", "mappers", "data", "paper")


def rows() -> list[dict[str, str]]:
    """One row for each preset with its default arguments: a dictionary by `COLUMNS`.

    Presets for either x alone or pairs have two.
    """
    return [_row(name, data, model) for name in PRESETS for data, model in defaults(name).items()]


def defaults(name: str) -> dict[str, Turbo]:
    """The models of a preset with its default arguments, by the data that they take."""
    preset = PRESETS[name]
    *others, last = preset.data.split(" or ")
    return {last: preset.factory(), **{kind: preset.factory(x=(2,)) for kind in others}}


def used(model: Turbo) -> list[Objective]:
    """The terms of a model that have a weight, at least in one of its stages."""
    return [
        one
        for one in model.objectives
        if one.weight or any(one.term in stage.weights for stage in model.stages)
    ]


def markdown() -> str:
    """The table in Markdown."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *([row[c] for c in COLUMNS] for row in rows())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(name: str, data: str, model: Turbo) -> dict[str, str]:
    cells: dict[str, list[str]] = {stream: [] for stream in (*LINKS, "extra")}
    for objective in sorted(used(model), key=lambda one: not isinstance(one, Likelihood)):
        is_of_stream = isinstance(objective, Likelihood | Divergence | MaximumLikelihood)
        cells[objective.stream if is_of_stream else "extra"].append(_describe(objective))
    kinds = {role: mapper.kind for role, mapper in model.mappers.items() if mapper is not None}
    alike = len(kinds) == 2 and len(set(kinds.values())) == 1
    mappers = kinds["encoder"] if alike else ", ".join(f"{kind} {role}" for role, kind in kinds.items())
    return {
        "preset": f"`{name}`",
        **{column: " + ".join(parts) or "–" for column, parts in cells.items()},
        "mappers": mappers,
        "data": data,
        "paper": PRESETS[name].paper,
    }


def _describe(objective: Objective) -> str:
    """The letter of a term, and its details."""
    return f"{objective.symbol} ({objective.note})" if objective.note else objective.symbol
