"""The page of promises names tests that exist, and has the numbers of their last run."""

import json
import re
from xml.etree import ElementTree

import promises
import pytest


@pytest.mark.parametrize("name", promises.names())
def test_each_test_of_a_promise_exists(name):
    file, _, function = name.partition("::")
    assert re.search(rf"^def {function}\(", (promises.TESTS / file).read_text(), re.MULTILINE)


def test_the_page_has_the_numbers_of_the_last_run():
    page, figures = promises.PAGE.read_text(), json.loads(promises.FIGURES.read_text())
    assert figures.keys() <= set(promises.names())
    assert promises.written(page, figures) == page


def test_reports_are_counted():
    report = ElementTree.fromstring(
        '<testsuites><testsuite><testcase classname="tests.test_a" name="test_b[x]">'
        '<properties><property name="damaged files" value="30"/></properties></testcase>'
        '<testcase classname="tests.test_a" name="test_b[y]"><failure/>'
        '<properties><property name="damaged files" value="12"/></properties></testcase>'
        '<testcase classname="tests.test_a" name="test_c"/></testsuite></testsuites>'
    )
    found = promises.counted(report, ["test_a.py::test_b", "test_a.py::test_d"])
    assert found == {"test_a.py::test_b": {"passed": 1, "failure": 1, "damaged files": 42}}
    assert promises._cases(found["test_a.py::test_b"]) == "1 of 2; 42 damaged files"
    assert promises._cases({}) == "not run"
