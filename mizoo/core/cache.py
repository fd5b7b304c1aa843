"""The folder of what is downloaded."""

import os
from pathlib import Path

import pooch


def cache() -> Path:
    """Folder of downloaded models and data: `MIZOO_CACHE`, or one in the system's cache folder."""
    return Path(os.environ.get("MIZOO_CACHE") or pooch.os_cache("mizoo"))
