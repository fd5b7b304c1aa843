"""Content of files that is not numeric, was never stored, is elsewhere, or does not fit into memory."""

import importlib
import zipfile
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import hdf5, refused

import mizoo
from mizoo.core.optional import extra
from mizoo.datasets import read_arrays
from mizoo.datasets.readers.damage import brief, named
from mizoo.physics.library import ttbar as TTBAR

read = partial(mizoo.datasets.read, process=TTBAR)
stream = partial(mizoo.datasets.stream, process=TTBAR)
write = partial(mizoo.datasets.write, process=TTBAR)

DATA = Path(__file__).parent / "data"
ROOT = DATA / "ttbar_reco.root"


@pytest.fixture(scope="module")
def x(ttbar):
    return ttbar.train.x[:50]


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


def test_selections_that_fail_are_named():
    def mine(objects, process):
        return objects["tau"]

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
    text = ",".join(f"x.{name}" for name in TTBAR.columns("x")) + "\n" + "1" * 3_000_000
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
