"""Model cards name the process of a model, for any process."""

import json
from pathlib import Path

import mizoo
from mizoo.datasets.provenance import PROVENANCE
from mizoo.export.card import write_card
from mizoo.presets.registry import DEMONSTRATIONS

ZH = mizoo.processes.zh
SHIPPED = Path(__file__).parents[1] / "saved_models"
OWN = {
    "files": [{"name": "zh.root", "sha256": "0"}, {"name": "zh.lhe.gz", "sha256": "1"}],
    "process": ZH.to_dict(),
    "events": 900,
    "shapes": {"x": [16], "z": [16]},
}


def card(folder, given=("x", "z"), scores=None, **config):
    """The card of a model, with `flow-ttbar` for everything that is not given."""
    content = json.loads((SHIPPED / "flow-ttbar" / "config.json").read_text())
    own = {"dataset": None, "shapes": {"x": [16], "z": [16]}}
    (folder / "config.json").write_text(json.dumps({**content, **own, **config}))
    row = {"stream": "x_tilde", "observable": "m_H", "space": "x", "ks": 0.0234, "threshold": 0.02}
    metrics = {
        "name": "mine", "events": 90, "given": given, "cells": {}, "table": [row],
        "summary": {"x_tilde": {"mean": 2.34, "largest": 2.34, "of": "m_H", "threshold": 2.0}},
    }  # fmt: skip
    metrics |= {} if scores is None else {"images": scores}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return write_card(folder).read_text()


def test_a_card_of_own_events_has_their_process(tmp_path):
    text = card(tmp_path, data=OWN)
    assert (
        "own data: `zh.root` and `zh.lhe.gz`, events of zh (e-, e+, b, bbar → e-, e+, jet1, jet2), "
        "x (n, 16), z (n, 16), n = 900; all but the last two tenths" in text
    )
    assert "in GeV: x `e-`, `e+`, `jet1`, `jet2`; z `e-`, `e+`, `b`, `bbar`.\n" in text
    assert "# simulate: draw x given z: (n, 16) to (n, 16)" in text
    assert "| `m_H` | 2.34 |" in text
    assert "threshold 2.00" in text
    for foreign in ("Pythia", "Delphes", "tt̄", "b quark unfolded", "all three components"):
        assert foreign not in text


def test_a_card_of_whole_events_has_all_their_columns(tmp_path):
    process = mizoo.processes.ttbar_events
    own = {**OWN, "process": process.to_dict()}
    text = card(tmp_path, data=own, shapes={"x": [58], "z": [24]})
    assert "The last ones of x are `btag_jet1`, `btag_jet2`" in text
    assert "`btag_jet10`. Objects that an event lacks are zeros.\n" in text


def test_a_card_of_packaged_events_has_their_origin(tmp_path):
    text = card(tmp_path, data={"demonstration": "zh"})
    assert "the packaged ZH events (`mizoo.datasets.zh()`)" in text
    assert "Pythia 8.318" in text
    assert "z `e-`, `e+`, `b`, `bbar`" in text
    assert "tt̄" not in text
    assert set(PROVENANCE) == set(DEMONSTRATIONS)


def test_codes_are_no_objects(tmp_path):
    text = card(tmp_path, given=("x",), data=OWN, shapes={"x": [16], "z": [9]})
    assert "in GeV: x `e-`, `e+`, `jet1`, `jet2`.\n" in text
    assert "simulate" not in text
    assert "of observables of detector events" in text


def test_a_card_of_images_has_their_scores(tmp_path):
    scores = {"x_tilde": {"frechet": 12.3456, "psnr": None}, "x_hat": {"frechet": 1.0, "psnr": 21.0}}
    own = {**OWN, "process": None, "shapes": {"x": [8, 8, 1]}}
    text = card(tmp_path, ("x",), scores, data=own, shapes={"x": [8, 8, 1], "z": [2]})
    assert "| | `frechet` | `psnr` |" in text
    assert "| `x_tilde` | 12.346 | – |\n| `x_hat` | 1.000 | 21.000 |" in text
    assert "`frechet`" not in card(tmp_path, ("x",), data=own, shapes={"x": [8, 8, 1], "z": [2]})
