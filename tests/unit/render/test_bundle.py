"""The evidence of a refused release."""

from __future__ import annotations

from base64 import b64encode

from rollout.commands.bundle import parse_bundle
from rollout.executors.masking import masking
from rollout.model.bundle import Bundle, ContainerEvidence
from rollout.model.command import Secret
from rollout.model.outside import Dependency, Outside
from rollout.render.bundle import render_bundle
from tests.support.values import release

URL = "https://trovella.ai/api/health"
SEEN = Outside(
    URL, "degraded", "c" * 40, "web-r3", (Dependency("redis", False, 2001.0),)
)  # fmt: skip
BUNDLE = Bundle(
    (
        ContainerEvidence(
            "trovella-web-r3-1", '{"ExitCode":0}\n', "redis://:hunter2@r is down\n```"
        ),
    ),
    '{"level":"error","msg":"dial hunter2"}',
    "Mem: 100",
)

WHOLE = """\
# Why release 3 was left

What was seen before anything was undone.

## From outside

- **address:** https://trovella.ai/api/health
- **status:** degraded
- **version:** cccccccccccccccccccccccccccccccccccccccc
- **answered by:** web-r3
- **dependencies that do not answer:** redis

## The host

```text
Mem: 100
```

## States of the containers

```text
trovella-web-r3-1: {"ExitCode":0}
```

## The proxy's warnings and errors

```text
{"level":"error","msg":"dial ********"}
```

## Last lines of trovella-web-r3-1

```text
redis://:********@r is down
'''
```
"""


def test_the_evidence_with_its_secrets_hidden():
    assert render_bundle(release(3), BUNDLE, SEEN, masking([Secret("hunter2")])) == WHOLE


def test_what_cannot_be_masked_is_left_out():
    text = render_bundle(release(3), BUNDLE, Outside(URL, problem="ConnectError"), None)

    assert "hunter2" not in text
    assert "- **status:** ConnectError" in text
    assert "The logs of trovella-web-r3-1 are left out" in text


def test_what_a_host_says_becomes_a_bundle_and_a_torn_line_is_left_out():
    def packed(text: str) -> str:
        return b64encode(text.encode()).decode()

    stdout = (
        f"container web {packed('{}')} {packed('line')}\n"
        f"container quiet {packed('{}')} \n"
        f"container torn {packed('{}')}\n"
        f"proxy {packed('refused')}\nmachine {packed('Mem')}\n"
    )

    quiet = ContainerEvidence("quiet", "{}", "")
    assert parse_bundle(stdout) == Bundle(
        (ContainerEvidence("web", "{}", "line"), quiet), "refused", "Mem"
    )


def test_a_host_that_says_nothing_gives_an_empty_bundle():
    text = render_bundle(release(3), parse_bundle(""), SEEN, masking([]))

    assert text.count("nothing was written") == 3
