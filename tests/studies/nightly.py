"""The result of `.ci/nightly` as `nightly.json`: what was run, with which versions, and what failed.

`python tests/studies/nightly.py TESTS.xml --pages built --out docs/studies`; the exit status is 1 if
anything failed.
"""

import argparse
import json
import os
import platform
import sys
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import mizoo

PACKAGES = (
    "mizoo-keras",
    "tensorflow",
    "keras",
    "tensorflow-probability",
    "numpy",
    "onnxruntime",
    "tf2onnx",
)


def outcome(report: Path) -> dict:
    """Numbers of tests by outcome, the names of those that failed, and the seconds of the run.

    Args:
        report: JUnit report of pytest.
    """
    (suite,) = ET.parse(report).getroot()
    cases = list(suite.iter("testcase"))
    failed = [
        f"{case.get('classname')}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    skipped = sum(case.find("skipped") is not None for case in cases)
    return {
        "tests": len(cases),
        "passed": len(cases) - len(failed) - skipped,
        "skipped": skipped,
        "failed": failed,
        "seconds": round(float(suite.get("time"))),
    }


def main(words: list[str]) -> int:
    """Write the result; 0 if all is well, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    parser.add_argument("--pages", choices=["built", "failed"], required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(words)
    result = {
        "command": ".ci/nightly",
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "versions": {"mizoo": mizoo.__version__} | {name: version(name) for name in PACKAGES},
        "cores": os.cpu_count(),
        "damaged files of each format": int(os.environ["MIZOO_FUZZ"]),
        **outcome(given.report),
        "documentation with all tutorials": given.pages,
    }
    (given.out / "nightly.json").write_text(json.dumps(result, indent=1) + "\n")
    return 1 if result["failed"] or not result["tests"] or given.pages == "failed" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
