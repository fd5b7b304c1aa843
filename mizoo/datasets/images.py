"""Images from a folder."""

from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from mizoo.datasets.readers.limits import MAX_BYTES, check_bytes

_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")
_GREY = ("1", "L", "I", "I;16")  # of Pillow's modes of pixels


def read_images(folder: str | Path, max_bytes: int = MAX_BYTES) -> dict[str, np.ndarray]:
    """Read the images of a folder and its sub-folders, in a fixed random order.

    They are grey, (n, H, W, 1), if all of them are, and red, green and blue, (n, H, W, 3), if one is not.
    Transparency is dropped. With sub-folders `x`, `z` or both, these are the two spaces, each in the order
    of the names of its files; otherwise all images are x. If all images are in sub-folders, c are the
    numbers (n,) of these, from 0 in the order of their names.

    Args:
        folder: path of the folder.
        max_bytes: largest memory for the images, in bytes.

    Raises:
        ValueError: if there is no image, one cannot be read, or they have different sizes; it names the
            file or folder.
    """
    folder = Path(folder)
    inner = sorted(path.name for path in folder.iterdir() if path.is_dir())
    if inner and set(inner) <= {"x", "z"}:
        return {space: _images(folder / space, max_bytes)[1] for space in inner}
    paths, images = _images(folder, max_bytes)
    # Names often begin with a class, and the last images are held out for tests.
    order = np.random.default_rng(0).permutation(len(images))
    classes = np.array([path.relative_to(folder).parts[0] for path in paths])[order]
    if set(classes) <= set(inner) and len(set(classes)) > 1:
        return {"x": images[order], "c": np.unique(classes, return_inverse=True)[1]}
    return {"x": images[order]}


def _images(folder: Path, max_bytes: int) -> tuple[list[Path], np.ndarray]:
    """Paths of images in order, and the images (n, H, W, C)."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not paths:
        raise ValueError(f"{folder}: no images in it, of {', '.join(_SUFFIXES)}")
    headers = {}
    for path in paths:
        try:
            with Image.open(path) as image:
                headers[path] = image.size, image.mode
        except (UnidentifiedImageError, OSError) as error:
            raise ValueError(f"{path}: no image that can be read: {error}") from error
    usual, _ = Counter(size for size, _ in headers.values()).most_common(1)[0]
    if other := next((path for path, (size, _) in headers.items() if size != usual), None):
        sizes = [" × ".join(map(str, size)) for size in (headers[other][0], usual)]
        raise ValueError(
            f"{other} has {sizes[0]} pixels, others {sizes[1]}: images of one size are expected"
        )
    grey = all(mode in _GREY for _, mode in headers.values())
    check_bytes(len(paths) * usual[0] * usual[1] * (4 if grey else 3), max_bytes, f"{folder}: its images")
    return paths, np.stack([_pixels(path, grey) for path in paths])


def _pixels(path: Path, grey: bool) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)[..., None] if grey else np.asarray(image.convert("RGB"))
