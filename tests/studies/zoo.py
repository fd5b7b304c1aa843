"""Train the models of `saved_models`, one after another, and export them.

    python tests/studies/zoo.py --runs runs            # all of them
    python tests/studies/zoo.py otus-ttbar --runs runs  # this one

Existing runs are resumed, and finished ones are not repeated.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from mizoo.presets import PRESETS
from mizoo.training.publish import ship
from mizoo.training.recipe import Recipe, train

EVENTS = {"epochs": 300, "batch_size": 500, "select_from": 200, "select_every": 10}
DIGITS = {"epochs": 150, "batch_size": 100, "select_from": 75, "select_every": 5}

RECIPES = {
    "turbosim-ttbar": Recipe(
        "turbosim", epochs=130, batch_size=1000, warmup=80, select_from=100, select_every=2
    ),
    "turbosim-original-ttbar": Recipe(
        "turbosim", {"original": True}, epochs=100, batch_size=100, cosine=False
    ),
    "gandalf-ttbar": Recipe("gandalf", epochs=150, batch_size=500, select_from=120, select_every=5),
    # The decoder's last stage begins when 1000 of 1010 parts are done.
    "otus-ttbar": Recipe("otus", epochs=303, batch_size=500, select_from=300),
    "flow-ttbar": Recipe("flow", epochs=120, batch_size=500, select_from=80, select_every=5),
    **{f"{name}-ttbar": Recipe(name, **EVENTS) for name in ("cyclegan", "pix2pix", "aae", "bibae")},
    **{
        f"{name}-digits": Recipe(name, {"units": 64} if "units" in preset.arguments else {}, **DIGITS)
        for name, preset in PRESETS.items()
        if "digits" in preset.dataset
    },
}


# Later recipes of some models, each of which starts from the result of the one before.
_SCORES = {"S_x_tilde": 10, "S_x_tilde_balance": 5, "S_z_tilde": 50}
_POOLED = _SCORES | {"S_x_tilde_marginal": 600, "S_x_tilde_tops": 100}
_TOPS = _POOLED | {"S_x_tilde_tops": 300}
_PEAKS = _TOPS | {"S_x_tilde_tops": 1000, "S_z_tilde": 100}
_BOTH = _PEAKS | {"S_x_tilde_tops": 2000, "S_z_tilde_marginal": 600}
LATER = {
    "gandalf-ttbar": [
        Recipe("gandalf", {"learning_rate": rate, "weights": weights}, batch_size=500, **epochs)
        for rate, weights, epochs in (
            (3e-4, _SCORES, {"epochs": 35, "select_from": 25, "select_every": 5}),
            (3e-4, _POOLED, {"epochs": 35, "select_from": 25, "select_every": 5}),
            (3e-4, _TOPS, {"epochs": 20, "select_from": 16, "select_every": 4}),
            (2e-4, _PEAKS, {"epochs": 24, "select_from": 16, "select_every": 4}),
            (2e-4, _BOTH, {"epochs": 40, "select_from": 32, "select_every": 4}),
        )
    ]
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a model; all of them if none")
    parser.add_argument("--runs", type=Path, required=True, help="folder of the trainings")
    parser.add_argument("--out", type=Path, default=Path("saved_models"))
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(RECIPES):
        parser.error(f"no model {', '.join(unknown)}; there are {', '.join(RECIPES)}")
    for name in arguments.names or RECIPES:
        run = arguments.runs / name
        trainings = [(run, RECIPES[name])]
        for count, recipe in enumerate(LATER.get(name, ()), 2):
            former, _ = trainings[-1]
            trainings.append((run.with_name(f"{name}-{count}"), replace(recipe, start=str(former))))
        for run, recipe in trainings:
            print(f"{run.name}: {recipe}", flush=True)
            if not (run / "model.keras").is_file():
                train(recipe, PRESETS[recipe.preset].load_dataset(), run, resume=True, verbose=2)
        if not (arguments.out / name).is_dir():
            ship(run, arguments.out / name, PRESETS[recipe.preset].truth())


if __name__ == "__main__":
    main()
