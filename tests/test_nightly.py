"""The three tiers of tests, and the result of the longest one."""

import json
import re
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests" / "studies"))

import nightly  # noqa: E402

REPORT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" time="12.6">
<testcase classname="tests.test_a" name="test_right" time="1"/>
<testcase classname="tests.test_a" name="test_left_out" time="0"><skipped message="no"/></testcase>
{more}</testsuite></testsuites>"""
WRONG = '<testcase classname="tests.test_b" name="test_{0}[1]"><{0} message="no"/></testcase>'


@pytest.mark.parametrize(
    ("wrong", "pages", "status"),
    [((), "built", 0), ((), "failed", 1), (("failure",), "built", 1), (("failure", "error"), "built", 1)],
)
def test_the_result_counts_what_was_run_and_names_what_failed(wrong, pages, status, tmp_path, monkeypatch):
    monkeypatch.setenv("MIZOO_FUZZ", "500")
    report = tmp_path / "tests.xml"
    report.write_text(REPORT.format(more="".join(map(WRONG.format, wrong))))
    assert nightly.main([str(report), "--pages", pages, "--out", str(tmp_path)]) == status
    found = json.loads((tmp_path / "nightly.json").read_text())
    assert found["tests"] == 2 + len(wrong)
    assert (found["passed"], found["skipped"], found["seconds"]) == (1, 1, 13)
    assert found["failed"] == [f"tests.test_b::test_{kind}[1]" for kind in wrong]
    assert found["documentation with all tutorials"] == pages
    assert found["damaged files of each format"] == 500
    assert found["versions"]["tensorflow"].startswith("2.")


def test_no_tests_at_all_are_no_success(tmp_path, monkeypatch):
    monkeypatch.setenv("MIZOO_FUZZ", "500")
    report = tmp_path / "tests.xml"
    report.write_text('<testsuites><testsuite name="pytest" time="0"/></testsuites>')
    assert nightly.main([str(report), "--pages", "built", "--out", str(tmp_path)]) == 1


def test_every_slow_page_of_the_documentation_is_there():
    """A page that was renamed would be run by each build."""
    (names,) = re.findall(
        r"^SLOW = \[(.*?)\]$", (ROOT / "docs" / "conf.py").read_text(), re.MULTILINE | re.DOTALL
    )
    pages = {path.stem for folder in ("docs", "tutorials") for path in (ROOT / folder).glob("*.md")}
    slow = set(re.findall(r'"(\w+)"', names))
    assert slow <= pages
    assert {path.stem for path in (ROOT / "tutorials").glob("*.md")} - slow  # some are run by `.ci/run`


def test_the_commands_run_the_tiers_that_the_markers_name():
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert '-m "not slow and not ci"' in config["tool:pytest"]["addopts"]
    run, whole = ((ROOT / ".ci" / name).read_text() for name in ("run", "nightly"))
    assert "-m 'not slow'" in run
    assert 'pytest -m ""' in whole
    assert "MIZOO_TUTORIALS=quick" in run
    assert "MIZOO_TUTORIALS=all" in whole
