"""Every physics preset on every process: built from the description alone, trained, saved and used."""

import json
from pathlib import Path

import jsonschema
import keras
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import mizoo
from mizoo.cli import app
from mizoo.datasets import Events, Split, read, write
from mizoo.physics import Process, accepted, library
from mizoo.presets import PRESETS

pytestmark = pytest.mark.usefixtures("eagerly")

MADE_UP = Process(
    name="three",
    partons=[
        {"name": "e1", "pdgid": 11},
        {"name": "e2", "pdgid": 11},
        {"name": "e3", "pdgid": -11},
        {"name": "q", "pdgid": [1, 2, 3, 4]},
        {"name": "g", "pdgid": 21},
    ],
    decays=[{"name": "Z", "pdgid": 23, "daughters": ["e1", "e3"]}],
    balanced=False,
    objects=[
        {"name": "e-", "kind": "electron", "charge": -1, "count": 2, "pt": 12, "eta": 2.1},
        {"name": "e+", "kind": "electron", "charge": 1, "pt": 12, "eta": 2.1},
        {"name": "jet", "kind": "jet", "count": 2, "pt": "25 + abs(eta)", "eta": 4.0, "cone": 0.4},
    ],
)
PROCESSES = {**{name: library.get(name) for name in ("ttbar", "zee", "zh")}, "three": MADE_UP}
SIZES = {
    "flow": {"units": 8, "couplings": 2},
    "turbosim": {"units": 8, "couplings": 2},
    "gandalf": {"latent": 8, "width": 8, "units": 16, "blocks": 1, "evaluations": 4},
    "otus": {"projections": 10},
}
PHYSICAL = [name for name, preset in PRESETS.items() if preset.takes_process]
# Each process once in `.ci/run`, with presets whose graphs are small; `.ci/nightly` has the whole grid.
USUAL = {("aae", "ttbar"), ("cyclegan", "zee"), ("otus", "zh"), ("pix2pix", "three")}
GRID = [
    pytest.param(name, of, marks=pytest.mark.ci if (name, of) in USUAL else pytest.mark.slow)
    for name in PHYSICAL
    for of in PROCESSES
]


def toy(process, count=300):
    """Pairs of a process: partons with widths and masses of its decays, objects near their partons."""
    from mizoo.representations import ObjectCoordinates, PartonCoordinates

    random = np.random.default_rng(1)
    events = {}
    for space, representation in (("z", PartonCoordinates(process)), ("x", ObjectCoordinates(process))):
        representation.build((None, *representation.physical_shape))
        coordinates = random.normal(scale=0.5, size=(count, *representation.shape)).astype("float32")
        for angle in representation.angles:
            coordinates[:, angle] = random.uniform(-np.pi, np.pi, count)
        of = [1.5 if space == "x" and one.kind != "met" else 60.0 for one in process.particles(space)]
        representation.scales.assign(of[: representation.scales.shape[0]])
        if space == "x":
            representation.peaks.assign(np.full(representation.peaks.shape, 90.0))
        events[space] = representation.inverse(coordinates).numpy()
    return Events(**events, process=process)


@pytest.fixture(scope="module")
def data():
    made = {}

    def of(name):
        if name not in made:
            made[name] = toy(PROCESSES[name])
        return made[name]

    return of


def check_valid(events, process, space):
    """Whether events are on their mass shells, accepted, in order, and balanced if they have to be."""
    assert np.isfinite(events).all()
    objects = np.asarray(events, "float64").reshape(len(events), -1, 4)
    shell = np.sqrt(np.square(objects[..., :3]).sum(-1) + np.square(process.masses(space)))
    np.testing.assert_allclose(objects[..., 3], shell, rtol=2e-6, atol=1e-5)
    if space == "x":
        assert accepted(events, process).all()
        pt = np.hypot(objects[..., 0], objects[..., 1])
        for places in process.ordered:
            assert (np.diff(pt[:, places]) <= 1e-4 * pt[:, places[:-1]]).all()


@pytest.mark.parametrize(("preset", "name"), GRID)
def test_a_preset_takes_any_process(preset, name, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    process, events = PROCESSES[name], data(name)
    (tmp_path / "own.yaml").write_text(json.dumps(process.to_dict()))  # JSON is YAML
    write("train.h5", events)
    runner = CliRunner()

    def run(*arguments):
        result = runner.invoke(app, list(map(str, arguments)), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result

    sizes = [f"--set={key}={value}" for key, value in SIZES.get(preset, {}).items()]
    run(
        "train",
        preset,
        "--process",
        "own.yaml",
        "--data",
        "train.h5",
        "--out",
        "run",
        "--epochs",
        1,
        "--batch-size",
        120,
        *sizes,
    )
    model = keras.saving.load_model("run/model.keras")
    split = Split(events[:240], events[240:270], events[270:])
    for role, source, target in (("decode", "z", "x"), ("encode", "x", "z")):
        if role not in model.endpoints:
            continue
        if model.has_prior:
            check_valid(model.sample(30, seed=1), process, "x")
            continue
        drawn = np.asarray(getattr(model, role)(split.test[source], seed=1))
        check_valid(drawn, process, target)
        write("given.h5", split.test.only(source))
        command, out = {"decode": ("simulate", "x.parquet"), "encode": ("unfold", "z.root")}[role]
        run(command, "run", "given.h5", "--out", out, "--seed", 1)
        again = read(out)
        assert again.process == process
        assert len(again) == 30
        check_valid(again[target], process, target)
    shown = run("evaluate", "run").output
    assert process.columns("x")[0] in shown


@pytest.mark.parametrize("name", PROCESSES)
def test_descriptions_survive_files(name, tmp_path):
    process, path = PROCESSES[name], tmp_path / "own.yaml"
    path.write_text(json.dumps(process.to_dict()))
    assert Process.load(path) == process == Process(**process.to_dict())


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.ci if name == "zh" else pytest.mark.slow) for name in PROCESSES],
)
def test_descriptions_survive_configurations(name):
    model = mizoo.presets.gandalf(PROCESSES[name], **SIZES["gandalf"])
    again = type(model).from_config(json.loads(json.dumps(model.get_config())))
    assert again.x_representation.process == again.z_representation.process == PROCESSES[name]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"process": "zee", "x": [8], "z": [8]}, "takes a process, or x and z in its place"),
        ({"z": [8]}, "needs both spaces"),
        ({"process": "zzz"}, "no process 'zzz'; there are ttbar, ttbar_events, zee, zh"),
        ({"process": 3}, "process should be a Process, the name of one, or its description"),
    ],
)
@pytest.mark.parametrize("preset", ["flow", "turbosim", "cyclegan"])
def test_a_process_and_shapes_exclude_each_other(preset, given, message):
    with pytest.raises(ValueError, match=message):
        PRESETS[preset].factory(**given)


def test_a_file_of_a_process_has_to_be_there():
    with pytest.raises(FileNotFoundError, match=r"none\.yaml"):
        mizoo.presets.flow("none.yaml")


def test_the_schema_of_descriptions_is_the_packaged_one():
    folder = Path(library.__file__).parent
    schema = json.loads((folder / "process.schema.json").read_text())
    assert schema == Process.json_schema()  # else: write it anew
    for path in folder.glob("*.yaml"):
        jsonschema.validate(yaml.safe_load(path.read_text()), schema)
    with pytest.raises(jsonschema.ValidationError, match="'mas' was unexpected"):
        jsonschema.validate({"name": "a", "partons": [{"name": "b", "pdgid": 5, "mas": 1}]}, schema)
