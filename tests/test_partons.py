"""Identification of partons by their decays, in Les Houches events and in records of whole events."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from mizoo.datasets import SkippedEvents, read
from mizoo.datasets.readers.ancestry import Ambiguous
from mizoo.datasets.readers.record import partons
from mizoo.physics.library import ttbar as TTBAR
from mizoo.physics.library import zee as ZEE
from mizoo.physics.process import Process

DATA = Path(__file__).parent / "data"
HEAD = '<LesHouchesEvents version="3.0">\n<init>\n2212 2212 6500 6500 0 0 0 0 3 1\n1 0.1 1 9999\n</init>\n'
ZZ = Process(
    name="zz",
    partons=[
        {"name": f"e{sign}{i}", "pdgid": 11 if sign == "-" else -11} for i in (1, 2) for sign in ("-", "+")
    ],
    decays=[
        {"name": "Z1", "pdgid": 23, "daughters": ["e-1", "e+1"]},
        {"name": "Z2", "pdgid": 23, "daughters": ["e-2", "e+2"]},
    ],
    objects=[
        {"name": "e-", "kind": "electron", "charge": -1, "count": 2},
        {"name": "e+", "kind": "electron", "charge": 1, "count": 2},
    ],
)


def event(*particles, weight=1.0):
    """Two gluons and particles (code, status, mother, px), all of pT px and pz 10, massless."""
    lines = [f"{len(particles) + 2} 9999 {weight} 91.0 0.0078 0.118"]
    lines += [f"21 -1 0 0 0 0 0 0 {pz} 500 0 0 9" for pz in (500, -500)]
    for code, status, mother, px in particles:
        first, last = mother if isinstance(mother, tuple) else (mother, 0)
        lines.append(f"{code} {status} {first} {last} 0 0 {px} 0 10 {np.hypot(px, 10):.10e} 0 0 9")
    return "<event>\n" + "\n".join(lines) + "\n</event>\n"


def document(*events):
    return HEAD + "".join(events) + "</LesHouchesEvents>\n"


def light(process):
    """A process whose resonances have the masses of the events here, 1 GeV or so."""
    decays = tuple(decay.model_copy(update={"mass": 1.0}) for decay in process.decays)
    return process.model_copy(update={"decays": decays})


def found(tmp_path, process, *particles):
    """px of the partons of an event; None if they are missing."""
    (tmp_path / "a.lhe").write_text(document(event(*particles)))
    try:
        return read(tmp_path / "a.lhe", process=light(process)).z[0, ::4].tolist()
    except ValueError as error:
        if "no events of" in str(error):
            return None
        raise


HARD = (1, 2)
# Rows from 1: 3 t, 4 tbar, 5 W+, 6 b, 7 W-, 8 bbar, 9 dbar, 10 u, 11 e-, 12 nubar
DECAYS = (
    (6, 2, HARD, 1), (-6, 2, HARD, 2), (24, 2, 3, 3), (5, 1, 3, 13), (-24, 2, 4, 5), (-5, 1, 4, 14),
    (-1, 1, 5, 16), (2, 1, 5, 15), (11, 1, 7, 11), (-12, 1, 7, 12),
)  # fmt: skip
ORDERED = [11, 12, 13, 14, 15, 16]


def shifted(particles, by):
    """The same particles after `by` others."""
    moved = []
    for code, status, mother, px in particles:
        moved.append((code, status, mother if mother == HARD else mother + by, px))
    return tuple(moved)


EXTRAS = {
    "u": ((2, 1, HARD, 90),),
    "d and dbar": ((1, 1, HARD, 90), (-1, 1, HARD, 91)),
    "b": ((5, 1, HARD, 90),),
    "e-": ((11, 1, HARD, 90),),
    "all": ((2, 1, HARD, 90), (-1, 1, HARD, 91), (11, 1, HARD, 92), (-12, 1, HARD, 93)),
}


@pytest.mark.parametrize("extra", EXTRAS.values(), ids=EXTRAS)
def test_an_extra_parton_of_the_hard_process_is_not_that_of_the_decay(extra, tmp_path):
    assert found(tmp_path, TTBAR, *DECAYS, *extra) == ORDERED
    assert found(tmp_path, TTBAR, *extra, *shifted(DECAYS, len(extra))) == ORDERED


@pytest.mark.parametrize("pair", [(21, 5), (22, 11), (23, 2)])
def test_a_pair_from_another_boson_is_not_that_of_the_decay(pair, tmp_path):
    boson, code = pair
    before = ((boson, 2, HARD, 80), (code, 1, 3, 90), (-code, 1, 3, 91))
    assert found(tmp_path, TTBAR, *before, *shifted(DECAYS, 3)) == ORDERED
    after = ((boson, 2, HARD, 80), (code, 1, 13, 90), (-code, 1, 13, 91))
    assert found(tmp_path, TTBAR, *DECAYS, *after) == ORDERED


def test_copies_are_passed_over(tmp_path):
    radiating = (
        (6, 2, HARD, 1), (-6, 2, HARD, 2), (6, 2, 3, 3), (21, 1, 3, 80), (24, 2, 5, 4), (5, 2, 5, 5),
        (5, 1, 8, 13), (21, 1, 8, 81), (24, 2, 7, 6), (2, 1, 11, 15), (-1, 1, 11, 16),
        (-24, 2, 4, 5), (-5, 1, 4, 14), (11, 2, 14, 9), (-12, 1, 14, 12), (11, 1, 16, 11), (22, 1, 16, 82),
    )  # fmt: skip
    assert found(tmp_path, TTBAR, *radiating) == ORDERED


def test_resonances_that_are_left_out(tmp_path):
    no_w = (
        (6, 2, HARD, 1),
        (-6, 2, HARD, 2),
        (5, 1, 3, 13),
        (2, 1, 3, 15),
        (-1, 1, 3, 16),
        *shifted(DECAYS[4:6], 0),
    )
    no_w += ((11, 1, 8, 11), (-12, 1, 8, 12))
    assert found(tmp_path, TTBAR, (2, 1, HARD, 90), *shifted(no_w, 1)) == ORDERED
    nothing = tuple((code, 1, HARD, px) for code, status, _, px in DECAYS if status == 1)
    assert found(tmp_path, TTBAR, *nothing) == ORDERED
    with pytest.raises(ValueError, match=r"a\.lhe, event 0: .*the parton u of ttbar"):
        found(tmp_path, TTBAR, (2, 1, HARD, 90), *nothing)
    # Of Drell-Yan's pair, not of the photon's; nor of the W's.
    pair = ((11, 1, HARD, 11), (-11, 1, HARD, 12))
    assert found(tmp_path, ZEE, *pair) == [11, 12]
    assert found(tmp_path, ZEE, (22, 2, HARD, 80), (11, 1, 3, 90), (-11, 1, 3, 91), *pair) == [11, 12]
    assert found(
        tmp_path,
        ZEE,
        (23, 2, HARD, 80),
        (11, 1, 3, 11),
        (-11, 1, 3, 12),
        (11, 1, HARD, 90),
        (-11, 1, HARD, 91),
    ) == [11, 12]
    assert (
        found(tmp_path, ZEE, (24, 2, HARD, 80), (-11, 1, 3, 90), (12, 1, 3, 91), (11, 1, HARD, 11)) is None
    )
    with pytest.raises(ValueError, match="several of its particles could be the parton e"):
        found(tmp_path, ZEE, *pair, *pair)


def test_decays_alike_are_taken_in_their_order_and_not_mixed(tmp_path):
    pairs = (
        (23, 2, HARD, 1),
        (23, 2, HARD, 2),
        (-11, 1, 4, 14),
        (11, 1, 3, 11),
        (11, 1, 4, 13),
        (-11, 1, 3, 12),
    )
    assert found(tmp_path, ZZ, *pairs) == [11, 12, 13, 14]
    one_left_out = (
        (23, 2, HARD, 1),
        (11, 1, HARD, 13),
        (-11, 1, 3, 12),
        (11, 1, 3, 11),
        (-11, 1, HARD, 14),
    )
    assert sorted(found(tmp_path, ZZ, *one_left_out)) == [11, 12, 13, 14]
    assert found(tmp_path, ZZ, *one_left_out)[:2] in ([11, 12], [13, 14])
    assert found(tmp_path, ZZ, *pairs[:1], (11, 1, 3, 1), (-11, 1, 3, 2)) is None


JJ = Process(
    name="wh",
    partons=[
        {"name": "q", "pdgid": [1, 2, 3, 4]}, {"name": "qbar", "pdgid": [-1, -2, -3, -4]},
        {"name": "b", "pdgid": 5}, {"name": "bbar", "pdgid": -5},
    ],
    decays=[
        {"name": "W", "pdgid": 24, "daughters": ["q", "qbar"]},
        {"name": "H", "pdgid": 25, "daughters": ["b", "bbar"]},
    ],
    objects=[{"name": "jet", "kind": "jet", "count": 4}],
)  # fmt: skip


@pytest.mark.parametrize(("q", "qbar"), [(2, -1), (4, -3), (2, -3)])
def test_a_parton_may_be_of_any_of_several_flavours(q, qbar, tmp_path):
    decays = (
        (24, 2, HARD, 1),
        (25, 2, HARD, 2),
        (-5, 1, 4, 14),
        (qbar, 1, 3, 12),
        (q, 1, 3, 11),
        (5, 1, 4, 13),
    )
    assert found(tmp_path, JJ, *decays) == [11, 12, 13, 14]
    assert found(tmp_path, JJ, (q, 1, HARD, 90), (1, 1, HARD, 91), *shifted(decays, 2)) == [11, 12, 13, 14]
    assert found(tmp_path, JJ, *decays[:3], (qbar, 1, 3, 12), (5, 1, 3, 11), (5, 1, 4, 13)) is None


def test_partons_of_no_decay_that_are_alike_are_taken_in_their_order(tmp_path):
    jets = [1, 2, 3, 4, 5, -1, -2, -3, -4, -5, 21]
    dijets = Process(
        name="jj",
        partons=[{"name": "j1", "pdgid": jets}, {"name": "j2", "pdgid": jets}],
        objects=[{"name": "jet", "kind": "jet", "count": 2}],
    )
    for codes in ((21, 21), (2, -2), (21, 4)):
        assert found(tmp_path, dijets, *((c, 1, HARD, 11 + i) for i, c in enumerate(codes))) == [11, 12]
    with pytest.raises(ValueError, match="several of its particles could be the parton j"):
        found(tmp_path, dijets, *((21, 1, HARD, 11 + i) for i in range(3)))
    assert found(tmp_path, dijets, (21, 1, HARD, 11)) is None
    leptons = Process(
        name="ll",
        partons=[{"name": "l-", "pdgid": [11, 13]}, {"name": "l+", "pdgid": [-11, -13]}],
        objects=[],
    )
    assert found(tmp_path, leptons, (-13, 1, HARD, 12), (13, 1, HARD, 11)) == [11, 12]


def particles(*rows):
    """A particle record (code, status, mother, px), massless, of two gluons and what comes from them."""
    rows = ((21, 21, -1, 0.0), (21, 21, -1, 0.0), *rows)
    codes, status, mothers, px = (np.array(column) for column in zip(*rows, strict=True))
    zero = np.zeros(len(px))
    return {
        "PID": codes, "Status": status, "M1": mothers, "Px": px, "Py": zero, "Pz": zero + 10.0,
        "E": np.hypot(px, 10.0),
    }  # fmt: skip


def test_records_have_flavours_and_particles_that_are_alike():
    zz = ((23, 22, 0, 1.0), (23, 22, 0, 2.0), (-11, 23, 3, 14.0), (11, 1, 2, 11.0), (11, 23, 3, 13.0),
          (-11, 23, 2, 12.0))  # fmt: skip
    record = particles(*zz)
    # The resonances are those of the record, without recoil, so that nothing is boosted.
    np.testing.assert_allclose(partons(record, ZZ)[::4], [11, 12, 13, 14], rtol=1e-6)
    assert partons(particles(*zz[:-1]), ZZ) is None
    for q, qbar in ((2, -1), (4, -3)):
        wh = ((24, 22, 0, 1.0), (25, 22, 0, 2.0), (qbar, 23, 2, 12.0), (q, 23, 2, 11.0), (5, 23, 3, 13.0),
              (-5, 23, 3, 14.0), (q, 23, 0, 90.0))  # fmt: skip
        np.testing.assert_allclose(partons(particles(*wh), JJ)[::4], [11, 12, 13, 14], rtol=1e-6)


def test_ambiguous_events_can_be_left_out(tmp_path):
    pair = ((11, 1, HARD, 11), (-11, 1, HARD, 12))
    (tmp_path / "b.lhe").write_text(document(event(*pair), event(*pair, *pair), event(*pair)))
    with pytest.warns(SkippedEvents, match=r"1 bad events left out; the first: .*b\.lhe, event 1"):
        assert len(read(tmp_path / "b.lhe", process=light(ZEE), skip_bad=True)) == 2


def test_without_decays_a_parton_is_the_only_one_of_its_code(tmp_path):
    plain = ZEE.model_copy(update={"decays": ()})
    assert found(tmp_path, plain, (24, 2, HARD, 1), (11, 1, 3, 11), (-11, 1, HARD, 12)) == [11, 12]
    with pytest.raises(ValueError, match="the parton e- of zee"):
        found(tmp_path, plain, (11, 1, HARD, 11), (-11, 1, HARD, 12), (11, 1, HARD, 13))


@pytest.mark.parametrize(
    ("mother", "message"),
    [(57, "mother 57 of a particle is none of its"), (3, "form a ring"), (-4, "mother -4")],
)
def test_mothers_that_are_not_there(mother, message, tmp_path):
    with pytest.raises(ValueError, match=rf"a\.lhe, event 0: .*{message}"):
        found(tmp_path, ZEE, (11, 1, mother, 11), (-11, 1, HARD, 12))


def record(number):
    content = np.load(DATA / "records.npz")
    ends = np.cumsum(content["counts"])
    start, end = ends[number] - content["counts"][number], ends[number]
    names = ("PID", "Status", "M1", "Px", "Py", "Pz", "E")
    return {name: content[name][start:end].copy() for name in names}, content["partons"][number]


@pytest.mark.parametrize("code", [2, -1, 5, -5, 11, -12])
@pytest.mark.parametrize("status", [23, 1])
@pytest.mark.parametrize("first", [True, False])
def test_extra_partons_in_a_particle_record(code, status, first, tmp_path):
    table, expected = record(0)
    incoming = int(np.flatnonzero(table["Status"] == 21)[0])
    place = incoming + 2 if first else len(table["PID"])
    table["M1"] = table["M1"] + (table["M1"] >= place)
    values = {"PID": code, "Status": status, "M1": incoming, "Px": 50.0, "Py": 0.0, "Pz": 0.0, "E": 50.0}
    table = {name: np.insert(column, place, values[name]) for name, column in table.items()}
    np.testing.assert_allclose(partons(table, TTBAR), expected, atol=2e-4)


def test_resonances_that_a_particle_record_has_not_got():
    table, expected = record(0)
    first = next(i for i in np.flatnonzero(table["PID"] == -24) if table["Status"][i] == 22)
    last = next(
        table["M1"][i] for i in np.flatnonzero(table["PID"] == 11) if table["PID"][table["M1"][i]] == -24
    )
    for row in np.flatnonzero(np.isin(table["PID"], (11, -12)) & (table["M1"] == last)):
        table["M1"][row] = table["M1"][first]
        table["Status"][row] = 23
    table["PID"][table["PID"] == -24] = 22
    # The leptons are there, and those of no other origin; what their W went through is not known.
    got = partons(table, TTBAR)
    np.testing.assert_allclose(got[8:], expected[8:], atol=2e-4)
    again = np.flatnonzero((table["PID"] == 11) & (table["Status"] == 23))[0]
    table = {name: np.append(column, column[again]) for name, column in table.items()}
    with pytest.raises(Ambiguous, match="the parton e- of ttbar"):
        partons(table, TTBAR)


def test_decays_are_checked():
    for decays, message in (
        ([("Z", "e- mu+")], "'mu[+]', a daughter of 'Z', is neither"),
        ([("Z", "e- e+"), ("H", "e- Z")], "'e-' is a daughter of 'Z' and of 'H'"),
        ([("A", "B e-"), ("B", "A e+")], "comes from itself"),
        ([("e-", "e+ e-")], "names of their own: 'e-'"),
        ([("Z", "e-")], r"decays\.0\.daughters"),
    ):
        listed = [{"name": name, "pdgid": 23, "daughters": parts.split()} for name, parts in decays]
        with pytest.raises(ValueError, match=message):
            Process(**{**ZEE.to_dict(), "decays": listed})


def test_real_events_have_the_partons_of_their_decays():
    text = gzip.decompress((DATA / "ttbar_reco.lhe.gz").read_bytes()).decode()
    count = text.count("<event>")
    z = read(DATA / "ttbar_reco.lhe.gz", process=TTBAR).z.reshape(-1, 6, 4).astype("float64")
    assert len(z) == count - 11
    for rows, mass in (((0, 1), 80.4), ((4, 5), 80.4), ((0, 1, 3), 172.8), ((2, 4, 5), 172.8)):
        total = z[:, rows].sum(1)
        seen = np.sqrt(total[:, 3] ** 2 - np.square(total[:, :3]).sum(-1))
        assert np.mean(np.abs(seen - mass) < 30.0) > 0.97
