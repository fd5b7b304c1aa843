"""Files state the process of their events, and readers take it from there, never from a default."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from mizoo.datasets import DroppedComponent, batches, read, read_arrays, stream, write
from mizoo.datasets.readers.process_metadata import sidecar
from mizoo.datasets.write import writer
from mizoo.physics.library import get, names
from mizoo.physics.process import Process

DATA = Path(__file__).parent / "data"
SUFFIXES = (".parquet", ".csv", ".h5", ".hdf5", ".npz", ".root")
ZH, ZEE, TTBAR = get("zh"), get("zee"), get("ttbar")


@pytest.fixture(scope="module")
def events():
    return read(DATA / "zh_reco.root", DATA / "zh_reco.lhe.gz", process=ZH)


def changed(**objects):
    """ZH with another first object."""
    content = ZH.to_dict()
    content["objects"][0] |= objects
    return Process(**content)


@pytest.mark.ci
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_say_what_their_events_are_of(suffix, events, tmp_path):
    path = tmp_path / f"a{suffix}"
    write(path, events)
    again = read(path)
    assert again.process == ZH
    np.testing.assert_allclose(again.x, events.x, rtol=1e-6)
    assert next(stream(path)).process == ZH
    assert next(iter(batches(path, batch_size=10)))["x"].shape == (10, 16)
    write(path, {"z": events.z}, process=ZH)  # anew
    assert read(path).process == ZH
    write(path, events.only("x"))
    # Other labels do not make another process; another name, threshold or mass does.
    assert read(path, process=changed(label="e")).process.objects[0].label == "e"
    other = "its events are of another process zh: "
    for process, message in (
        (ZEE, "its events are of zh, not of the process zee"),
        (changed(pt=20), rf"{other}objects\[0\].pt is 10.0 there, and 20.0 in the one that is given"),
        (changed(charge=1), rf"{other}objects\[0\].charge is -1 there, and 1 in the one that is given"),
    ):
        with pytest.raises(ValueError, match=rf"a\{suffix}: {message}") as caught:
            read(path, process=process)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", names())
def test_descriptions_come_back(name):
    process = get(name)
    assert Process(**json.loads(json.dumps(process.to_dict()))) == process


def test_partons_of_generators_have_the_process_of_their_objects(events, tmp_path):
    write(tmp_path / "x.parquet", events.only("x"))
    write(tmp_path / "z.npz", events.only("z"))
    assert read(tmp_path / "x.parquet", tmp_path / "z.npz").process == ZH
    np.savez(tmp_path / "silent.npz", z=events.z)
    pairs = read(tmp_path / "x.parquet", tmp_path / "silent.npz")
    assert pairs.process == ZH
    np.testing.assert_array_equal(pairs.z, events.z)
    np.testing.assert_array_equal(read_arrays(tmp_path / "z.npz").z, events.z)
    electrons = read(DATA / "zee_reco.root", process=ZEE)
    write(tmp_path / "zee.csv", electrons)
    with pytest.raises(
        ValueError, match=r"zee\.csv: its events are of zee, not of the process zh of .*x\.p"
    ):
        read(tmp_path / "x.parquet", tmp_path / "zee.csv")


def test_without_a_process_nothing_is_read_or_written(events, tmp_path):
    np.savez(tmp_path / "a.npz", x=events.x)
    for sources in (
        [tmp_path / "a.npz"], [DATA / "zh_reco.root"], [DATA / "zh_reco.lhe.gz"],
        [DATA / "zh_reco.root", DATA / "zh_reco.lhe.gz"], [events.frame("x")],
    ):  # fmt: skip
        for call in (read, lambda *s: next(stream(*s)), lambda *s: batches(*s, batch_size=3)):
            with pytest.raises(
                ValueError, match=r"which process\? give process=…, such as mizoo"
            ) as caught:
                call(*sources)
            assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"b\.csv: which process[?] give process="):
        write(tmp_path / "b.csv", {"x": events.x})
    with writer(tmp_path / "b.csv", ZH) as append:
        append({"x": events.x})
    assert read(tmp_path / "b.csv").process == ZH


def test_a_description_beside_a_table_is_that_of_the_table(events, tmp_path):
    path = tmp_path / "a.csv"
    write(path, events)
    assert sidecar(path).name == "a.csv.process.json"
    assert Process(**json.loads(sidecar(path).read_text())) == ZH
    write(path, read(DATA / "zee_reco.root", process=ZEE))
    assert read(path).process == ZEE
    (tmp_path / "link.csv").symlink_to(path)
    assert read(tmp_path / "link.csv").process == ZEE
    shutil.copy(path, tmp_path / "alone.csv")
    with pytest.raises(ValueError, match=r"alone\.csv: which process"):
        read(tmp_path / "alone.csv")
    for text in ("{", "[1]", '{"name": "zee"}', "3"):
        sidecar(path).write_text(text)
        with pytest.raises(ValueError, match=r"a\.csv: what it says of its process is damaged: ") as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_a_third_component_that_is_not_wanted_is_dropped_with_a_warning(events, tmp_path, ttbar):
    content = TTBAR.to_dict()
    content["objects"][1]["components"] = 2
    two = Process(**content)
    x = ttbar.test.x[:50]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["ROL"] = x
    with pytest.warns(DroppedComponent, match=r"a\.h5: pz_met of ttbar is dropped, up to \d+") as told:
        found = read(tmp_path / "a.h5", process=two, chunk=10).x
    assert len(told) == 1
    np.testing.assert_array_equal(found[:, 6], 0.0)
    np.testing.assert_allclose(found[:, 7], np.hypot(x[:, 4], x[:, 5]), rtol=1e-6)
    np.testing.assert_array_equal(np.delete(found, (6, 7), 1), np.delete(x, (6, 7), 1))
    np.testing.assert_array_equal(read(tmp_path / "a.h5", process=TTBAR).x, x)


def test_batches_have_a_limit_of_memory(events, tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.tile(events.x, (100, 1)))
    with pytest.raises(ValueError, match=r"a\.npz: what it holds takes .* raise max_bytes"):
        batches(tmp_path / "a.npz", batch_size=10, process=ZH, max_bytes=10_000)
