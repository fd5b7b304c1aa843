"""Provenance of the packaged data sets, for model cards."""

from typing import NamedTuple


class Provenance(NamedTuple):
    """Provenance of a data set.

    Attributes:
        text: description of the data set.
        limits: limits of a model trained on it.
        citation: citation of its authors or tools.
    """

    text: str
    limits: str
    citation: str


_TOOLS = "the events' tools: Pythia 8.3 (arXiv 2203.11601), Delphes 3 (arXiv 1307.6346)"
_NOTHING_ELSE = (
    "It knows the events above and nothing of other processes, energies, selections or detectors."
)
_DIGITS = (
    "It knows these 1 397 small digits: a demonstration, not a model of images.",
    "the digits: E. Alpaydin and C. Kaynak, UCI Machine Learning Repository (1998)",
)

PROVENANCE = {
    "ttbar": Provenance(
        "the packaged tt̄ events (`mizoo.datasets.ttbar()`): pp → tt̄ → e⁻ν̄ b b̄ u d̄ at 13 TeV, Pythia 8.318 "
        "and Delphes with a CMS card, one electron and exactly four jets",
        f"{_NOTHING_ELSE}\n"
        "Missing momentum in the events is minus the sum of the visible momenta, all three components.",
        _TOOLS,
    ),
    "zee": Provenance(
        "the packaged Z → e⁺e⁻ events (`mizoo.datasets.zee()`): pp → Z/γ* → e⁻e⁺, m > 60 GeV, at 13 TeV, "
        "Pythia 8.318 and Delphes with a CMS card, one electron of either charge and any jets",
        _NOTHING_ELSE,
        _TOOLS,
    ),
    "zh": Provenance(
        "the packaged ZH events (`mizoo.datasets.zh()`): pp → Z(e⁻e⁺)H(bb̄) at 13 TeV, Pythia 8.318 and "
        "Delphes with a CMS card, one electron of either charge and exactly two jets",
        _NOTHING_ELSE,
        _TOOLS,
    ),
    "digits": Provenance("handwritten digits of 8 × 8 pixels (`mizoo.datasets.digits()`)", *_DIGITS),
    "small digits": Provenance(
        "handwritten digits of 8 × 8 pixels and the same of 4 × 4 (`mizoo.datasets.digits(reduced=2)`)",
        *_DIGITS,
    ),
}
"""By the name of the data set."""
