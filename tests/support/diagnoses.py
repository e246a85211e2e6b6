"""What a run would say of an error, with the rehearsal's parts in place of blocks."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, NoReturn

from rollout.diagnose.collect import evidence_of, looks
from rollout.diagnose.match import diagnose
from rollout.executors.evidence import Places, look_around
from rollout.model.around import Around
from rollout.render.diagnosis import render_diagnosis
from tests.support.vm import APPLICATION, login

if TYPE_CHECKING:
    from rollout.executors.host import Host
    from rollout.model.diagnosis import Diagnosis
    from rollout.model.seen import Evidence

URL = "https://trovella.ai/api/health"


def around(host: Host | None = None) -> Around:
    return Around(
        environment="rehearsal",
        ssh=f"ssh deploy@{host.address.host}" if host else "ssh HOST",
        address=host.address.host if host else "",
        url=URL,
    )


def collected(error: BaseException, host: Host | None = None, url: str = URL) -> Evidence:
    """Return all evidence of an error, looked for as a run looks for it."""
    evidence = evidence_of(error, "deploy-prod", around(host))
    places = Places(
        application=APPLICATION,
        url=url,
        address=lambda: host.address if host else _no_host(),
        host=lambda: nullcontext(host) if host else _no_host(),
        login=login,
    )
    return look_around(evidence, looks(error), places)


def diagnosed(error: BaseException, host: Host | None = None, url: str = URL) -> Diagnosis:
    """Return what an error comes down to; it can be shown, and says everything that it must."""
    evidence = collected(error, host, url)
    assert evidence.trouble == ()
    diagnosis = diagnose(evidence)
    shown = render_diagnosis(diagnosis, evidence)
    print(shown)
    assert f"`docs/failures.md#{diagnosis.code}`" in shown, shown
    assert diagnosis.seen, shown
    assert diagnosis.impact, shown
    return diagnosis


def _no_host() -> NoReturn:
    raise AssertionError("this failure asks no host")
