"""Signatures of model folders: who has made them, which checksums do not show.

A signature is that of `sha256.json`, which lists the checksums of all other files, by Ed25519 (RFC 8032).
OpenSSL makes keys and reads signatures as well::

    openssl genpkey -algorithm ed25519 -out private.pem
    openssl pkey -in private.pem -pubout -out public.pem
    openssl pkeyutl -verify -pubin -inkey public.pem -rawin -in sha256.json -sigfile sha256.json.sig
"""

from os import PathLike
from pathlib import Path
from typing import Any

from mizoo.core.optional import extra
from mizoo.datasets.integrity import checksum
from mizoo.export.manifest import NAME, SIGNATURE, verify

_KEYS = "cryptography.hazmat.primitives.asymmetric.ed25519"


def sign(directory: str | Path, private_key: str | Path) -> Path:
    """Sign a model folder, whose files are checked against its `sha256.json` before.

    Args:
        directory: folder of the model.
        private_key: PEM file of an Ed25519 key without password.

    Returns:
        The signature, `sha256.json.sig` in the folder.

    Raises:
        ImportError: without the extra `sign`.
        OSError: if a file cannot be read or written.
        ValueError: if a file is damaged, the folder has no `sha256.json`, or the key is another one.
    """
    manifest = _manifest(directory)
    verify(directory)
    key = _key(private_key, "private")
    path = manifest.with_name(SIGNATURE)
    path.write_bytes(key.sign(manifest.read_bytes()))
    return path


def authenticate(
    directory: str | Path, sha256: str | None = None, public_key: str | PathLike[str] | None = None
) -> None:
    """Check that a model folder is the one that the user means.

    The other files must be checked against `sha256.json`, see `mizoo.export.manifest.verify`.

    Args:
        directory: folder of the model.
        sha256: SHA-256 of its `sha256.json`, if known.
        public_key: PEM file of the Ed25519 key of its author, if known.

    Raises:
        ImportError: without the extra `sign`, for a `public_key`.
        FileNotFoundError: if the key does not exist.
        ValueError: if the folder is another one, is not signed, or is signed by another key.
    """
    if sha256 is not None:
        check_sha256(_manifest(directory), sha256)
    if public_key is not None:
        manifest, key = _manifest(directory), _key(public_key, "public")
        signature = manifest.with_name(SIGNATURE)
        if not signature.is_file():
            raise ValueError(f"{directory} is not signed: it has no {SIGNATURE}")
        invalid = extra("cryptography.exceptions", "signatures").InvalidSignature
        try:
            key.verify(signature.read_bytes(), manifest.read_bytes())
        except invalid:
            raise ValueError(f"{signature} is not a signature of {NAME} by {public_key}") from None


def check_sha256(path: Path, expected: str) -> None:
    """Check the SHA-256 of a file.

    Raises:
        ValueError: if it is another one; it names the file.
    """
    if (found := checksum(path)) != expected.lower():
        raise ValueError(f"{path} is not the one you mean: its SHA-256 is {found}, not {expected}")


def _manifest(directory: str | Path) -> Path:
    if not (manifest := Path(directory) / NAME).is_file():
        raise ValueError(f"{directory} cannot be identified: it has no {NAME}")
    return manifest


def _key(path: str | PathLike[str], kind: str) -> Any:
    """The Ed25519 key in a PEM file, `"private"` or `"public"`."""
    serialization = extra("cryptography.hazmat.primitives.serialization", "signatures")
    content = Path(path).read_bytes()
    try:
        if kind == "private":
            key = serialization.load_pem_private_key(content, password=None)
        else:
            key = serialization.load_pem_public_key(content)
    except Exception as error:  # of several kinds, by what is wrong with the file
        raise ValueError(f"{path} is no PEM file of a {kind} key without password") from error
    if not isinstance(key, getattr(extra(_KEYS, "signatures"), f"Ed25519{kind.title()}Key")):
        raise ValueError(f"{path} is a {type(key).__name__}, and a {kind} key of Ed25519 is needed")
    return key
