"""Models of a registry are those of their author: by https, by checksum, or by signature."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from typer.testing import CliRunner

import mizoo
from mizoo import cli
from mizoo.datasets.integrity import checksum
from mizoo.export import sign
from mizoo.export.manifest import write_manifest

SHIPPED = Path(__file__).parents[1] / "saved_models" / "pix2pix-ttbar"


def keys(folder, name, private=None):
    """PEM files of a private and a public key."""
    private = private or Ed25519PrivateKey.generate()
    paths = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    paths[0].write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = private.public_key()
    paths[1].write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return paths


@pytest.fixture
def folder(tmp_path):
    """A model as one ONNX file with checksums."""
    path = tmp_path / "model"
    path.mkdir()
    shutil.copy(SHIPPED / "model.onnx", path)
    write_manifest(path)
    return path


def run(*words):
    return CliRunner().invoke(cli.app, list(map(str, words)))


def test_a_signed_model_is_that_of_its_author(folder, tmp_path):
    private, public = keys(tmp_path, "author")
    _, other = keys(tmp_path, "other")
    with pytest.raises(ValueError, match=r"model is not signed: it has no sha256\.json\.sig"):
        mizoo.load(folder, public_key=public)
    assert sign(folder, private) == folder / "sha256.json.sig"
    assert mizoo.load(folder, public_key=public).endpoints
    assert mizoo.load(folder / "model.onnx", public_key=str(public)).endpoints
    with pytest.raises(ValueError, match=r"is not a signature of sha256\.json by .*other"):
        mizoo.load(folder, public_key=other)
    (folder / "model.onnx").write_bytes(b"changed")
    with pytest.raises(ValueError, match=r"model\.onnx is damaged or was changed"):
        mizoo.load(folder, public_key=public)
    write_manifest(folder)  # deletes the signature, which is no longer right
    assert not (folder / "sha256.json.sig").exists()


def test_who_changes_checksums_as_well_is_found(folder, tmp_path):
    private, public = keys(tmp_path, "author")
    signature = sign(folder, private).read_bytes()
    known = checksum(folder / "sha256.json")
    assert mizoo.load(folder, sha256=known.upper()).endpoints
    shutil.copy(SHIPPED.parent / "turbosim-original-ttbar" / "model.onnx", folder)
    write_manifest(folder)
    (folder / "sha256.json.sig").write_bytes(signature)
    with pytest.raises(ValueError, match="is not a signature"):
        mizoo.load(folder, public_key=public)
    with pytest.raises(ValueError, match=r"sha256\.json is not the one you mean"):
        mizoo.load(folder, sha256=known)


def test_an_onnx_file_is_known_by_its_own_checksum(folder):
    path = folder / "model.onnx"
    assert mizoo.load(path, sha256=checksum(path)).endpoints
    with pytest.raises(ValueError, match=r"model\.onnx is not the one you mean"):
        mizoo.load(path, sha256="0" * 64)


def test_folders_without_checksums_cannot_be_identified(folder, tmp_path):
    private, public = keys(tmp_path, "author")
    (folder / "sha256.json").unlink()
    for call in (
        lambda: sign(folder, private),
        lambda: mizoo.load(folder, sha256="0" * 64),
        lambda: mizoo.load(folder, public_key=public),
    ):
        with pytest.raises(ValueError, match=r"model cannot be identified: it has no sha256\.json"):
            call()


def test_wrong_keys_are_told_in_one_line(folder, tmp_path):
    private, public = keys(tmp_path, "author")
    sign(folder, private)
    _, elliptic = keys(tmp_path, "elliptic", generate_private_key(SECP256R1()))
    (tmp_path / "text.pem").write_text("nothing")
    for key, message in (
        (private, r"author\.pem is no PEM file of a public key"),
        (elliptic, "ECPublicKey, and a public key of Ed25519 is needed"),
        (tmp_path / "text.pem", "is no PEM file of a public key"),
    ):
        with pytest.raises(ValueError, match=message) as found:
            mizoo.load(folder, public_key=key)
        assert "\n" not in str(found.value)
    with pytest.raises(ValueError, match="is no PEM file of a private key"):
        sign(folder, public)
    with pytest.raises(FileNotFoundError, match=r"gone\.pem"):
        mizoo.load(folder, public_key=tmp_path / "gone.pem")


def test_signatures_on_the_command_line(folder, tmp_path):
    private, public = keys(tmp_path, "author")
    _, other = keys(tmp_path, "other")
    assert run("sign", folder, "--key", private).exit_code == 0
    done = run("verify", folder, "--public-key", public)
    assert done.exit_code == 0
    assert f"is intact, signed by {public}" in done.output.replace("\n", "")
    assert run("verify", folder, "--sha256", checksum(folder / "sha256.json")).exit_code == 0
    for words in (["--public-key", other], ["--sha256", "0" * 64]):
        failed = run("verify", folder, *words)
        assert isinstance(failed.exception, ValueError)
    (folder / "sha256.json").unlink()
    assert "is unverified" in str(run("verify", folder).exception)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_openssl_reads_signatures(folder, tmp_path):
    private, public = keys(tmp_path, "author")
    signature = sign(folder, private)
    words = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin"]
    words += ["-in", folder / "sha256.json", "-sigfile", signature]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0
