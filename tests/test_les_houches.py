"""The text of Les Houches files: concatenated, truncated, with comments, damaged."""

import gzip
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import mizoo
from mizoo.datasets import SkippedEvents
from mizoo.physics.library import ttbar as TTBAR

read = partial(mizoo.datasets.read, process=TTBAR)
stream = partial(mizoo.datasets.stream, process=TTBAR)

CASES = Path(__file__).parent / "data" / "cases"
TEXT = (CASES / "extra_u.lhe").read_text()
END = "</LesHouchesEvents>\n"


@pytest.fixture(scope="module")
def z():
    return read(CASES / "extra_u.lhe").z


def written(path, text):
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def inserted(text, number, after):
    """The file with a text after the given line of an event."""
    events = TEXT.split("<event>\n")
    lines = events[number + 1].splitlines(keepends=True)
    lines.insert(after, text)
    events[number + 1] = "".join(lines)
    return "<event>\n".join(events)


def test_documents_one_after_the_other(z, tmp_path):
    twice = np.concatenate([z, z])
    prolog = '<?xml version="1.0"?>\n<!-- a second one </event> -->\n' + TEXT
    for name, content in {
        "plain.lhe": (TEXT + TEXT).encode(),
        "prolog.lhe": (prolog + prolog).encode(),
        "line.lhe": (TEXT.strip() + TEXT.strip()).encode(),
        "members.lhe.gz": gzip.compress(TEXT.encode()) + gzip.compress(TEXT.encode()),
        "text.lhe.gz": gzip.compress((TEXT + TEXT).encode()),
        "is_zipped.lhe": gzip.compress((TEXT + TEXT).encode()),
        "is_plain.lhe.gz": (TEXT + TEXT).encode(),
    }.items():
        (tmp_path / name).write_bytes(content)
        np.testing.assert_array_equal(read(tmp_path / name).z, twice)
        parts = list(stream(tmp_path / name, chunk=5))
        assert [len(part) for part in parts] == [5, 5, 2]
    empty = TEXT.partition("<event>")[0] + END
    np.testing.assert_array_equal(read(written(tmp_path / "empty.lhe", empty + TEXT + empty)).z, z)


@pytest.mark.parametrize("block", [7, 100, 4096])
def test_tags_across_blocks(block, z, tmp_path, monkeypatch):
    monkeypatch.setattr("mizoo.datasets.readers.lhe_text.BLOCK", block)
    text = "<LesHouchesEvents>" + TEXT.partition(">")[2]
    if block < 20:  # the first block must have the first tag
        monkeypatch.setattr("mizoo.datasets.readers.lhe_text.BLOCK", 18)
    np.testing.assert_array_equal(read(written(tmp_path / "a.lhe", text + text)).z, np.concatenate([z, z]))


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("<event>", "<event npLO=' 1 ' npNLO=' 0 '>"),
        TEXT.replace("<event>\n", "<event>\n\n  \n# a comment\n"),
        TEXT.replace("#pdf", "\n# more\n\n#pdf"),
        TEXT.replace(
            "</event>", "<rwgt>\n<wgt id='1'> 1.0 </wgt>\n</rwgt>\n<scales mur='1'/>\n# after\n</event>"
        ),
        TEXT.replace("</event>\n", "</event>\n\n<!-- <event>\n1\n</event> -->\n"),
        TEXT.replace("<init>", "<header><![CDATA[ <event> </event> ]]></header>\n<init>"),
        TEXT.replace(
            "<init>", "<header><initrwgt><weightgroup><weight/></weightgroup></initrwgt></header>\n<init>"
        ),
        TEXT.replace("<init>", "<header># written by J\u00f6rg & <friends</header>\n<init>"),
        "\ufeff" + TEXT,
    ],
    ids=[
        "windows",
        "attributes",
        "blank",
        "comments",
        "weights",
        "commented",
        "cdata",
        "group",
        "header",
        "mark",
    ],
)
def test_forms_of_the_same_events(text, z, tmp_path):
    np.testing.assert_array_equal(read(written(tmp_path / "a.lhe", text)).z, z)


FAULTS = {
    "text before": (inserted("some text\n", 2, 0), 2, "'some text' has 2 numbers, not 6"),
    "text between": (inserted("some text\n", 3, 4), 3, "'some text' has 2 numbers, not 13"),
    "text after": (inserted("some text\n", 1, 14), 1, "after its 13 particles there is 'some text'"),
    "one more": (TEXT.replace("    13  9999", "    14  9999", 1), 0, "announces 14 particles and has 13"),
    "one less": (TEXT.replace("    13  9999", "    12  9999", 1), 0, "after its 12 particles there is"),
    "no number": (TEXT.replace("9.0454222101e+02", "9.0g54222101e+02", 1), 0, "9.0g54222101e"),
    "element": (inserted("<rwgt>\n", 5, 15), 5, "ParseError"),
    "no begin": (inserted("", 0, 0).replace("<event>", "<evXnt>", 1), 0, "<event> is missing"),
    "no end": (TEXT.replace("</event>", "</evXnt>", 1), 0, "</event> is missing"),
    "between events": (TEXT.replace("</event>\n", "</event>\n1 2 3\n", 1), 1, "before it there is '1 2 3'"),
    "empty": (TEXT.replace("<event>", "<event>\n</event>\n<event>", 1), 0, "it is empty"),
}


@pytest.mark.parametrize(("text", "number", "message"), FAULTS.values(), ids=FAULTS)
def test_bad_events_have_their_number_and_can_be_left_out(text, number, message, z, tmp_path):
    path = written(tmp_path / "bad.lhe", text)
    where = rf"bad\.lhe, event {number}: .*{re.escape(message)}"
    with pytest.raises(ValueError, match=where) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    with pytest.warns(SkippedEvents, match=f"1 bad events left out; the first: .*{where}"):
        left = read(path, skip_bad=True).z
    kept = z if message == "it is empty" else np.delete(z, number, 0)
    np.testing.assert_array_equal(left, kept)


@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.parametrize("zipped", ["", ".gz"])
def test_what_is_cut_short_names_the_last_whole_event(skip_bad, zipped, tmp_path):
    for text, message in (
        (TEXT.removesuffix(END), "cut short: after event 5 the file ends"),
        (TEXT[: TEXT.index("<event>") + 40], "cut short: before the first event"),
        (TEXT + "and more", "after </LesHouchesEvents> there is 'and more'"),
        (TEXT + TEXT.removesuffix(END), "cut short: after event 11"),
        ("# no events", "no Les Houches events"),
    ):
        path = written(tmp_path / f"cut.lhe{zipped}", text)
        with pytest.raises(ValueError, match=rf"cut\.lhe.*: .*{message}"):
            read(path, skip_bad=skip_bad)
    content = gzip.compress(TEXT.encode() * 20)
    (tmp_path / "cut.lhe.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(
        ValueError, match=r"cut\.lhe\.gz: cut short or damaged (after event|before the first).*EOFError"
    ):
        read(tmp_path / "cut.lhe.gz", skip_bad=skip_bad)


def test_events_without_end_are_refused_at_a_limit_that_can_be_raised(z, tmp_path):
    long = TEXT.replace("<event>\n", "<event>\n#" + "x" * 3_000_000 + "\n", 1)
    path = written(tmp_path / "long.lhe.gz", long)
    np.testing.assert_array_equal(read(path).z, z)
    with pytest.raises(ValueError, match=r"long\.lhe\.gz: before the first event .* raise max_bytes"):
        read(path, max_bytes=64 * 1_000_000)


def test_several_files_are_read_one_after_the_other(z, tmp_path):
    a = written(tmp_path / "a.lhe", TEXT)
    events = TEXT.split("<event>")
    b = written(tmp_path / "b.lhe.gz", events[0] + "<event>" + events[2] + END)
    np.testing.assert_array_equal(read(a, b, process=TTBAR).z, np.concatenate([z, z[1:2]]))
    np.testing.assert_array_equal(read(b, a, b, chunk=2).z, np.concatenate([z[1:2], z, z[1:2]]))
    bad = written(tmp_path / "c.lhe", inserted("text\n", 3, 4))
    with pytest.raises(ValueError, match=r"c\.lhe, event 3"):  # of the file
        read(a, bad)
