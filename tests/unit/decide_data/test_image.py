"""How an image is called and what stands on it."""

from __future__ import annotations

import pytest

from rollout.config import Build
from rollout.decide.image import (
    ImageOrder,
    build_arguments,
    build_secrets,
    image_labels,
    image_reference,
    image_tag,
    outdated_images,
)
from rollout.errors import ConfigInvalid
from rollout.model.command import Secret
from rollout.model.release import Version
from rollout.model.source import Source
from rollout.model.target import RegistryLogin

VERSION = Version("c0ffee" + "0" * 34)
LOGIN = RegistryLogin(
    "us-central1-docker.pkg.dev", "trovella-shared/trovella", "oauth2accesstoken", Secret("token")
)
BUILD = Build(
    dockerfile="apps/web/Dockerfile",
    args={"APP_VERSION": "{version}", "MODE": "production"},
    secret_args={"NEXT_PUBLIC_SENTRY_DSN": "trovella-sentry-dsn"},
)


def test_the_tag_is_the_whole_commit():
    assert image_tag(VERSION) == "c0ffee0000000000000000000000000000000000"
    assert image_reference(LOGIN, BUILD, VERSION) == (
        "us-central1-docker.pkg.dev/trovella-shared/trovella/web:"
        "c0ffee0000000000000000000000000000000000"
    )


def test_an_order_knows_its_repository():
    order = ImageOrder("localhost:5000/team/web:abc", {}, {})

    assert order.repository == "localhost:5000/team/web"


def test_labels_say_where_it_comes_from_without_credentials():
    source = Source(VERSION, "1" * 40, "/checkout", "Ada <ada@example.org>", "first words")

    labels = image_labels(source, "https://token@github.com/a/b", "2026-11-22T10:00:00Z")

    assert labels == {
        "org.opencontainers.image.revision": "c0ffee0000000000000000000000000000000000",
        "org.opencontainers.image.source": "https://********@github.com/a/b",
        "org.opencontainers.image.created": "2026-11-22T10:00:00Z",
    }


def test_arguments_name_the_version_and_keep_secrets_masked():
    values = {"trovella-sentry-dsn": Secret("https://key@sentry.example/1")}

    args = build_arguments(BUILD, VERSION, values)

    assert args == {
        "APP_VERSION": "c0ffee0000000000000000000000000000000000",
        "MODE": "production",
        "NEXT_PUBLIC_SENTRY_DSN": Secret("https://key@sentry.example/1"),
    }
    assert "sentry.example" not in repr(args)


def test_an_argument_whose_value_was_not_read_is_refused():
    with pytest.raises(ConfigInvalid, match=r"build.secret_args: trovella-sentry-dsn was not read"):
        build_arguments(BUILD, VERSION, {})


def test_images_go_from_the_worker_after_a_week():
    now_s, day_s = 1_800_000_000.0, 86_400.0
    made = {"new": now_s, "six days": now_s - 6 * day_s, "eight days": now_s - 8 * day_s}

    assert outdated_images(made, now_s) == ("eight days",)
    assert outdated_images({}, now_s) == ()


def test_what_the_build_alone_needs_is_no_argument():
    build = BUILD.model_copy(update={"secrets": {"SENTRY_AUTH_TOKEN": "trovella-sentry-token"}})
    values = {"trovella-sentry-token": Secret("sntrys_1"), "trovella-sentry-dsn": Secret("x")}

    assert build_secrets(build, values) == {"SENTRY_AUTH_TOKEN": Secret("sntrys_1")}
    assert "SENTRY_AUTH_TOKEN" not in build_arguments(build, VERSION, values)
    with pytest.raises(ConfigInvalid, match=r"build.secrets: trovella-sentry-token was not read"):
        build_secrets(build, {})
