"""Keys and certificates of the rehearsed world, made by openssl and ssh-keygen.

The authority is shared by the worlds of one checkout, because its certificate is part of the cached
images; everything that it signs belongs to one world.
"""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from infra.rehearsal import facts
from infra.rehearsal.shell import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.rehearsal.paths import Rehearsal

LIFETIME_DAYS = "3650"
ELLIPTIC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")


def ensure_authority(folder: Path) -> None:
    """Make the certificate authority, and the machine's own trust store with it appended."""
    certificate, key = folder / "ca.crt", folder / "ca.key"
    if not certificate.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = certificate.with_suffix(".new")
        run(
            [
                *("openssl", "req", "-x509", *ELLIPTIC, "-days", LIFETIME_DAYS),
                *("-subj", "/CN=Rehearsal CA", "-keyout", str(key), "-out", str(made)),
                *("-addext", "basicConstraints=critical,CA:TRUE"),
                *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            ]
        )
        made.rename(certificate)
    own = ssl.get_default_verify_paths().openssl_cafile
    stores = [Path("/etc/ssl/certs/ca-certificates.crt"), Path(own)]
    trusted = next((store.read_text(encoding="utf-8") for store in stores if store.exists()), "")
    ours = certificate.read_text(encoding="utf-8")
    # Replaced at once: a worker that reads half a certificate ends by it.
    bundle = folder / "bundle.new"
    bundle.write_text(trusted.replace(ours, "") + ours, encoding="utf-8")
    bundle.rename(folder / "bundle.pem")


def ensure_server_certificate(authority: Path, folder: Path, names: Sequence[str]) -> None:
    """Make `server.crt` and `server.key` for these DNS names, signed by the authority."""
    certificate = folder / "server.crt"
    if certificate.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    request, made = folder / "server.csr", folder / "server.new"
    run(
        [
            *("openssl", "req", *ELLIPTIC, "-subj", "/CN=rehearsal cloud"),
            *("-keyout", str(folder / "server.key"), "-out", str(request)),
            *("-addext", f"subjectAltName={','.join(f'DNS:{name}' for name in names)}"),
            *("-addext", "extendedKeyUsage=serverAuth"),
        ]
    )
    run(
        [
            *("openssl", "x509", "-req", "-days", LIFETIME_DAYS, "-copy_extensions", "copy"),
            *("-in", str(request), "-out", str(made)),
            *("-CA", str(authority / "ca.crt"), "-CAkey", str(authority / "ca.key")),
        ]
    )
    request.unlink()
    made.rename(certificate)


def ensure_ssh_key(path: Path, comment: str) -> str:
    """Make an ed25519 key pair, or keep the one that is there; return the public half."""
    public = path.with_name(f"{path.name}.pub")
    if not public.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])
    return public.read_text(encoding="utf-8").strip()


def ensure_service_account(rehearsal: Rehearsal) -> Path:
    """Make the throw-away key of a Google service account, and its public half beside it."""
    folder = rehearsal.state / "google"
    document = folder / "service-account.json"
    if document.exists():
        return document
    folder.mkdir(parents=True, exist_ok=True)
    bits = "rsa_keygen_bits:2048"
    private = run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", bits])
    public = run(["openssl", "pkey", "-pubout"], stdin=private)
    (folder / "service-account.pub").write_text(public, encoding="utf-8")
    key = {
        "type": "service_account",
        "project_id": facts.SECRETS_PROJECT,
        "private_key_id": rehearsal.identity,
        "private_key": private,
        "client_email": facts.SERVICE_ACCOUNT,
        "client_id": "100000000000000000000",
        "token_uri": facts.TOKEN_URI,
        "universe_domain": "googleapis.com",
    }
    document.touch(mode=0o600)
    document.write_text(json.dumps(key, indent=2), encoding="utf-8")
    return document
