"""The files of deploy/: checked against the schemas, hardened, and in step with settings, metrics and runbooks."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import kubernetes_validate
import promql_parser
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema

from serving.api.probes import router
from serving.settings import Settings
from serving.telemetry import Telemetry
from tests.packaging.commands import CHECKOUT

DEPLOY = CHECKOUT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
MANIFESTS = [
    document
    for file in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))
]
PODS = {one["kind"]: one["spec"]["template"]["spec"] for one in MANIFESTS if one["kind"] in ("Deployment", "Job")}
RULES = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text(encoding="utf-8"))
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
OPERATIONS, METRICS = ((CHECKOUT / "docs" / name).read_text("utf-8") for name in ("operations.md", "metrics.md"))
VERSIONED = re.compile(r"[\w./-]+:v?\d+\.\d+[\w.-]*")
KINDS = {"ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Job", "NetworkPolicy", "PodDisruptionBudget", "Service"}
# The oldest that distributions still support, and the newest that the schemas know.
KUBERNETES = ("1.30", kubernetes_validate.latest_version())


def _name(document: dict[str, Any]) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"


def test_compose_follows_its_schema() -> None:
    jsonschema.validate(COMPOSE, get_builtin_schema("vendor.compose-spec"))


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("document", MANIFESTS, ids=_name)
def test_manifest_follows_its_schema(document: dict[str, Any], version: str) -> None:
    """Strictly: a key that is misspelt is refused."""
    kubernetes_validate.validate(document, version, strict=True)


def test_a_misspelt_key_would_be_found() -> None:
    [deployment] = [one for one in MANIFESTS if one["kind"] == "Deployment"]
    wrong = {**deployment, "spec": {**deployment["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES[0], strict=True)


def test_every_kind_is_there_and_no_secret() -> None:
    assert {one["kind"] for one in MANIFESTS} == KINDS


@pytest.mark.parametrize("name", SERVICES)
def test_containers_of_compose_are_hardened(name: str) -> None:
    service = SERVICES[name]
    assert VERSIONED.fullmatch(service["image"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_compose_holds_no_secret() -> None:
    """Secrets are files outside of deploy/, and reach a container as files."""
    for service in SERVICES.values():
        values = {name: value for name, value in service.get("environment", {}).items() if not name.endswith("_FILE")}
        assert not [name for name in values if re.search("PASSWORD|KEY|TOKEN|URL", name)]
        assert all(path.startswith("/run/secrets/") for path in _files(service).values())
        assert {path.rpartition("/")[2] for path in _files(service).values()} <= set(service.get("secrets", []))
    assert all(secret["file"].startswith("../secrets/") for secret in COMPOSE["secrets"].values())
    assert "secrets/" in (CHECKOUT / ".gitignore").read_text(encoding="utf-8").split()
    assert "secrets" in (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").split()


def test_the_database_is_reached_by_the_service_alone() -> None:
    assert COMPOSE["networks"]["store"] == {"internal": True}
    assert SERVICES["database"]["networks"] == ["store"]
    assert "ports" not in SERVICES["database"]
    assert "ports" not in SERVICES["service"]


@pytest.mark.parametrize("kind", PODS)
def test_pods_are_hardened(kind: str) -> None:
    pod, [container] = PODS[kind], PODS[kind]["containers"]
    assert f"USER {pod['securityContext']['runAsUser']}\n" in DOCKERFILE
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert container["image"] == SERVICES["service"]["image"]
    assert "memory" in container["resources"]["limits"]


def test_a_service_link_does_not_overwrite_the_port() -> None:
    """Kubernetes would set XIAOBAO_PORT=tcp://…, since the Service is named xiaobao."""
    assert [pod["enableServiceLinks"] for pod in PODS.values()] == [False, False]


def test_probes_ask_what_the_service_answers() -> None:
    [container] = PODS["Deployment"]["containers"]
    paths = {route.path for route in router.routes}  # type: ignore[attr-defined]
    probes = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert set(probes.values()) <= paths
    assert probes["readinessProbe"] == "/readyz"
    assert probes["livenessProbe"] == "/healthz"  # a service that waits for its database must not be restarted


def test_everything_selects_the_same_pods() -> None:
    [deployment] = [one for one in MANIFESTS if one["kind"] == "Deployment"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    for one in MANIFESTS:
        spec = one.get("spec", {})
        if one["kind"] == "PodDisruptionBudget":
            assert spec["selector"]["matchLabels"] == labels
        if one["kind"] == "Service":
            assert spec["selector"] == labels
        if one["kind"] == "NetworkPolicy":
            assert spec["podSelector"]["matchLabels"].items() <= labels.items()
            assert sorted(spec["policyTypes"]) == ["Egress", "Ingress"]
    assert "replicas" not in deployment["spec"]  # else every rollout would undo the autoscaler


def test_only_settings_that_there_are() -> None:
    [configuration] = [one for one in MANIFESTS if one["kind"] == "ConfigMap"]
    named = [*configuration["data"], *SERVICES["service"]["environment"]]
    assert {name.removeprefix("XIAOBAO_").lower() for name in named} <= set(Settings.model_fields)
    assert Settings(**{k.removeprefix("XIAOBAO_").lower(): v for k, v in configuration["data"].items()}).port == 8000


def _files(service: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in service.get("environment", {}).items() if name.endswith("_FILE")}


def _known() -> Iterator[tuple[str, set[str]]]:
    """Every series at /metrics with its labels."""
    for collector, names in Telemetry().registry._collector_to_names.items():
        for name in names:
            yield name, {*getattr(collector, "_labelnames", ()), "le", "job", "instance"}


@pytest.mark.parametrize("alert", ALERTS, ids=[alert["alert"] for alert in ALERTS])
def test_alert_is_sound(alert: dict[str, Any]) -> None:
    """PromQL that parses, on metrics and labels that there are, with a runbook and a severity."""
    promql_parser.parse(alert["expr"])
    known = dict(_known())
    used = re.findall(r"\b(xiaobao_\w+|up)\b(?:\{([^}]*)\})?", alert["expr"])
    assert used
    for metric, matchers in used:
        if metric == "up":
            continue
        assert set(re.findall(r"(\w+)\s*=", matchers)) <= known[metric]
        documented = re.sub(r"_(bucket|sum|count)$", "", metric)
        assert re.search(rf"`{documented}[`{{]", METRICS)
    assert f"\n### {alert['alert']}\n" in OPERATIONS
    assert alert["annotations"]["runbook"] == f"docs/operations.md#{alert['alert'].lower()}"
    assert alert["labels"]["severity"] in ("page", "ticket")
    assert re.fullmatch(r"\d+[smh]", alert.get("for", "0s"))


def test_what_an_alert_waits_to_increase_is_there_from_the_start() -> None:
    """Prometheus sees no increase from nothing to one."""
    registry = Telemetry().registry
    expressions = "".join(alert["expr"] for alert in ALERTS)
    increases = re.findall(r'increase\((\w+)\{(\w+)="(\w+)"\}', expressions)
    assert len(increases) == expressions.count("increase(") > 0
    assert all(registry.get_sample_value(name, {label: value}) == 0 for name, label, value in increases)


def test_prometheus_reads_the_rules_and_asks_the_service() -> None:
    prometheus = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    assert [(DEPLOY / "prometheus" / name).is_file() for name in prometheus["rule_files"]] == [True]
    [scrape] = prometheus["scrape_configs"]
    [names] = [entry["names"] for entry in scrape["dns_sd_configs"]]
    assert set(names) <= set(SERVICES)
    assert {alert["expr"].split('"')[1] for alert in ALERTS if alert["expr"].startswith("up{")} == {scrape["job_name"]}
