"""Train the models of `saved_models`, one after another, and export them.

    python tests/studies/zoo.py --runs runs            # all of them
    python tests/studies/zoo.py otus-ttbar --runs runs  # this one

Existing runs are resumed, and finished ones are not repeated. `gandalf`, `turbosim` and `flow` of a process
need no recipe: `mizoo train gandalf --process zh`, with its defaults.
"""

import argparse
from pathlib import Path

from mizoo.presets import PRESETS
from mizoo.training.publish import ship
from mizoo.training.recipe import Recipe, train

EVENTS = {"epochs": 300, "batch_size": 500, "select_from": 200, "select_every": 10}
DIGITS = {"epochs": 150, "batch_size": 100, "select_from": 75, "select_every": 5}

RECIPES = {
    "turbosim-original-ttbar": Recipe(
        "turbosim", {"original": True}, epochs=100, batch_size=100, cosine=False
    ),
    # The decoder's last stage begins when 1000 of 1010 parts are done.
    "otus-ttbar": Recipe("otus", epochs=303, batch_size=500, select_from=300),
    **{f"{name}-ttbar": Recipe(name, **EVENTS) for name in ("cyclegan", "pix2pix", "aae", "bibae")},
    **{
        f"{name}-digits": Recipe(name, {"units": 64} if "units" in preset.arguments else {}, **DIGITS)
        for name, preset in PRESETS.items()
        if "digits" in preset.dataset
    },
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a model; all of them if none")
    parser.add_argument("--runs", type=Path, required=True, help="folder of the trainings")
    parser.add_argument("--out", type=Path, default=Path("saved_models"))
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(RECIPES):
        parser.error(f"no model {', '.join(unknown)}; there are {', '.join(RECIPES)}")
    for name in arguments.names or RECIPES:
        run, recipe = arguments.runs / name, RECIPES[name]
        print(f"{name}: {recipe}", flush=True)
        if not (run / "model.keras").is_file():
            train(recipe, PRESETS[recipe.preset].load_dataset(), run, resume=True, verbose=2)
        if not (arguments.out / name).is_dir():
            ship(run, arguments.out / name, PRESETS[recipe.preset].truth())


if __name__ == "__main__":
    main()
