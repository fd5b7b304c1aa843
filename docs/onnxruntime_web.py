"""onnxruntime for browsers: a release from npm, downloaded once and checked."""

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pooch

# The last releases that are a plain script, without modules: pages opened from disk cannot load modules.
VERSION = "1.18.0"
INTEGRITY = "o1UKj4ABIj1gmG7ae0RKJ3/GT+3yoF0RRpfDfeoe0huzRW4FDRLfbkDETmdFAvnJEXuYDE0YT+hhkia0352StQ=="
SCRIPT, WASM = "ort.wasm-core.min.js", "ort-wasm-simd.wasm"  # for one thread
_SECONDS = 300


def files(cache: Path | None = None) -> dict[str, bytes]:
    """Contents of the script and of the WebAssembly module, by name.

    Args:
        cache: folder of the downloaded archive, by default one in the system's cache folder.

    Raises:
        ConnectionError: if the archive is not there and cannot be downloaded, with the reason in one line.
        ValueError: if it is not the pinned one.
    """
    archive = (cache or Path(pooch.os_cache("mizoo-docs"))) / f"onnxruntime-web-{VERSION}.tgz"
    if not archive.is_file():
        _download(archive)
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != INTEGRITY:
        raise ValueError(f"{archive} is not onnxruntime-web {VERSION} of npm: remove the file")
    with tarfile.open(archive) as package:
        members = ((name, package.extractfile(f"package/dist/{name}")) for name in (SCRIPT, WASM))
        return {name: member.read() for name, member in members if member}


def _download(archive: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise ConnectionError("npm, which downloads onnxruntime-web, is not installed")
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        command = [npm, "pack", f"onnxruntime-web@{VERSION}", "--silent", "--pack-destination", folder]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            raise ConnectionError(f"npm has not downloaded onnxruntime-web in {_SECONDS} seconds") from None
        except subprocess.CalledProcessError as error:
            reason = " ".join(error.stderr.split())[:200] or f"exit status {error.returncode}"
            raise ConnectionError(f"npm cannot download onnxruntime-web: {reason}") from None
        # At once, as another process may download the same file.
        os.replace(Path(folder) / archive.name, archive)
