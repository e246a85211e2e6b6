"""What Google Cloud is told equals the environment's file and the facts of the system.

Terraform itself is not here (`ci.yml` runs it); what a plan could not be right without is asked of
the parsed code.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.terraform.__main__ import GENERATED, rendered
from rollout.config import parse_environment
from rollout.decide.bootstrap import decide_bootstrap
from rollout.model.host import MachineFacts
from rollout.model.plan import Plan
from tests.support.terraform import (
    MODULES,
    blocks,
    every_resource,
    named,
    only,
    resources,
    source,
    text,
)

PRODUCTION = parse_environment(
    "production.toml", (Path(__file__).parents[3] / "deployments/production.toml").read_text()
)
FACTS = json.loads((GENERATED / "production.json").read_text())


# --- One source of truth ---


@pytest.mark.parametrize("name", ["production.json", "startup.sh"])
def test_what_terraform_reads_is_what_the_deploy_goes_by(name: str):
    told = "write it anew: .venv/bin/python -m infra.terraform"

    assert (GENERATED / name).read_text() == rendered()[name], told


def test_a_started_machine_lacks_nothing_that_a_deploy_would_prepare():
    script = (GENERATED / "startup.sh").read_text()
    settings = re.search(r"printf '%s' '(\{.*?\n\}\n)'", script, re.DOTALL)
    assert settings is not None
    started = MachineFacts(
        user="sa_1",
        groups=("docker",) if 'docker "$login"' in script else (),
        sudo=True,
        docker="docker.io" in script,
        engine="27.5.1",
        compose="2.33.0" if "docker-compose-v2" in script else "",
        settings=settings[1],
        owner="sa_1" if '--owner "$login" --mode 750 "$directory"' in script else "",
        mode="750",
        free_bytes=10 * 1024**3,
    )

    assert decide_bootstrap(started, PRODUCTION.application, "sa_1") == Plan(
        before="The host runs what it ran before."
    )


def test_a_start_that_is_repeated_upgrades_no_engine_and_restarts_none():
    script = (GENERATED / "startup.sh").read_text()
    guarded = re.findall(
        r"^if ! docker compose.*?^fi$|^if \[ ! -s /etc.*?^fi$", script, re.M | re.S
    )

    left = script
    for part in guarded:
        left = left.replace(part, "")
    assert "apt-get" not in left.replace("what apt-get needs", "")
    assert "daemon.json" not in left
    assert "service docker restart" not in left
    # What the login needs is made anew each time.
    assert "--directory --owner" in left
    assert "usermod" in left


def test_the_startup_script_is_metadata_because_else_a_change_makes_the_machine_anew():
    host = only("modules/host", "google_compute_instance")

    assert "metadata_startup_script" not in host
    assert host["metadata"]["startup-script"] == "${var.startup_script}"
    for name in re.findall(r"told ([a-z-]+)\)", (GENERATED / "startup.sh").read_text()):
        assert name in host["metadata"]


# --- The code holds together ---


@pytest.mark.parametrize("module", MODULES)
def test_every_name_that_is_used_is_declared_and_every_declared_one_is_used(module: str):
    code = text(module)

    assert set(re.findall(r"\bvar\.(\w+)", code)) == set(named(module, "variable"))
    assert all(body.get("description") for body in named(module, "variable").values())
    declared = {f"{kind}.{name}" for where, kind, name, _ in every_resource() if where == module}
    assert set(re.findall(r"(?<!\.)\bgoogle_\w+\.\w+", code)) - _data(module) <= declared


@pytest.mark.parametrize("module", MODULES)
def test_each_module_is_given_what_it_asks_for_and_gives_what_is_asked(module: str):
    for name, call in named(module, "module").items():
        inner = source(call, module)
        variables = named(inner, "variable")
        given = call.keys() - {"source", "providers", "count"}
        needed = {one for one, body in variables.items() if "default" not in body}
        assert needed <= given <= variables.keys(), name
        asked = set(re.findall(rf"\bmodule\.{name}(?:\[0\])?\.(\w+)", text(module)))
        assert asked - {"google_storage_bucket"} <= named(inner, "output").keys(), name


def test_every_resource_says_its_project():
    silent = {"google_billing_budget", "google_service_account_iam_member"}

    missing = [
        f"{kind}.{name}"
        for _, kind, name, body in every_resource()
        if kind not in silent and "project" not in body
    ]

    assert missing == []


def test_the_apis_that_resources_need_are_enabled_by_code_and_stay():
    assert only("modules/services", "google_project_service")["disable_on_destroy"] is False
    for module, needed in {
        "modules/shared": {"artifactregistry", "iamcredentials", "sts", "storage", "compute"}
        | {"secretmanager", "monitoring", "logging", "iap", "billingbudgets", "cloudbilling"},
        "modules/environment": {"compute", "iap", "oslogin", "monitoring", "logging", "sqladmin"}
        | {"secretmanager"},
    }.items():
        assert needed <= set(named(module, "module")["services"]["apis"]), module
        # Nothing asks an API that is not there yet.
        assert not re.search(r"\bproject\s*= var\.project\b", _without_services(text(module)))


# --- Machine, network, database ---


def test_only_caddy_is_reached_from_outside_and_ssh_through_iap_only():
    rules = {
        name: (
            tuple(rule["source_ranges"]),
            {(allow["protocol"], port) for allow in rule["allow"] for port in allow["ports"]},
        )
        for name, rule in resources("modules/host", "google_compute_firewall").items()
    }

    assert rules == {
        "web": (("0.0.0.0/0",), {("tcp", "80"), ("tcp", "443"), ("udp", "443")}),
        "iap_ssh": (("35.235.240.0/20",), {("tcp", "22")}),
    }
    everywhere = [kind for _, kind, _, _ in every_resource() if kind == "google_compute_firewall"]
    assert len(everywhere) == len(rules)
    # Each project's own network lets everybody in by SSH.
    assert only("modules/host", "google_compute_network")["auto_create_subnetworks"] is False


def test_the_machine_is_the_one_that_the_facts_describe():
    call = named("modules/environment", "module")["host"]
    host = only("modules/host", "google_compute_instance")
    (disk,) = host["boot_disk"]

    assert (call["machine_type"], call["disk_gb"]) == ("e2-custom-2-6144", 50)
    assert disk["initialize_params"] == [
        {
            "image": "ubuntu-os-cloud/ubuntu-2404-lts-amd64",
            "size": "${var.disk_gb}",
            "type": "pd-standard",
        }
    ]
    assert host["name"] == "trovella-${var.name}-vm"
    assert host["deletion_protection"] is True
    assert host["metadata"]["enable-oslogin"] == "TRUE"
    assert host["metadata"]["block-project-ssh-keys"] == "TRUE"
    assert FACTS["directory"] == PRODUCTION.application.directory


def test_the_database_is_backed_up_protected_and_reached_through_the_proxy_only():
    instance = only("modules/database", "google_sql_database_instance")
    (settings,) = instance["settings"]
    (backup,) = settings["backup_configuration"]

    assert instance["database_version"] == "POSTGRES_18"
    assert instance["deletion_protection"] is True
    assert settings["deletion_protection_enabled"] is True
    assert instance["lifecycle"][0]["prevent_destroy"] is True
    assert backup["enabled"] is True
    assert backup["point_in_time_recovery_enabled"] is True
    assert settings["ip_configuration"] == [
        {"ipv4_enabled": True, "ssl_mode": "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"}
    ]
    assert [settings[key] for key in ("tier", "edition", "availability_type", "disk_type")] == [
        "db-g1-small",
        "ENTERPRISE",
        "ZONAL",
        "PD_SSD",
    ]


# --- Secrets, identities, rights ---


def test_each_secret_of_the_one_list_has_an_empty_shell_and_no_value_is_in_the_code():
    github = PRODUCTION.github
    assert github is not None
    kinds = {kind for _, kind, _, _ in every_resource()}

    build = PRODUCTION.build.secrets.values()
    assert FACTS["secrets"] == sorted({*PRODUCTION.secrets.values(), *build, github.token})
    assert named("", "module")["production"]["secrets"] == "${local.facts.secrets}"
    assert (
        not {
            "google_secret_manager_secret_version",
            "google_service_account_key",
            "google_sql_user",
            "random_password",
        }
        & kinds
    )


def test_github_is_known_by_repository_and_branch():
    provider = only("modules/shared", "google_iam_workload_identity_pool_provider")
    (github,) = resources("modules/shared", "google_service_account_iam_member").values()

    repository, reference = provider["attribute_condition"].split(" && ")
    assert repository == "assertion.repository == '${var.github_repository}'"
    # Further branches stand beside it, never any of them.
    first, *further = reference.strip("()").split(" || ")
    assert first == "assertion.ref == 'refs/heads/${var.branch}'"
    assert all(re.fullmatch(r"assertion\.ref == 'refs/heads/[\w./-]+'", one) for one in further)
    assert provider["oidc"] == [{"issuer_uri": "https://token.actions.githubusercontent.com"}]
    assert github["member"].endswith("/attribute.repository/${var.github_repository}")
    assert PRODUCTION.github is not None
    assert (FACTS["github_repository"], FACTS["branch"]) == (
        PRODUCTION.github.repository,
        PRODUCTION.branch,
    )


def test_these_are_all_roles_that_anybody_is_given():
    """A role more is a decision: it is made here, too."""
    granted = {
        (module.removeprefix("modules/"), role)
        for module in MODULES
        for role in re.findall(r'"(roles/[\w.]+)"', text(module))
    }

    assert granted == {
        # The machines tell logs and figures; the one that serves reaches its database.
        ("operations", "roles/logging.logWriter"),
        ("operations", "roles/monitoring.metricWriter"),
        ("environment", "roles/logging.logWriter"),
        ("environment", "roles/monitoring.metricWriter"),
        ("environment", "roles/cloudsql.client"),
        ("environment", "roles/artifactregistry.reader"),
        # Who deploys.
        ("operations", "roles/artifactregistry.writer"),
        ("environment", "roles/iap.tunnelResourceAccessor"),
        ("environment", "roles/compute.osAdminLogin"),
        ("environment", "roles/iam.serviceAccountUser"),
        ("environment", "roles/monitoring.viewer"),
        # Each on single secrets.
        ("secrets", "roles/secretmanager.secretAccessor"),
        ("secrets", "roles/secretmanager.viewer"),
        # GitHub becomes the account that starts runs.
        ("shared", "roles/iam.workloadIdentityUser"),
    }
    own = resources("modules/environment", "google_project_iam_custom_role")
    assert {name: role["permissions"] for name, role in own.items()} == {
        "backup": ["cloudsql.backupRuns.create", "cloudsql.instances.get"],
        "host_key": ["compute.instances.getGuestAttributes"],
    }
    grants = {kind for _, kind, _, _ in every_resource() if "_iam_" in kind}
    # A binding or a policy takes away what others were given.
    assert not [kind for kind in grants if kind.endswith(("_binding", "_policy"))]


# --- Images, alerts, money ---


def test_images_that_the_ledger_may_name_outlive_the_clean_up():
    policies = {
        policy["id"]: policy
        for policy in only("modules/shared", "google_artifact_registry_repository")[
            "cleanup_policies"
        ]
    }
    (recent,) = policies["keep-what-the-ledger-may-name"]["most_recent_versions"]
    (verified,) = policies["keep-what-was-verified-last"]["condition"]

    # An image may be three versions: its index, itself and what attests it.
    assert recent["keep_count"] >= 3 * (PRODUCTION.application.retain_releases + 1)
    assert recent["package_name_prefixes"] == ["${var.image}"]
    # Further environments that share the registry have labels of their own.
    assert "${var.label}" in verified["tag_prefixes"]
    assert (FACTS["image"], FACTS["label"]) == (PRODUCTION.build.image, PRODUCTION.build.label)
    assert {name for name, policy in policies.items() if policy["action"] == "DELETE"} == {
        "delete-old"
    }
    assert policies["delete-old"]["condition"] == [{"tag_state": "ANY", "older_than": "180d"}]


def test_the_bucket_of_the_state_is_adopted_with_its_project():
    text = (GENERATED.parent / "main.tf").read_text()
    variables = (GENERATED.parent / "variables.tf").read_text()
    (adopted,) = re.findall(r'google_storage_bucket\.state\n  id = "(.+)"', text)
    project, bucket = adopted.split("/")

    # The provider asks nobody whose it is: without the project, a plan wants to make it anew.
    assert f'"{project}"' in variables
    assert only("modules/shared", "google_storage_bucket")["name"] == bucket


def test_the_four_alerts_have_the_thresholds_of_the_facts():
    usage = blocks("modules/monitoring", "locals")[0]["usage"]
    policy = resources("modules/monitoring", "google_monitoring_alert_policy")

    assert {name: (one["threshold"], one["duration"]) for name, one in usage.items()} == {
        "cpu": (0.85, "300s"),
        "memory": (90, "300s"),
        "disk": (80, "0s"),
    }
    for name, metric in {
        "cpu": "compute.googleapis.com/instance/cpu/utilization",
        "memory": "agent.googleapis.com/memory/percent_used",
        "disk": "agent.googleapis.com/disk/percent_used",
    }.items():
        assert metric in usage[name]["metric"]
    assert policy.keys() == {"usage", "uptime"}
    for one in policy.values():
        assert one["alert_strategy"] == [{"auto_close": "1800s"}]
        assert one["notification_channels"]


def test_the_uptime_check_reads_the_body():
    check = only("modules/monitoring", "google_monitoring_uptime_check_config")
    (matcher,) = check["content_matchers"]

    assert (check["period"], check["timeout"]) == ("300s", "10s")
    assert matcher["json_path_matcher"] == [
        {"json_path": "$.status", "json_matcher": "EXACT_MATCH"}
    ]
    assert "var.health.status" in matcher["content"]
    assert FACTS["health"] == {
        "host": urlsplit(PRODUCTION.verify.url).hostname,
        "path": PRODUCTION.verify.path,
        "status": PRODUCTION.verify.healthy,
    }


def test_each_project_has_its_budget():
    calls = named("", "module")

    # The facts say 10 for the shared one, in which no machine stood.
    assert {
        name: calls[name]["monthly_usd"] for name in ("production", "staging", "shared_budget")
    } == {"production": 50, "staging": 20, "shared_budget": 80}
    operations = named("modules/operations", "module")["host"]
    assert (operations["machine_type"], operations["disk_gb"]) == ("e2-standard-2", 100)


def _data(module: str) -> set[str]:
    return {
        f"{kind}.{name}"
        for block in blocks(module, "data")
        for kind, of_kind in block.items()
        for name in of_kind
    }


def _without_services(code: str) -> str:
    return re.sub(r'module "services" \{.*?\n\}', "", code, flags=re.DOTALL)
