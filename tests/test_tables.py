"""Tables: names of weights, non-numeric columns, trees with other columns."""

from functools import partial
from pathlib import Path

import awkward as ak
import numpy as np
import pandas as pd
import pytest
import uproot
from conftest import hdf5, refused

import mizoo
from mizoo.datasets.weights import UnusedWeights
from mizoo.physics.library import ttbar as TTBAR

read = partial(mizoo.datasets.read, process=TTBAR)

DATA = Path(__file__).parent / "data"
ROOT = DATA / "ttbar_reco.root"


@pytest.fixture(scope="module")
def x(ttbar):
    return ttbar.train.x[:50]


def frame_of(x, **others):
    return pd.DataFrame(x, columns=TTBAR.columns("x")).add_prefix("x.").assign(**others)


def saved(path, frame):
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".npy":
        np.save(path, frame.to_records(index=False))
    else:
        with uproot.recreate(path) as file:
            file.mktree("events", dict(frame.dtypes))
            file["events"].extend({name: frame[name].to_numpy() for name in frame})
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".root", ".npy", ".h5", ".npz"])
def test_names_of_weights(suffix, x, tmp_path):
    path, weights = tmp_path / f"a{suffix}", np.arange(50.0)

    def table(**others):
        if suffix == ".h5":
            return hdf5(path, ROL=x, **others)
        if suffix == ".npz":
            np.savez(path, x=x, **others)
            return path
        return saved(path, frame_of(x, **others))

    for name in ("weight", "weights", "Weight"):
        np.testing.assert_array_equal(read(table(**{name: weights})).weights, weights)
    refused("several weights, weight and weights", read, table(weight=weights, weights=weights))
    if suffix != ".npz":  # which holds nothing else
        with pytest.warns(UnusedWeights, match=r"a\.\w+: gen_weight not used; weights are called 'weight'"):
            assert read(table(gen_weight=weights)).weights is None
        table(weight=weights, weight_up=weights)
        np.testing.assert_array_equal(read(path).weights, weights)
    if suffix in (".h5", ".npz"):
        np.testing.assert_array_equal(read(table(weight=weights[:, None])).weights, weights)
        for wrong in (3.0, np.ones((50, 2))):
            refused(r"weights must have shape \(n,\), one per event", read, table(weights=wrong))
        refused("pairs, got 50 x and 49 weights", read, table(weights=weights[:49]))


def test_columns_that_are_no_numbers(x, tmp_path):
    for suffix in (".parquet", ".csv"):
        path = tmp_path / f"a{suffix}"
        frame = frame_of(x)
        frame["x.px_met"] = [f"{value}" for value in frame["x.px_met"]]
        np.testing.assert_allclose(read(saved(path, frame)).x, x, rtol=1e-6)
        frame.loc[7, "x.px_met"] = "seven"
        refused(r"event 7: x\.px_met is 'seven', no number", read, saved(path, frame))
        with pytest.warns(UserWarning, match="1 bad events left out"):
            assert len(read(path, skip_bad=True)) == 49
        frame["x.px_met"] = "text"
        refused(r"column x\.px_met must be real numbers, has 'text'", read, saved(path, frame))
    frame = frame_of(x)
    frame["x.px_met"] = frame["x.px_met"] > 0
    for suffix in (".parquet", ".csv", ".root", ".npy"):
        path = saved(tmp_path / f"b{suffix}", frame)
        refused(r"column x\.px_met must be real numbers, (is|has) ", read, path)
    frame["x.px_met"] = [[1.0, 2.0]] * 50
    refused(r"column x\.px_met must be real numbers", read, saved(tmp_path / "c.parquet", frame))
    text = frame_of(x).to_csv(index=False).splitlines(keepends=True)
    for name, lines, message in (
        (
            "more",
            [*text[:5], text[5].strip() + ",1.0\n", *text[6:]],
            "Expected 24 fields in line 6, saw 25",
        ),
        ("all", [text[0], *(line.strip() + ",1.0\n" for line in text[1:])], "ParserWarning|fields"),
        ("less", [*text[:5], text[5].rpartition(",")[0] + "\n", *text[6:]], "event 4: x, E_jet4 is nan"),
        ("twice", [text[0].replace("x.py_e-", "x.px_e-"), *text[1:]], r"no column x\.py_e-"),
        (
            "doubled",
            [text[0].strip() + ",x.px_e-\n", *(t.strip() + ",1\n" for t in text[1:])],
            r"two columns x\.px_e-",
        ),
        ("joined", [*text, *text], r"event 50: x\.px_e- is 'x\.px_e-'"),
    ):
        path = tmp_path / f"{name}.csv"
        path.write_text("".join(lines))
        refused(message, read, path)
    (tmp_path / "bytes.csv").write_bytes("".join(text).encode("utf-16"))
    refused(r"bytes\.csv", read, tmp_path / "bytes.csv")


def test_trees_with_other_columns(x, tmp_path):
    columns = {name: column.to_numpy() for name, column in frame_of(x).items()}
    jagged = ak.Array([[1.0] * (i % 3) for i in range(50)])
    path = tmp_path / "a.root"
    for kind in ("mktree", "mkrntuple"):
        with uproot.recreate(path) as file:
            getattr(file, kind)("events", {**dict.fromkeys(columns, "float32"), "Jet": "var * float64"})
            file["events"].extend({**columns, "Jet": jagged})
        np.testing.assert_array_equal(read(path, chunk=7).x, x)
    with uproot.recreate(path) as file:
        types = dict.fromkeys(columns, "float32") | {"x.px_met": "var * float64"}
        file.mktree("events", types)
        file["events"].extend({**columns, "x.px_met": jagged})
    refused(r"column x\.px_met must have one number per event", read, path)
    for name in ("events", "Delphes"):
        with uproot.recreate(path) as file:
            file[name] = np.histogram(x[:, 0])
        refused(f"'{name}' must be a tree of .*, is a TH1D", read, path)


def test_weights_of_flat_delphes_files(tmp_path):
    objects = ("Electron", "Muon", "Photon", "Jet", "MissingET")
    fields = [f"{n}.{f}" for n in objects for f in ("MET" if n == "MissingET" else "PT", "Eta", "Phi")]
    with uproot.open(ROOT) as file:
        arrays = file["Delphes"].arrays([*fields, "Electron.Charge"], entry_stop=300)
    arrays = {name: arrays[name] for name in arrays.fields}
    types = {name: array.type.content for name, array in arrays.items()}
    path, weights = tmp_path / "a.root", np.arange(300.0)

    def skim(kind, values):
        with uproot.recreate(path) as file:
            file.mktree("Delphes", {**types, "Event.Weight": kind})
            file["Delphes"].extend({**arrays, "Event.Weight": values})

    skim("float64", weights)
    expected = read(path).weights
    assert len(set(expected)) == len(expected) > 20
    with uproot.recreate(path) as file:
        file.mktree("Delphes", {**types, "weight": "float64"})
        file["Delphes"].extend({**arrays, "weight": weights})
    np.testing.assert_array_equal(read(path).weights, expected)
    with uproot.recreate(path) as file:
        file.mktree("Delphes", {**types, "genWeight": "float64"})
        file["Delphes"].extend({**arrays, "genWeight": weights})
    with pytest.warns(UnusedWeights, match="genWeight not used"):
        assert read(path).weights is None
    skim("var * float64", ak.Array(weights[:, None].tolist()))
    np.testing.assert_array_equal(read(path).weights, expected)
    skim("var * float64", ak.Array([[1.0] * (1 + (i == 5)) for i in range(300)]))
    refused(r"branch Event\.Weight must have one value per event, event 5 has 2", read, path)
