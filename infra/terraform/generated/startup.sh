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

told() {
    curl --fail --silent --show-error --retry 5 --retry-connrefused \
        --header 'Metadata-Flavor: Google' \
        "http://metadata.google.internal/computeMetadata/v1/instance/attributes/$1"
}
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
    apt-get -qq install -y docker.io docker-compose-v2 docker-buildx >/dev/null
fi

# Memory and disk are seen by nobody without it.
if [ ! -d /opt/google-cloud-ops-agent ]; then
    curl --fail --silent --show-error --location --retry 5 --output /tmp/ops-agent.sh \
        https://dl.google.com/cloudagents/add-google-cloud-ops-agent-repo.sh
    bash /tmp/ops-agent.sh --also-install
fi
cat >/etc/google-cloud-ops-agent/config.yaml <<'YAML'
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
YAML
systemctl restart google-cloud-ops-agent || echo "the agent did not take its configuration" >&2

# OS Login knows the login a moment after the machine's start.
for _ in $(seq 60); do
    id -u "$login" >/dev/null 2>&1 && break
    sleep 2
done

# make the directory belong to the login
sudo -n install --directory --owner "$login" --mode 750 "$directory"

# let the login use the engine
sudo -n usermod --append --groups docker "$login"

if [ ! -s /etc/docker/daemon.json ]; then

# write the engine's settings
printf '%s' '{
  "live-restore": true,
  "log-driver": "json-file",
  "log-opts": {
    "max-file": "5",
    "max-size": "10m"
  }
}
' | sudo -n sh -euc '# replace the engine'"'"'s settings
mkdir -p /etc/docker
cat >/etc/docker/daemon.json.tmp
dockerd --validate --config-file /etc/docker/daemon.json.tmp || exit 73
mv /etc/docker/daemon.json.tmp /etc/docker/daemon.json
' sh

# restart the engine
sudo -n sh -euc '# restart the engine and wait for it
service docker restart >/dev/null
deadline=$(($(date +%s) + $1))
until docker version >/dev/null 2>&1; do
    [ "$(date +%s)" -lt "$deadline" ] || exit 74
    sleep 0.2
done
' sh 30
fi

mkdir -p "$(dirname "$prepared")"
touch "$prepared"
