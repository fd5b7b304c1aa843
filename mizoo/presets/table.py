"""The table of the zoo, made from the models themselves."""

from mizoo.model.turbo import Turbo
from mizoo.objectives import LINKS, Divergence, Likelihood, MaximumLikelihood, Objective
from mizoo.presets.catalogue import PRESETS
from mizoo.presets.registry import Preset

COLUMNS = ("preset", *LINKS, "extra", "mappers", "data", "paper")


def rows() -> list[dict[str, str]]:
    """One row for each preset with its default arguments: a dictionary by `COLUMNS`.

    Presets for either x alone or pairs have two.
    """
    found = []
    for name, preset in PRESETS.items():
        kinds = preset.data.split(" or ")
        found += [_row(name, preset, kind, preset.factory()) for kind in kinds[-1:]]
        found += [_row(name, preset, kind, preset.factory(x=(2,))) for kind in kinds[:-1]]
    return found


def markdown() -> str:
    """The table in Markdown."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *([row[c] for c in COLUMNS] for row in rows())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(name: str, preset: Preset, data: str, model: Turbo) -> dict[str, str]:
    cells: dict[str, list[str]] = {stream: [] for stream in (*LINKS, "extra")}
    for objective in sorted(model.objectives, key=lambda one: not isinstance(one, Likelihood)):
        if objective.weight or any(objective.term in stage.weights for stage in model.stages):
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
        "paper": preset.paper,
    }


def _describe(objective: Objective) -> str:
    """The letter of a term, and its details."""
    return f"{objective.symbol} ({objective.note})" if objective.note else objective.symbol
