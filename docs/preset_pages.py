"""Pages of the presets and cards of the gallery: what follows from the code is made from the presets.

The pages `presets/NAME.md` and `gallery.md` are written by hand. `filled` replaces their places, comments
such as `<!-- terms -->`, when they are read.
"""

import inspect
import json
import re
import sys
from functools import cache
from pathlib import Path

from mizoo.model.turbo import Turbo
from mizoo.objectives import Objective
from mizoo.presets import PRESETS
from mizoo.presets.table import defaults, rows, used

HERE = Path(__file__).parent
MODELS = HERE.parent / "saved_models"
MEANING = {
    "L_z_tilde": r"$-\mathbb{E}_{p(x,z)} \log q(z \mid x)$",
    "L_x_hat": r"$-\mathbb{E} \log p(x \mid \tilde z)$",
    "L_x_tilde": r"$-\mathbb{E}_{p(x,z)} \log p(x \mid z)$",
    "L_z_hat": r"$-\mathbb{E} \log q(z \mid \tilde x)$",
    "D_z_tilde": r"$D(p_z \Vert \tilde q_z)$",
    "D_x_hat": r"$D(p_x \Vert \hat p_x)$",
    "D_x_tilde": r"$D(p_x \Vert \tilde p_x)$",
    "D_z_hat": r"$D(p_z \Vert \hat q_z)$",
    "R_z_tilde": r"$\mathbb{E}\, \mathrm{KL}(q(z \mid x) \Vert p_z)$",
    "A_z_tilde": "contrastive loss between the latents of x and z",
    "C_z_tilde": r"$-\mathbb{E} \log p(\text{order of the objects of } x \mid x)$",
}


models = cache(defaults)
_rows = cache(rows)


def table(header: list[str], lines: list[list[str]]) -> str:
    """A Markdown table."""
    escaped = [[cell.replace("|", r"\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, ["---"] * len(header), *escaped))


def facts(name: str) -> str:
    """Where a preset is, its data and mappers, its paper, and trained models of it."""
    of_preset = [row for row in _rows() if row["preset"] == f"`{name}`"]
    several = len(of_preset) > 1
    mappers = "; ".join(
        f"{row['mappers']} ({row['data']})" if several else row["mappers"] for row in of_preset
    )
    paper = re.sub(r"\b(\d{4}\.\d{4,5})\b", r"[\1](https://arxiv.org/abs/\1)", PRESETS[name].paper)
    trained = [
        path.parent.name for path in sorted(MODELS.glob("*/config.json")) if _preset_of(path) == name
    ]
    lines = [
        ["preset", f"{{py:func}}`mizoo.presets.{name}`"],
        ["data", f"{PRESETS[name].data}; demonstration: {PRESETS[name].dataset}"],
        ["mappers", mappers],
        ["reference", paper],
        ["trained models", ", ".join(f"[{one}](../cards/{one}.md)" for one in trained)],
    ]
    return table(["", ""], [line for line in lines if line[1]])


def _preset_of(config: Path) -> str:
    return str(json.loads(config.read_text())["recipe"]["preset"])


def terms(name: str) -> str:
    """The terms of a preset with their default weights, and what its docstring says of it."""
    found = models(name)
    parts = [_described(name)] if _described(name) else []
    for data, model in found.items():
        parts += [f"Of {data} alone:" if data == "x" else f"Of {data}:"] if len(found) > 1 else []
        starts = [stage.start for stage in model.stages]
        last = "weight in the last {:.0%} of the epochs"
        weights = [last.format(1.0 - start) if start else "weight" for start in starts]
        lines = [
            [f"`{one.term}`", *_weights(model, one), MEANING[f"{one.symbol}_{one.stream}"], one.note or "–"]
            for one in used(model)
        ]
        parts += [table(["term", *(weights or ["weight"]), "estimates", "by"], lines)]
    return "\n\n".join(parts)


def _weights(model: Turbo, objective: Objective) -> list[str]:
    if not model.stages:
        return [f"{objective.weight:.4g}"]
    of_stages = [stage.weights.get(objective.term, 0.0) for stage in model.stages]
    return [f"{weight:.4g}" if weight else "–" for weight in of_stages]


def _described(name: str) -> str:
    """The docstring of a preset without its first line and arguments."""
    body = (inspect.getdoc(PRESETS[name].factory) or "").partition("\n")[2]
    return body.split("Args:")[0].strip()


def options(name: str) -> str:
    """The options of a preset with their defaults and meanings."""
    preset = PRESETS[name]
    functions = (preset.factory, *preset.shared)
    alike: dict[str, dict[str, str]] = {}  # options of one meaning have one line
    for option, default in accepted(name).items():
        alike.setdefault(_meaning(option, functions), {})[f"`{option}`"] = f"`{default!r}`"
    lines = [[", ".join(one), ", ".join(one.values()), meaning] for meaning, one in alike.items()]
    rest = arguments(preset.factory).get("options", "")
    if rest and not re.fullmatch(r"(see|options of|as for) `\w+`\.", rest):
        lines += [["further options", "", rest]]
    return table(["option", "default", "meaning"], lines)


@cache
def accepted(name: str) -> dict[str, object]:
    """The options that a preset takes, with their defaults: those that it does not set itself."""
    preset = PRESETS[name]
    own, further = _defaults(preset.factory), {}
    for function in preset.shared:
        further = {**_defaults(function), **further}
    further = {option: default for option, default in further.items() if option not in own}
    while True:
        try:
            preset.factory(**further)
            return {**own, **further}
        except ValueError as error:
            if not (twice := re.search(r"multiple values for (?:keyword )?argument '(\w+)'", str(error))):
                raise
            del further[twice[1]]


def _defaults(function) -> dict[str, object]:
    parameters = inspect.signature(function).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not one.empty}


def arguments(function) -> dict[str, str]:
    """What the docstring of a function says of its arguments."""
    said = (inspect.getdoc(function) or "").partition("Args:\n")[2]
    found = {}
    for names, text in re.findall(r"^    (\w+(?:, \w+)*): (.*(?:\n {8}.*)*)", said, re.MULTILINE):
        found |= dict.fromkeys(names.split(", "), " ".join(text.split()))
    return found


def _meaning(option: str, functions) -> str:
    """What the first of some functions says of an option, or the function or class that it refers to."""
    for function in functions:
        if said := arguments(function).get(option):
            other = re.fullmatch(r"(?:as for|see) `(\w+)`\.", said)
            named = _named(other[1], sys.modules[function.__module__]) if other else None
            return _meaning(option, (named,)) if named else said
    return {"name": "name of the model.", "weights": "weights of terms, instead of the preset's."}[option]


def _named(name: str, module):
    """A preset, or what a module calls by a name, if anything."""
    return PRESETS[name].factory if name in PRESETS else getattr(module, name, None)


def title(name: str) -> str:
    """The heading of the page of a preset."""
    return _source(name).partition("\n")[0].removeprefix("# ")


def lead(name: str) -> str:
    """The first sentence of the page of a preset."""
    _, _, text = _source(name).partition("\n```\n\n")  # after the figure
    return " ".join(re.split(r"(?<=\.)\s", text, maxsplit=1)[0].split())


def _source(name: str) -> str:
    return (HERE / "presets" / f"{name}.md").read_text()


def cards(names: list[str]) -> str:
    """A grid of cards that link to the pages of presets."""
    found = "\n\n".join(
        f":::{{grid-item-card}} {title(name)}\n:link: presets/{name}\n:link-type: doc\n"
        f":img-top: gallery/{name}.png\n:img-alt: {name}\n\n{lead(name)}\n:::"
        for name in names
    )
    tree = "```{toctree}\n:hidden:\n\n" + "\n".join(f"presets/{name}" for name in names) + "\n```"
    return f"::::{{grid}} 1 2 3 3\n:gutter: 3\n\n{found}\n::::\n\n{tree}"


def filled(page: str, text: str) -> str:
    """The text of a page with its places filled.

    Args:
        page: name of the page, such as `"presets/vae"`.
        text: its source.
    """
    if page == "gallery":
        return re.sub(
            r"<!-- cards: (.*?) -->", lambda found: cards(found[1].split()), text, flags=re.DOTALL
        )
    folder, _, name = page.partition("/")
    if folder != "presets":
        return text
    for place, make in (("facts", facts), ("terms", terms), ("options", options)):
        text = text.replace(f"<!-- {place} -->", make(name))
    return text
