"""The layers of the package as a picture, drawn from the contract that continuous integration checks."""

from configparser import ConfigParser
from pathlib import Path

HEIGHT, WIDTH, GAP = 30, 460, 6
WHAT = {
    "cli": "the command line",
    "training": "recipes, callbacks, publishing a run",
    "export": "SavedModel, ONNX, cards, loader, draws for files",
    "evaluation": "distances, tables, figures, calibration",
    "presets": "models, one short function each",
    "model": "the container: Turbo, its steps, stages, saving",
    "datasets": "events, files, batches",
    "objectives": "terms and estimators",
    "mappers": "conditional distributions",
    "representations": "physical units to coordinates and back",
    "networks": "plain Keras blocks",
    "core": "serialisation, shared graphs, optional dependencies",
    "distribute": "strategies, collectives, workers",
    "physics.kinematics": "four-momenta as tensors",
    "physics.planar": "angles and moduli as coordinates",
    "physics.process": "a process as data, without TensorFlow",
    "compat": "what Keras calls private",
}


def layers(setup: Path) -> list[str]:
    """The layers of the contract in `setup.cfg`, the highest first; modules of one are joined by |."""
    parser = ConfigParser()
    parser.read(setup)
    lines = parser["importlinter:contract:layers"]["layers"].split("\n")
    return [line.strip().replace("mizoo.", "") for line in lines if line.strip()]


def svg(setup: Path) -> str:
    """The picture: each layer imports only those below it."""
    rows = []
    found = layers(setup)
    for i, name in enumerate(found):
        y = i * (HEIGHT + GAP)
        label = name.replace(" | physics.", ", ").replace("physics.", "physics: ", " | " in name)
        if name in WHAT:
            label += f'<tspan class="what"> — {WHAT[name]}</tspan>'
        rows.append(
            f'<rect x="0" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="4"/>'
            f'<text x="12" y="{y + 20}">{label}</text>'
        )
    style = (
        "rect{fill:none;stroke:currentColor;stroke-opacity:.35}"
        "text{font:13px sans-serif;fill:currentColor}.what{fill-opacity:.65}"
    )
    size = f'viewBox="-1 -1 {WIDTH + 2} {len(found) * (HEIGHT + GAP)}" style="max-width:{WIDTH}px"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>{"".join(rows)}</svg>\n'
