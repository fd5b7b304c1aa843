"""Imports run one way, and listings need no TensorFlow."""

import subprocess
import sys
from pathlib import Path

import pytest


def test_imports_run_one_way():
    from importlinter.cli import lint_imports

    assert lint_imports() == 0


@pytest.mark.ci
@pytest.mark.parametrize(
    "words", [["--help"], ["presets"], ["models"], ["train", "--help"], ["simulate", "--help"]]
)
def test_listings_do_not_import_tensorflow(words):
    code = (
        "import sys; sys.argv[1:] = sys.argv[1:]\n"
        "from mizoo.cli import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules), 'imported'"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.ci
def test_package_is_lazy_and_complete():
    import mizoo

    code = "import sys, mizoo; assert 'tensorflow' not in sys.modules; assert mizoo.Turbo"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    for name in mizoo.__all__:
        assert getattr(mizoo, name) is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        "import mizoo; mizoo.load(PATH).trainable()",
        "import keras, mizoo; keras.saving.load_model(PATH + '/model.keras')",
    ],
)
def test_saved_models_find_their_classes(code):
    folder = Path(__file__).parents[1] / "saved_models" / "turbosim-ttbar"
    done = subprocess.run(
        [sys.executable, "-c", f"PATH = {str(folder)!r}; {code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_index_of_presets_is_that_of_the_registry():
    from mizoo.presets import PRESETS
    from mizoo.presets.index import entries

    listed = {entry.name: entry for entry in entries()}
    assert set(listed) == set(PRESETS)
    for name, preset in PRESETS.items():
        assert listed[name][1:] == (preset.summary, preset.data, preset.paper)
