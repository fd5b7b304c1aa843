"""What is promised, with the tests that show it, and the page that says so.

`python tests/promises.py` runs these tests and writes their numbers to `docs/studies/promises.json` and
`docs/promises.md`; with names of files, such as `test_fuzz.py`, only those of these files. `MIZOO_FUZZ` is
the number of damaged files per format.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from xml.etree import ElementTree

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "promises.md"
FIGURES = TESTS.parent / "docs" / "studies" / "promises.json"
BEGIN, END = "<!-- written by tests/promises.py -->", "<!-- to here -->"

# By section, each promise and the tests that would fail if it were broken.
PROMISES: dict[str, dict[str, list[str]]] = {
    "Models from others": {
        "A SavedModel that touches files, runs Python or opens connections is refused before TensorFlow "
        "loads it.": [
            "test_saved_models.py::test_graphs_that_touch_files_or_python_are_refused",
            "test_saved_models.py::test_files_that_initialisers_read_are_found",
            "test_saved_models.py::test_nothing_but_the_saver_calls_its_functions",
            "test_saved_models.py::test_a_second_graph_and_a_damaged_one_are_refused",
        ],
        "`.keras` files run no code of their own.": [
            "test_registry.py::test_code_in_a_keras_file_is_refused"
        ],
        "ONNX files are loaded without TensorFlow, and read no other file.": [
            "test_onnx_model.py::test_tensorflow_is_not_imported",
            "test_onnx_model.py::test_other_files_are_not_read",
        ],
        "A registry is read by https, or a checksum or signature from elsewhere vouches for it.": [
            "test_cache.py::test_a_registry_that_can_be_changed_on_its_way_is_refused",
            "test_cache.py::test_a_redirection_out_of_https_is_refused",
            "test_signature.py::test_who_changes_checksums_as_well_is_found",
        ],
        "No name in a registry or a list of checksums leads out of its folder.": [
            "test_registry.py::test_near_misses_and_strange_registries",
            "test_attack.py::test_a_damaged_model_folder_is_refused",
        ],
    },
    "Downloads and the cache": {
        "Replies that are endless, slow or make no sense end at a limit, in one line.": [
            "test_cache.py::test_replies_without_end_and_sense_end_in_one_line"
        ],
        "A download that fails leaves nothing; what a killed one leaves is swept.": [
            "test_registry.py::test_a_spoilt_download_leaves_nothing",
            "test_cache.py::test_what_killed_downloads_left_is_swept",
        ],
        "First loads by several processes at once all succeed.": [
            "test_cache.py::test_first_loads_at_once_all_succeed"
        ],
        "A model of the cache that is broken or incomplete is downloaded again.": [
            "test_cache.py::test_a_broken_model_of_the_cache_is_fetched_again"
        ],
        "A model without checksums says that it is unverified.": [
            "test_attack.py::test_a_folder_without_checksums_says_so",
            "test_registry.py::test_one_bad_model_does_not_take_the_list_down",
        ],
    },
    "Files of events": {
        "A damaged file gives events or one line that names it.": [
            "test_fuzz.py::test_damaged_files_give_events_or_one_line"
        ],
        "A flipped bit in a file that mizoo wrote is found, in every format.": [
            "test_attack.py::test_a_flipped_bit_is_found"
        ],
        "A small file that needs much memory is refused at a limit that an option raises.": [
            "test_damage.py::test_what_does_not_fit_is_refused_at_a_limit_that_can_be_raised",
            "test_damage.py::test_headers_that_promise_more_than_there_is",
        ],
        "A full disk is told in one line, in every format, and leaves no partial file.": [
            "test_write.py::test_a_full_disk_is_told_and_nothing_stays",
            "test_write.py::test_a_disk_that_fills_up_leaves_the_former_file",
        ],
        "A process that is killed leaves the former file, a whole one or none.": [
            "test_write.py::test_a_kill_at_any_point_leaves_a_file_or_none"
        ],
        "Of two processes that write one file, the second is refused.": [
            "test_write.py::test_one_of_two_processes_writes",
            "test_write.py::test_a_lock_ends_with_its_process",
        ],
    },
    "Draws": {
        "Interrupted draws are resumed without losing, repeating or mixing an event.": [
            "test_draws.py::test_a_kill_at_any_point_loses_and_mixes_nothing",
            "test_draws.py::test_draws_of_another_job_are_refused",
            "test_draws.py::test_draws_that_are_damaged_are_drawn_again",
        ],
        "Events that cannot exist are refused with their number, or their draws are NaN.": [
            "test_invalid.py::test_events_that_cannot_exist_are_refused_with_their_number",
            "test_invalid.py::test_their_draws_are_not_a_number_if_asked_for",
        ],
        "Arguments that make no sense are refused in one line.": [
            "test_invalid.py::test_wrong_arguments_are_told_in_one_line",
            "test_invalid.py::test_other_things_than_arrays_are_told_in_one_line",
        ],
        "Models can be pickled and copied; after a fork they say that they cannot be used.": [
            "test_saved_models.py::test_pretrained_models_are_copied_and_pickled_by_path_and_checksum",
            "test_saved_models.py::test_a_fork_is_refused",
            "test_onnx_model.py::test_models_are_copied_and_pickled",
            "test_onnx_model.py::test_a_fork_is_refused",
        ],
    },
    "Training": {
        "An interrupted run is resumed bit by bit.": [
            "test_cli.py::test_interrupted_run_resumes_to_the_same_weights"
        ],
        "If the last backup is damaged, the one before is used, with a warning.": [
            "test_backup.py::test_a_damaged_backup_falls_back_to_the_one_before",
            "test_backup.py::test_a_run_goes_on_from_the_backup_before",
        ],
        "A run whose files are lost, or that is given other events, is refused, not begun anew.": [
            "test_backup.py::test_a_lost_file_does_not_start_the_run_anew",
            "test_backup.py::test_backups_that_are_all_damaged_are_refused",
            "test_backup.py::test_other_events_or_fewer_are_refused",
        ],
        "A run that goes on is not resumed by another process.": [
            "test_backup.py::test_a_run_that_goes_on_is_not_resumed_by_another"
        ],
        "A full disk ends a training in one line, and the run can be resumed.": [
            "test_backup.py::test_a_full_disk_ends_a_training_in_one_line_and_it_goes_on",
            "test_backup.py::test_best_weights_are_replaced_as_a_whole",
        ],
    },
}


def names(section: dict[str, list[str]] | None = None) -> list[str]:
    """The tests of all promises, `file::function`."""
    sections = PROMISES.values() if section is None else [section]
    return list(dict.fromkeys(name for one in sections for tests in one.values() for name in tests))


def run(files: list[str]) -> dict[str, dict[str, int]]:
    """Run the tests of some files, or all: by test, numbers of cases by outcome, and recorded ones."""
    chosen = [name for name in names() if not files or name.partition("::")[0] in files]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        words = ["-m", "ci or not ci", f"--junitxml={report}", *(str(TESTS / name) for name in chosen)]
        subprocess.run([sys.executable, "-m", "pytest", "-q", *words], check=False)
        return counted(ElementTree.parse(report).getroot(), chosen)


def counted(report: ElementTree.Element, chosen: list[str]) -> dict[str, dict[str, int]]:
    """Numbers of cases by outcome, and sums of the properties that tests record, by test."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for case in report.iter("testcase"):
        module = case.attrib["classname"].rpartition(".")[2]
        name = f"{module}.py::{case.attrib['name'].partition('[')[0]}"
        outcomes = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        found[name][outcomes[0] if outcomes else "passed"] += 1
        for one in case.iter("property"):
            found[name][one.attrib["name"]] += int(one.attrib["value"])
    return {name: dict(found[name]) for name in chosen if found[name]}


def table(figures: dict[str, dict[str, int]]) -> str:
    """The promises as Markdown."""
    lines = []
    for section, promises in PROMISES.items():
        lines += [f"## {section}", "", "| promise | shown by | cases passed |", "|---|---|---|"]
        for promise, tests in promises.items():
            shown = "<br>".join(f"`{name}`" for name in tests)
            lines.append(
                f"| {promise} | {shown} | {'<br>'.join(_cases(figures.get(n, {})) for n in tests)} |"
            )
        lines.append("")
    return "\n".join(lines)


def _cases(found: dict[str, int]) -> str:
    """Cases of a test in words, such as "9 of 9; 270 damaged files"."""
    if not found:
        return "not run"
    outcomes = {name: found.get(name, 0) for name in ("passed", "failure", "error", "skipped")}
    others = [f"{number} {name}" for name, number in found.items() if name not in outcomes]
    return "; ".join([f"{outcomes['passed']} of {sum(outcomes.values())}", *others])


def written(page: str, figures: dict[str, dict[str, int]]) -> str:
    """The page with the table of these figures."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table(figures)}\n{END}{after}"


if __name__ == "__main__":
    known = json.loads(FIGURES.read_text()) if FIGURES.is_file() else {}
    figures = {name: one for name, one in (known | run(sys.argv[1:])).items() if name in names()}
    FIGURES.write_text(json.dumps(dict(sorted(figures.items())), indent=1) + "\n")
    PAGE.write_text(written(PAGE.read_text(), figures))
