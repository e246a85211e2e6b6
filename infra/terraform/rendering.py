"""Files that Terraform reads and that are written from what the deploy itself goes by.

Names, numbers and secrets stand in `deployments/production.toml` once; how a bare machine is
prepared is decided in `rollout.decide.bootstrap` once. What is rendered here is committed, because
Terraform reads files; a test keeps it fresh.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rollout.decide.bootstrap import NEEDED_FREE_BYTES, decide_bootstrap
from rollout.model.command import Secret
from rollout.model.finding import Refuse
from rollout.model.host import MachineFacts

if TYPE_CHECKING:
    from rollout.config import Application, Environment
    from rollout.model.plan import Step

PACKAGES = ("docker.io", "docker-compose-v2", "docker-buildx")
"""Ubuntu 24.04's own, with its updates; a deploy's first look refuses an engine that is too old."""
OPS_AGENT = "https://dl.google.com/cloudagents/add-google-cloud-ops-agent-repo.sh"
"""Installs Google's agent, without which Cloud Monitoring knows no memory and no disk."""

OPS_AGENT_CONFIG = """\
logging:
  receivers:
    containers:
      type: files
      include_paths: [/var/lib/docker/containers/*/*-json.log]
  processors:
    engine:
      type: parse_json
      time_key: time
      time_format: "%Y-%m-%dT%H:%M:%S.%L%z"
    application:
      type: parse_json
      field: log
  service:
    pipelines:
      containers:
        receivers: [containers]
        processors: [engine, application]
"""
"""Merged over the agent's own, which reads the system's log only: what containers write goes to
Cloud Logging, too, the application's JSON as fields.

Source: https://cloud.google.com/logging/docs/agent/ops-agent/configuration (read 2026-11-27).
"""

# Words that no command holds otherwise; on the machine they are variables.
_LOGIN, _DIRECTORY = "DEPLOY-LOGIN", "/APPLICATION-DIRECTORY"
_SOMEBODYS = "settings that somebody wrote: a deploy leaves what it cannot read"

_START = f"""\
#!/usr/bin/env bash
# Written by `.venv/bin/python -m infra.terraform` from rollout/decide/bootstrap.py: change that.
#
# A machine's start: the engine, Google's agent, and what a deploy would prepare at its first look.
# It does its work once; what it could not do (a login that is not known yet), the next start or the
# first deploy does. What is there already is left as it is: an upgrade of an engine, or other
# settings, would restart it under what serves by then.
# shellcheck disable=SC2016 # single quotes: the shell that is started with it expands it
set -euo pipefail

prepared=/var/lib/trovella/prepared
[ ! -e "$prepared" ] || exit 0

told() {{
    curl --fail --silent --show-error --retry 5 --retry-connrefused \\
        --header 'Metadata-Flavor: Google' \\
        "http://metadata.google.internal/computeMetadata/v1/instance/attributes/$1"
}}
login=$(told deploy-login)
directory=$(told application-directory)

export DEBIAN_FRONTEND=noninteractive
# At a machine's first start its own updates often have what apt-get needs.
echo 'DPkg::Lock::Timeout "300";' >/etc/apt/apt.conf.d/90-wait
if ! docker compose version >/dev/null 2>&1 || ! docker buildx version >/dev/null 2>&1; then
    for try in $(seq 60); do
        apt-get -qq update && break
        [ "$try" -lt 60 ] || exit 1
        sleep 5
    done
    apt-get -qq install -y {" ".join(PACKAGES)} >/dev/null
fi

# Memory and disk are seen by nobody without it.
if [ ! -d /opt/google-cloud-ops-agent ]; then
    curl --fail --silent --show-error --location --retry 5 --output /tmp/ops-agent.sh \\
        {OPS_AGENT}
    bash /tmp/ops-agent.sh --also-install
fi
cat >/etc/google-cloud-ops-agent/config.yaml <<'YAML'
{OPS_AGENT_CONFIG}YAML
systemctl restart google-cloud-ops-agent || echo "the agent did not take its configuration" >&2

# OS Login knows the login a moment after the machine's start.
for _ in $(seq 60); do
    id -u "$login" >/dev/null 2>&1 && break
    sleep 2
done
"""
_WITHOUT_SETTINGS = """
if [ ! -s /etc/docker/daemon.json ]; then
"""
_END = """\
fi

mkdir -p "$(dirname "$prepared")"
touch "$prepared"
"""


def render_facts(environment: Environment) -> str:
    """Return what Terraform reads of an environment's file, as JSON.

    Args:
        environment: The environment that is set up.

    Returns:
        The text of `generated/production.json`.
    """
    asked = urlsplit(environment.verify.url)
    github = environment.github
    facts = {
        "branch": environment.branch,
        "database_instance": environment.migrations.backup_instance,
        "directory": environment.application.directory,
        "github_repository": github.repository if github else "",
        "health": {
            "host": asked.hostname,
            "path": environment.verify.path,
            "status": environment.verify.healthy,
        },
        "image": environment.build.image,
        "label": environment.build.label,
        "secrets": sorted(environment.secret_names),
    }
    return json.dumps(facts, indent=2, sort_keys=True) + "\n"


def render_startup_script(application: Application) -> str:
    """Return the script that a machine runs at its start, the same for each environment.

    Args:
        application: What is put on it; where it lies is told by the machine's metadata.

    Raises:
        ValueError: When the bootstrap refuses a fresh machine: one of the two is mistaken.
    """
    always = _steps(application, _fresh_machine(settings=_SOMEBODYS))
    engine = [step for step in _steps(application, _fresh_machine()) if step not in always]
    lines = (*map(_render, always), _WITHOUT_SETTINGS, *map(_render, engine))
    return _START + "".join(lines) + _END


def _steps(application: Application, machine: MachineFacts) -> tuple[Step, ...]:
    moved = application.model_copy(update={"directory": _DIRECTORY})
    match decide_bootstrap(machine, moved, _LOGIN):
        case Refuse(findings):
            raise ValueError(f"a fresh machine is refused: {findings[0].consequence}")
        case plan:
            return plan.steps


def _fresh_machine(settings: str = "") -> MachineFacts:
    """Return what a machine brings once the packages are there, and its engine's settings."""
    return MachineFacts(
        user=_LOGIN,
        sudo=True,
        docker=True,
        engine="27.5.1",
        compose="2.33.0",
        settings=settings,
        free_bytes=NEEDED_FREE_BYTES,
    )


def _render(step: Step) -> str:
    """Return a step's name and the line that does it."""
    line = step.command.shell()
    if isinstance(step.command.stdin, Secret):
        raise TypeError("a machine's start knows no secrets")
    if step.command.stdin is not None:
        line = f"printf '%s' {shlex.quote(step.command.stdin)} | {line}"
    name = step.name.replace(_LOGIN, "the login").replace(_DIRECTORY, "the directory")
    line = line.replace(_LOGIN, '"$login"').replace(_DIRECTORY, '"$directory"')
    return f"\n# {name}\n{line}\n"
