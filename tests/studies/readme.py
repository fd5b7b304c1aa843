"""The figure of the README.

python tests/studies/readme.py
"""

import argparse
from pathlib import Path

import mizoo
from mizoo.evaluation.figures import ratios, save


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    model, data = mizoo.load("gandalf-ttbar"), mizoo.datasets.ttbar().test
    report = mizoo.evaluate(model, data, seed=0)
    figure = ratios(report, "x", ["px_jet1", "E_jet1", "m_w_had", "m_t_had"])
    save(figure, Path("docs/simulated"), dpi=40)[1].unlink()


if __name__ == "__main__":
    main()
