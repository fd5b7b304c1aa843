"""What files may hold that is no number, was never stored, is elsewhere, or does not fit into memory."""

import importlib
import zipfile
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pytest
import uproot

from mizoo.datasets import read, read_arrays, stream, write
from mizoo.datasets.damage import brief, named
from mizoo.datasets.weights import UnusedWeights
from mizoo.extra import extra
from mizoo.physics import TTBAR

DATA = Path(__file__).parent / "data"
ROOT = DATA / "ttbar_reco.root"


@pytest.fixture(scope="module")
def x(ttbar):
    return ttbar.train.x[:50]


def refused(message, call, *arguments, **options):
    with pytest.raises(ValueError, match=message) as caught:
        call(*arguments, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(str(arguments[0]))


def hdf5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return path


def test_data_sets_that_are_elsewhere(x, tmp_path):
    hdf5(tmp_path / "parts.h5", a=x[:30], b=x[30:])
    path = tmp_path / "virtual.h5"

    def virtual(*parts, shape=(50, 24)):
        layout = h5py.VirtualLayout(shape, "f4")
        for start, stop, source in parts:
            layout[start:stop] = source
        with h5py.File(path, "w") as file:
            file.create_virtual_dataset("ROL", layout)

    first = h5py.VirtualSource("parts.h5", "a", (30, 24))
    second = h5py.VirtualSource("parts.h5", "b", (20, 24))
    virtual((0, 30, first), (30, 50, second))
    np.testing.assert_array_equal(read(path).x, x)
    virtual((0, 30, first))
    refused("ROL has 480 values that no other data set gives", read, path)
    virtual((0, 30, h5py.VirtualSource("parts.h5", "c", (30, 24))), (30, 50, second))
    refused(r"ROL is made of c of parts\.h5, which is missing or incomplete", read, path)
    virtual((0, 30, h5py.VirtualSource("parts.h5", "b", (30, 24))), (30, 50, second))
    refused(r"ROL is made of b of parts\.h5, which is missing or incomplete", read, path)
    virtual((0, 20, first[5:25]), (20, 40, second), (40, 50, first[:10]))
    np.testing.assert_array_equal(read(path).x, np.concatenate([x[5:25], x[30:], x[:10]]))
    virtual((0, 25, h5py.VirtualSource("parts.h5", "b", (30, 24))[5:]), (25, 50, first[:25]))
    refused(r"ROL is made of b of parts\.h5, which is missing or incomplete", read, path)
    path = hdf5(tmp_path / "links.h5", FDL=x)
    for name, link, message in (
        ("ROL", h5py.ExternalLink("gone.h5", "/a"), r"ROL is a link to /a in gone\.h5"),
        ("ROL", h5py.ExternalLink("parts.h5", "/c"), r"ROL is a link to /c in parts\.h5"),
        ("ROL", h5py.SoftLink("/nowhere"), "ROL is a link to /nowhere"),
        ("ROL", h5py.SoftLink("/ROL"), "ROL is a link to /ROL"),
        ("weights", h5py.SoftLink("/nowhere"), "weights is a link to /nowhere"),
        ("ROL/data", h5py.ExternalLink("gone.h5", "/a"), r"data is a link to /a in gone\.h5"),
    ):
        with h5py.File(path, "a") as file:
            file[name] = link
        refused(message, read, path)
        with h5py.File(path, "a") as file:
            del file[name.partition("/")[0]]
    with h5py.File(path, "a") as file:
        file["ROL"] = h5py.ExternalLink("parts.h5", "/a")
        del file["FDL"]
    np.testing.assert_array_equal(read(path).x, x[:30])
    with h5py.File(path, "w") as file:
        file.create_dataset("ROL", (50, 24), "f4", external=[(str(tmp_path / "raw"), 0, 50 * 96)])
    refused("ROL is stored in .*raw, which is missing or cut short", read, path)
    (tmp_path / "raw").write_bytes(x[:40].tobytes())
    refused("ROL is stored in .*raw, which is missing or cut short", read, path)
    (tmp_path / "raw").write_bytes(x.tobytes())
    np.testing.assert_array_equal(read(path).x, x)


def test_values_that_nobody_stored(x, tmp_path):
    path = tmp_path / "a.h5"
    for options in ({}, {"chunks": (10, 24)}, {"chunks": (10, 24), "compression": "gzip"}):
        with h5py.File(path, "w") as file:
            file.create_dataset("ROL", (60_000_000, 24), "f4", **options)
        assert path.stat().st_size < 5000
        refused(r"ROL has shape \(60000000, 24\)", read, path)
        refused(r"ROL has shape \(60000000, 24\)", lambda p: list(stream(p)), path)
    with h5py.File(path, "w") as file:
        file.create_dataset("ROL", (50, 24), "f4", chunks=(10, 24))[:40] = x[:40]
    refused("4 of its 5 pieces were stored", read, path)


TYPES = {
    "complex": (lambda a: a.astype("c8"), "complex64"),
    "truth": (lambda a: a > 0, "bool"),
    "text": (lambda a: a.astype("S8"), "S8"),
    "records": (lambda a: a.astype([("a", "f4")]), "records"),
}


@pytest.mark.parametrize(("change", "message"), TYPES.values(), ids=TYPES)
def test_arrays_that_are_no_real_numbers(change, message, x, tmp_path):
    refused(f"ROL must be real numbers, got .*{message}", read, hdf5(tmp_path / "a.h5", ROL=change(x)))
    np.savez(tmp_path / "a.npz", x=change(x))
    refused(f"x must be real numbers, got .*{message}", read, tmp_path / "a.npz")
    np.savez(tmp_path / "w.npz", x=x, weights=change(x[:, 0]))
    refused(f"weights must be real numbers, got .*{message}", read, tmp_path / "w.npz")
    if message != "bool":  # images may be masks
        refused("could not convert x to real numbers", read_arrays, tmp_path / "a.npz")
    refused("could not convert weights to real numbers", read_arrays, tmp_path / "w.npz")


@pytest.mark.parametrize("shape", [(50, 6, 4), (50, 4, 6), (50, 12), (50,), (1, 50, 24), ()])
def test_shapes(shape, x, tmp_path):
    array = (
        x[:, : int(np.prod(shape[1:]))].reshape(shape) if shape not in ((), (50,), (1, 50, 24)) else None
    )
    array = {(): x[0, 0], (50,): x[:, 0], (1, 50, 24): x[None]}.get(shape, array)
    for path in (hdf5(tmp_path / "a.h5", ROL=array), tmp_path / "a.npz", tmp_path / "a.npy"):
        if path.suffix == ".npz":
            np.savez(path, x=array)
        elif path.suffix == ".npy":
            np.save(path, array)
        if shape == (50, 6, 4):
            np.testing.assert_array_equal(read(path).x, x)
        else:
            refused(r"x .*of ttbar must have shape \(n, 24\) or \(n, 6, 4\)", read, path)


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


def test_selections_that_fail_are_named():
    def mine(objects, process):
        return objects["Tau"]

    def short(objects, process):
        return np.ones(3, bool)

    refused("the selection mine fails: KeyError", read, ROOT, select=mine)
    refused(r"the selection short must give one truth value per event, \(3000,\)", read, ROOT, select=short)


def test_what_does_not_fit_is_refused_at_a_limit_that_can_be_raised(x, tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((100_000, 24), "f4"))
    assert (tmp_path / "a.npz").stat().st_size < 100_000
    for call in (read, read_arrays):
        refused(r"9\.6e\+06 bytes of memory at once, more than max_bytes = 1e\+06; .*raise max_bytes", call,
                tmp_path / "a.npz", max_bytes=1_000_000)  # fmt: skip
    assert len(read_arrays(tmp_path / "a.npz")) == 100_000
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("ROL", data=np.tile(x, (2000, 1)), chunks=(100_000, 24), compression="gzip")
        file.create_dataset("FDL", data=np.tile(x, (2000, 1)), chunks=(1000, 24), compression="gzip")
    refused("a piece that ROL is stored in takes", read, tmp_path / "a.h5", max_bytes=1_000_000)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        del file["ROL"], file["FDL"]
        file.create_dataset("ROL", data=np.tile(x, (2000, 1)), chunks=(1000, 24), compression="gzip")
    refused("the result takes", read, tmp_path / "a.h5", max_bytes=1_000_000)
    parts = stream(tmp_path / "a.h5", max_bytes=1_000_000)
    assert sum(map(len, parts)) == 100_000
    text = frame_of(x).to_csv(index=False) + "1" * 3_000_000
    (tmp_path / "a.csv").write_text(text)
    refused("a line has more than 1000000 characters", read, tmp_path / "a.csv", max_bytes=64_000_000)
    refused("a chunk of 10000 events takes", read, ROOT, max_bytes=100_000)


def test_headers_that_promise_more_than_there_is(x, tmp_path):
    np.save(tmp_path / "a.npy", x)
    content = (tmp_path / "a.npy").read_bytes()
    huge = content.replace(b"(50, 24), }          ", b"(5000000000000, 24), }")[: len(content)]
    assert huge != content
    (tmp_path / "a.npy").write_bytes(huge)
    for call in (read, read_arrays):
        refused(r"a\.npy", call, tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("x.npy", huge)
    for call in (read, read_arrays):
        refused("array x is damaged", call, tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("x.npy", content)
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("x.npy", content)
    refused("two arrays of one name", read, tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["a.txt", "a", "a.root.gz", "a.npz.gz", "a.gz", "a.parquet.gz"])
def test_formats_that_are_not_known(name, tmp_path):
    (tmp_path / name).write_bytes(b"")
    refused("unknown format", read, tmp_path / name)


@pytest.mark.parametrize("suffix", [".lhe", ".lhe.gz", ".root", ".parquet", ".csv", ".npz", ".npy", ".h5"])
def test_files_that_are_not_there_or_empty(suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    for call in (read, read_arrays) if suffix in (".npz", ".npy") else (read,):
        with pytest.raises(FileNotFoundError, match=r"a\.\S+: no such file"):
            call(path)
        for content in (b"", b"\x00" * 1000):
            path.write_bytes(content)
            refused(r"a\.", call, path)
        path.unlink()


def test_momenta_that_are_all_zero(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((30, 24)))
    refused("x, all energies are 0", read, tmp_path / "a.npz")


def test_other_things_than_files(x, tmp_path):
    for thing in ([1, 2], None, x, {"x": x}):
        with pytest.raises(ValueError, match="events come from a path, a DataFrame or an awkward array"):
            read(thing)
    (tmp_path / "folder.lhe").mkdir()
    with pytest.raises((ValueError, OSError), match=r"folder\.lhe"):
        read(tmp_path / "folder.lhe")
    with pytest.raises(ValueError, match="chunk must be 1 or more"):
        read(ROOT, chunk=0)
    write(tmp_path / "upper.CSV".lower(), {"x": x})
    (tmp_path / "upper.csv").rename(tmp_path / "UPPER.CSV")
    assert len(read(tmp_path / "UPPER.CSV")) == 50


def test_errors_in_one_line():
    for error in (
        KeyError("a"),
        MemoryError(),
        RecursionError("too deep"),
        ValueError("one\n\ntwo"),
        EOFError(),
    ):
        with pytest.raises(ValueError, match=r"^a\.lhe: \S") as caught, named("a.lhe"):
            raise error
        assert "\n" not in str(caught.value)
    assert brief(ValueError("\n first \n second")) == "first"
    assert len(brief(ValueError("x" * 10_000))) < 220
    with pytest.raises(ImportError, match="as it is"), named("a.lhe"):
        raise ImportError("as it is")


def test_missing_libraries_are_named_with_what_installs_them(monkeypatch, tmp_path):
    found = importlib.import_module

    def without(name, *arguments):
        if name.partition(".")[0] in ("pylhe", "pyarrow"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name == "uproot":
            raise ModuleNotFoundError("No module named 'fsspec'", name="fsspec")
        return found(name, *arguments)

    monkeypatch.setattr(importlib, "import_module", without)
    for name, message in (
        ("a.lhe", r"^reading .lhe files needs pylhe: pip install pylhe$"),
        ("a.parquet", r"^reading .parquet files needs pyarrow: pip install pyarrow$"),
        (
            "a.root",
            r"^reading .root files needs uproot, which is installed but cannot be imported: .*fsspec",
        ),
    ):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(ImportError, match=message) as caught:
            read(tmp_path / name)
        assert "mizoo" not in str(caught.value)
    with pytest.raises(ImportError, match=r"^this needs pylhe: pip install pylhe$"):
        extra("pylhe")
