"""Several files: concatenation, and pairing of partons with detector objects of the same events."""

import gzip
import warnings
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
import uproot

import mizoo
from mizoo.datasets import Events, read_arrays
from mizoo.datasets.readers.pairing import DoubtfulPairs, rows_by_number, rows_by_position
from mizoo.physics.library import ttbar as TTBAR

read = partial(mizoo.datasets.read, process=TTBAR)
stream = partial(mizoo.datasets.stream, process=TTBAR)
write = partial(mizoo.datasets.write, process=TTBAR)

DATA = Path(__file__).parent / "data"
ROOT, LHE = DATA / "ttbar_reco.root", DATA / "ttbar_reco.lhe.gz"
OBJECTS = ("Electron", "Muon", "Photon", "Jet", "MissingET")


@pytest.fixture(scope="module")
def pairs():
    return read(ROOT, LHE)


@pytest.fixture(scope="module")
def branches():
    """All branches of the Delphes file that the reader needs, as awkward arrays."""
    fields = [f"{n}.{f}" for n in OBJECTS for f in ("MET" if n == "MissingET" else "PT", "Eta", "Phi")]
    with uproot.open(ROOT) as file:
        return file["Delphes"].arrays([*fields, "Electron.Charge", "Event.Number"])


@pytest.fixture(scope="module")
def documents():
    """Texts of the Les Houches events, the head first."""
    head, *events = (
        gzip.decompress(LHE.read_bytes()).decode().partition("</LesHouchesEvents>")[0].split("<event>")
    )
    return [head, *("<event>" + event for event in events)]


def delphes(path, arrays, numbers=True, kind="mktree"):
    names = [name for name in arrays.fields if numbers or name != "Event.Number"]
    with uproot.recreate(path) as file:
        getattr(file, kind)("Delphes", {name: arrays[name].type.content for name in names})
        file["Delphes"].extend({name: arrays[name] for name in names})
    return path


def les_houches(path, documents, start, stop):
    path.write_text(documents[0] + "".join(documents[1 + start : 1 + stop]) + "</LesHouchesEvents>\n")
    return path


@pytest.mark.slow
def test_files_of_x_and_files_of_z(pairs, branches, documents, tmp_path):
    x1 = delphes(tmp_path / "x1.root", branches[:1000], numbers=False)
    x2 = delphes(tmp_path / "x2.root", branches[1000:], numbers=False)
    z1 = les_houches(tmp_path / "z1.lhe", documents, 0, 1700)
    z2 = les_houches(tmp_path / "z2.lhe", documents, 1700, 3000)
    for sources in ((x1, z1, x2, z2), (z1, z2, x1, x2)):
        events = read(*sources)
        for space in "xz":
            np.testing.assert_array_equal(events[space], pairs[space])
    parts = list(stream(x1, x2, z1, z2, chunk=300))
    np.testing.assert_array_equal(np.concatenate([part.z for part in parts]), pairs.z)
    np.testing.assert_array_equal(read(x1, x2).x, read(ROOT).x)
    with pytest.raises(ValueError, match=r"numbers of events differ: up to here .*x1.root 1000, .*z1.lhe"):
        read(x1, z1)


@pytest.mark.ci
@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".npz", ".h5", ".root"])
def test_several_tables(suffix, pairs, tmp_path):
    for i, part in enumerate((pairs[:10], pairs[10:25])):
        write(tmp_path / f"{i}{suffix}", part)
        write(tmp_path / f"x{i}{suffix}", part.only("x"))
        write(tmp_path / f"z{i}{suffix}", part.only("z"))
    both, x, z = ([tmp_path / f"{name}{i}{suffix}" for i in (0, 1)] for name in ("", "x", "z"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for sources in (both, [*x, *z], [z[0], x[0], z[1], x[1]]):
            for space in "xz":
                np.testing.assert_allclose(read(*sources)[space], pairs[:25][space], rtol=1e-6)
    with pytest.raises(ValueError, match=r"0\S+ has x and z, and \S*x1\S+ only x"):
        read(both[0], x[1])
    with pytest.raises(ValueError, match=r"numbers of events differ: up to here .* 25, .* 15"):
        read(*x, z[1])


def test_several_files_of_arrays(tmp_path):
    x, z = np.arange(12.0).reshape(6, 2), np.arange(6.0)[:, None]
    for i in (0, 1):
        rows = slice(3 * i, 3 * i + 3)
        np.savez(tmp_path / f"both{i}.npz", x=x[rows], z=z[rows], weights=1.0 + z[rows, 0])
        np.savez(tmp_path / f"x{i}.npz", x=x[rows])
        np.savez(tmp_path / f"z{i}.npz", z=z[rows])
        np.save(tmp_path / f"a{i}.npy", x[rows])

    def data(*names):
        return read_arrays(*(tmp_path / name for name in names))

    np.testing.assert_array_equal(data("both0.npz", "both1.npz").x, x)
    np.testing.assert_array_equal(data("both0.npz", "both1.npz").weights, 1.0 + z[:, 0])
    np.testing.assert_array_equal(data("x0.npz", "z0.npz", "x1.npz", "z1.npz").z, z)
    np.testing.assert_array_equal(data("a0.npy", "a1.npy").x, x)
    np.testing.assert_array_equal(data("a0.npy", "a0.npy").x, np.concatenate([x[:3], x[:3]]))
    for names, message in (
        (("both0.npz", "x1.npz"), "both0.npz has x and z and .*x1.npz has x: give files"),
        (("x0.npz", "x1.npz", "z0.npz"), "got 6 x and 3 z"),
        ((), "nothing to read"),
    ):
        with pytest.raises(ValueError, match=message):
            data(*names)
    np.savez(tmp_path / "wide.npz", x=np.ones((2, 5)))
    with pytest.raises(
        ValueError, match=r"x0.npz and .*wide.npz: rows of x have different shapes, \(2,\) and \(5,\)"
    ):
        data("x0.npz", "wide.npz")
    np.savez(tmp_path / "w.npz", x=x, weight=np.ones(6))
    with pytest.raises(ValueError, match=r"w.npz has weights and .*x0.npz has none"):
        data("x0.npz", "w.npz")


@pytest.mark.slow
def test_skimmed_delphes_files_find_their_partons(pairs, branches, documents, tmp_path):
    kept = np.random.default_rng(0).permutation(3000)[:1500]
    expected = {tuple(x): z for x, z in zip(pairs.x[:, :4].tolist(), pairs.z, strict=True)}
    z1, z2 = (les_houches(tmp_path / f"z{i}.lhe", documents, 1500 * i, 1500 * i + 1500) for i in (0, 1))
    for order in (np.sort(kept), kept):
        skim = delphes(tmp_path / "skim.root", branches[order])
        for chunk, *sources in ((10_000, skim, LHE), (333, LHE, skim), (333, skim, z1, z2)):
            events = read(*sources, chunk=chunk)
            assert len(events) > 150
            for x, z in zip(events.x[:, :4].tolist(), events.z, strict=True):
                np.testing.assert_array_equal(z, expected[tuple(x)])
    skim = delphes(tmp_path / "skim.root", branches[kept], kind="mkrntuple")
    np.testing.assert_array_equal(read(skim, LHE, chunk=333).z, events.z)
    # Numbers begin anew with each file.
    first, second = branches[np.sort(kept[kept < 1500])], branches[np.sort(kept[kept >= 1500])]
    second["Event.Number"] = second["Event.Number"] - 1500
    skims = [delphes(tmp_path / f"skim{i}.root", part) for i, part in enumerate((first, second))]
    events = read(*skims, z1, z2)
    for x, z in zip(events.x[:, :4].tolist(), events.z, strict=True):
        np.testing.assert_array_equal(z, expected[tuple(x)])
    with pytest.raises(ValueError, match=r"numbers of events differ: .*Event\.Number does not say"):
        read(*skims, LHE)


def test_numbers_say_which_rows():
    numbers = np.arange(5)
    assert rows_by_position([numbers], [5], "") is None
    assert rows_by_position([numbers + 70], [5], "") is None  # of one job of many
    assert rows_by_position([numbers, numbers], [10], "") is None
    assert rows_by_position([np.zeros(5)], [5], "") is None  # no numbers, in truth
    assert rows_by_position([np.array([1, 4])], [5], "").tolist() == [1, 4]
    assert rows_by_position([np.array([2, 5])], [5], "").tolist() == [1, 4]  # counted from 1
    assert rows_by_position([np.array([1, 4]), np.array([0])], [5, 2], "").tolist() == [1, 4, 5]
    assert rows_by_position([np.array([4, 3, 2, 1, 0])], [5], "").tolist() == [4, 3, 2, 1, 0]
    for wrong in ([7, 9], [1, 1], [-1, 2]):
        with pytest.raises(ValueError, match="numbers of events differ"):
            rows_by_position([np.array(wrong)], [5], "a and b")
    assert rows_by_number([numbers], [numbers], "") is None
    assert rows_by_number([np.array([9, 4])], [np.array([4, 7, 9])], "").tolist() == [2, 0]
    assert rows_by_number([np.array([9, 5])], [np.array([4, 7, 9])], "").tolist() == [2, -1]
    assert rows_by_number([numbers[:2], numbers[:2]], [numbers, numbers], "").tolist() == [0, 1, 5, 6]
    with pytest.raises(ValueError, match="there twice in a and b"):
        rows_by_number([np.array([1, 1])], [np.array([1, 2])], "a and b")


@pytest.mark.ci
@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".root", ".h5", "memory"])
def test_tables_with_event_numbers(suffix, pairs, tmp_path):
    few = pairs[:40]
    numbers = np.random.default_rng(1).permutation(1000)[:40]
    order = np.random.default_rng(2).permutation(40)

    def table(name, events, numbers):
        frame = events.frame(name).add_prefix(f"{name}.").assign(event=numbers)
        path = tmp_path / f"{name}{suffix}"
        if suffix == "memory":
            return frame
        if suffix == ".h5":
            with h5py.File(path, "w") as file:
                file[{"x": "ROL", "z": "FDL"}[name]], file["event"] = events[name], numbers
        elif suffix == ".root":
            with uproot.recreate(path) as file:
                file.mktree("events", dict(frame.dtypes))
                file["events"].extend({column: frame[column].to_numpy() for column in frame})
        else:
            frame.to_parquet(path) if suffix == ".parquet" else frame.to_csv(path, index=False)
        return path

    x = table("x", few[5:30], numbers[5:30])
    z = table("z", few[order], numbers[order])
    for sources in ((x, z), (z, x)):
        for chunk in (10_000, 7):
            np.testing.assert_allclose(read(*sources, chunk=chunk).z, few.z[5:30], rtol=1e-6)
    z = table("z", few[6:], numbers[6:])
    with pytest.raises(ValueError, match=r"event 0: its number is in no file of z"):
        read(x, z)
    with pytest.warns(UserWarning, match="1 bad events left out"):
        np.testing.assert_allclose(read(x, z, skip_bad=True).z, few.z[6:30], rtol=1e-6)
    z = table("z", few[:40], np.zeros(40))
    with pytest.raises(ValueError, match="an event number is there twice"):
        read(x, z)
    z = table("z", few[:40], numbers + 0.5)
    with pytest.raises(ValueError, match="event must be a whole number"):
        read(x, z)


@pytest.mark.ci
def test_pairs_that_do_not_point_the_same_way(pairs, documents, branches, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for few in (pairs[:12], pairs[:60], pairs):
            write(tmp_path / "x.npz", few.only("x"))
            write(tmp_path / "z.npz", few.only("z"))
            read(tmp_path / "x.npz", tmp_path / "z.npz")
    for z in (np.roll(pairs.z, 1, 0), np.concatenate([pairs.z[:200], pairs.z[201:], pairs.z[200:201]])):
        write(tmp_path / "turned.npz", Events(z=z, process=TTBAR))
        for chunk in (10_000, 13):
            with pytest.warns(
                DoubtfulPairs, match=r"x\.npz and \S+turned\.npz: .*do not point the same way"
            ):
                read(tmp_path / "x.npz", tmp_path / "turned.npz", chunk=chunk)
    other = les_houches(tmp_path / "other.lhe", [documents[0], *documents[2:], documents[1]], 0, 3000)
    with pytest.warns(DoubtfulPairs):
        read(delphes(tmp_path / "x.root", branches, numbers=False), other)


def test_a_file_without_events_is_named(branches, documents, tmp_path):
    empty = les_houches(tmp_path / "empty.lhe", documents, 0, 0)
    for sources in ((ROOT, empty), (LHE, empty), (empty, ROOT, LHE)):
        with pytest.raises(ValueError, match=r"empty\.lhe: it has no events"):
            read(*sources)
    none = delphes(tmp_path / "none.root", branches[:0])
    with pytest.raises(ValueError, match=r"none\.root: it has no events"):
        read(ROOT, none)


def test_z_that_is_given_twice_must_agree(pairs, tmp_path):
    few = pairs[:20]
    write(tmp_path / "both.npz", few)
    write(tmp_path / "z.npz", few.only("z"))
    np.testing.assert_array_equal(read(tmp_path / "both.npz", tmp_path / "z.npz").z, few.z)
    write(tmp_path / "z.npz", few[::-1].only("z"))
    with pytest.raises(ValueError, match=r"both\.npz has z as well, and not that of .*z\.npz"):
        read(tmp_path / "both.npz", tmp_path / "z.npz")


def test_weights_of_several_files(pairs, tmp_path):
    few = pairs[:6]
    one, other = few.only("x").frame("x").add_prefix("x."), few.only("z").frame("z").add_prefix("z.")
    weights = np.arange(1.0, 7.0)
    assert read(one, other).weights is None
    np.testing.assert_array_equal(read(one.assign(weight=weights), other).weights, weights)
    np.testing.assert_array_equal(
        read(one.assign(weight=weights), other.assign(weight=1.0)).weights, weights
    )
    np.testing.assert_array_equal(
        read(one.assign(weight=weights), other.assign(weights=weights)).weights, weights
    )
    with pytest.raises(ValueError, match=r"the weight of event 1 is 2 in .* and 5 in"):
        read(one.assign(weight=weights), other.assign(weight=weights[::-1]))
    np.testing.assert_array_equal(
        read(one.assign(weight=weights), one.assign(weight=weights)).weights, [*weights] * 2
    )
    with pytest.raises(ValueError, match=r"has weights and .* has none"):
        read(one.assign(weight=weights), one)
