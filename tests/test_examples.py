"""The C++ example, compiled against TensorFlow's own library."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import mizoo

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_cpp_draws_what_python_draws(few, tmp_path):
    library = Path(tf.sysconfig.get_lib())
    program = tmp_path / "simulate"
    subprocess.run(
        ["g++", "-std=c++17", "-Wall", "-Werror", ROOT / "docs/examples/simulate.cpp", "-o", program,
         f"-I{tf.sysconfig.get_include()}", library / "libtensorflow_cc.so.2",
         library / "libtensorflow_framework.so.2", f"-Wl,-rpath,{library}"],
        check=True,
    )  # fmt: skip
    z = few.test.z[:20]
    np.savetxt(tmp_path / "partons.txt", z, fmt="%.9g")
    model = ROOT / "saved_models" / "turbosim-ttbar"
    with open(tmp_path / "partons.txt") as partons:
        output = subprocess.run(
            [program, model, "7"], stdin=partons, capture_output=True, text=True, check=True
        ).stdout
    x = np.array(output.split(), "float64").reshape(-1, 24)
    expected = mizoo.load(str(model)).decode(z, seed=7)
    np.testing.assert_allclose(x, expected, rtol=1e-4, atol=1e-3)
    short = subprocess.run([program, model], input="1 2 3", capture_output=True, text=True)
    assert short.returncode == 1
    assert "24 numbers" in short.stderr
