"""Arrays of a user's own."""

from pathlib import Path

import numpy as np

from mizoo.datasets.samples import Samples
from mizoo.datasets.tables import WEIGHTS


def read_arrays(path) -> Samples:
    """Read x, z or both from a NumPy file: `.npz` with arrays of these names, or one array, which is x.

    The weights of the rows may be there, too, as `weights`. Arrays (n, H, W) are read as images of one
    channel, (n, H, W, 1).

    Raises:
        ValueError: for a file that is not NumPy's, or arrays that are not samples; it names the file.
    """
    path = Path(path)
    try:
        content = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path} is no NumPy file of plain arrays: {error}") from error
    arrays = {"x": content} if isinstance(content, np.ndarray) else dict(content)
    weights = arrays.pop(WEIGHTS, None)
    if len(arrays) == 1:
        arrays = {key if key in ("x", "z") else "x": array for key, array in arrays.items()}
    if unknown := set(arrays) - {"x", "z"}:
        raise ValueError(f"{path}: arrays must be named x, z and weights, got {', '.join(sorted(unknown))}")
    try:
        images = {space: a[..., None] if a.ndim == 3 else a for space, a in arrays.items()}
        return Samples(images.get("x"), images.get("z"), weights=weights)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error
