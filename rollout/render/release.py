"""The folder of a release: every file that a host needs to run it, and its own description.

The description freezes the other files by their checksums, the schema contract's among them as
`contract`, but for `.env`: that one holds secrets, and is frozen by the numbers of their versions.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from rollout.errors import ConfigInvalid
from rollout.model import layout as names
from rollout.model.host import ReleaseFolder
from rollout.model.layout import Layout
from rollout.model.plan import RemoteFile
from rollout.model.release import Release
from rollout.render.caddyfile import render_caddyfile
from rollout.render.compose import fingerprint_around, render_compose, renumber_compose
from rollout.render.env import render_env

if TYPE_CHECKING:
    from rollout.config import Application
    from rollout.model.command import Secret

_RELEASE = TypeAdapter(Release)


def release_files(
    release: Release,
    application: Application,
    *,
    compose: str,
    caddyfile: str,
    variables: dict[str, Secret],
    contract: str = "",
) -> tuple[RemoteFile, ...]:
    """Return the files of a release's folder.

    Args:
        release: What is to be deployed.
        application: How the application stands in its compose file.
        compose: The application's own compose file.
        caddyfile: The application's own Caddyfile.
        variables: Everything that its `.env` shall hold.
        contract: Text of the schema contract, whose fingerprint the release has; empty leaves the
            file out.

    Raises:
        ConfigInvalid: When one of the application's files, or a variable, cannot be rendered.
    """
    folder = ReleaseFolder(
        render_compose(compose, application, release),
        render_caddyfile(caddyfile, application),
        contract,
    )
    return _folder(release, application, folder, variables)


def renewed_files(
    release: Release,
    application: Application,
    *,
    former: int,
    folder: ReleaseFolder,
    variables: dict[str, Secret],
) -> tuple[RemoteFile, ...]:
    """Return the files of a release that differs from another one in its variables alone.

    Its code is the other one's, so its schema contract is that too, whatever the database holds by
    now.

    Args:
        release: What is to be activated; it has the other one's version and image.
        application: How the application stands in its compose file.
        former: The other release's number.
        folder: The other release's folder, as the host has it.
        variables: Everything that its `.env` shall hold.

    Raises:
        ConfigInvalid: When the folder is not that of the other release, or a variable cannot be
            rendered.
    """
    compose = renumber_compose(folder.compose, application, former, release)
    return _folder(release, application, replace(folder, compose=compose), variables)


def _folder(
    release: Release,
    application: Application,
    content: ReleaseFolder,
    variables: dict[str, Secret],
) -> tuple[RemoteFile, ...]:
    folder = Layout(application.directory).release(release.number)
    texts = {names.COMPOSE: content.compose, names.CADDYFILE: content.caddyfile}
    contract = {names.CONTRACT: content.contract} if content.contract else {}
    sums = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    around = fingerprint_around(content.compose, application, release.number)
    frozen = replace(release, files=sums, around=around)
    return (
        *(RemoteFile(f"{folder}/{name}", text) for name, text in {**texts, **contract}.items()),
        RemoteFile(f"{folder}/{names.ENV}", render_env(variables), mode=0o600),
        RemoteFile(f"{folder}/{names.RELEASE}", render_release(frozen)),
    )


def render_release(release: Release) -> str:
    """Return a release as the text of its `release.json`."""
    return json.dumps(asdict(release), indent=2, sort_keys=True) + "\n"


def parse_release(text: str) -> Release:
    """Return the release that a `release.json` describes.

    Raises:
        ConfigInvalid: When it describes none.
    """
    try:
        return _RELEASE.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"])) or "text"
        raise ConfigInvalid(names.RELEASE, f"{key}: {first['msg']}") from None
