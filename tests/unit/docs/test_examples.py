"""The compose file and the manifests of examples/ are valid, and fit the settings and each other."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose

from makiserve.cli.main import command
from makiserve.settings import SECTIONS, Settings, given_by_environment, given_by_file, options
from makiserve.settings.sources import CONFIG

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"
KUBERNETES = "1.31"
OF_KEDA = {"ScaledObject", "TriggerAuthentication"}
KNOWN = [each for section in SECTIONS for each in options(section)]


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((EXAMPLES / "compose" / "compose.yaml").read_text())
    return found


def manifests() -> dict[str, dict[str, Any]]:
    """By kind."""
    listed = yaml.safe_load((EXAMPLES / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    files = {path.name for path in (EXAMPLES / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(listed)
    texts = [(EXAMPLES / "kubernetes" / name).read_text() for name in listed]
    return {each["kind"]: each for text in texts for each in yaml.safe_load_all(text)}


def pod() -> Any:
    return manifests()["StatefulSet"]["spec"]["template"]["spec"]


def container() -> Any:
    return pod()["containers"][0]


def variables() -> dict[str, str]:
    return {each["name"]: each.get("value", "…") for each in container()["env"]}


def test_the_compose_file_is_one_by_the_specification() -> None:
    read = PyCompose.from_yaml((EXAMPLES / "compose" / "compose.yaml").read_text())
    assert set(read.service_names()) == compose()["services"].keys()


def test_the_services_of_the_compose_file_wait_for_what_they_need() -> None:
    services = compose()["services"]
    assert {"kafka", "mlflow", "trainer", "makiserve", "producer"} <= services.keys()
    for service in services.values():
        for name, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or name == "makiserve" or "healthcheck" in services[name]
    created = services["topics"]["command"][0].split("for topic in ")[1].split(";")[0].split()
    assert created == ["house", "house.predictions", "house.predictions.dead-letters"]


def test_the_service_of_the_compose_file_is_a_command_that_parses() -> None:
    service = compose()["services"]["makiserve"]
    command.make_context("makiserve", list(service["command"]))
    own = {name: value for name, value in service["environment"].items() if name.startswith("MAKISERVE_")}
    settings = Settings(SECTIONS, given_by_environment(KNOWN, own))
    assert {key.option.key for key in settings._given} == {"bootstrap-servers"}
    assert service["read_only"]
    assert service["tmpfs"] == ["/tmp"]


@pytest.mark.parametrize("kind", sorted(manifests().keys() - OF_KEDA))
def test_every_manifest_is_one_by_the_schema_of_its_kind(kind: str) -> None:
    kubernetes_validate.validate(manifests()[kind], KUBERNETES, strict=True)


def test_the_configuration_of_the_pods_is_known_to_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = manifests()["ConfigMap"]["data"]["makiserve.toml"]
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name, value in manifests()["Secret"]["stringData"].items():
        (secrets / name).write_text(value)
    (tmp_path / "makiserve.toml").write_text(text.replace("/run/secrets/kafka", str(secrets)))
    environment = {name: value for name, value in variables().items() if name.startswith("MAKISERVE_")}
    assert environment.pop(CONFIG) == "/etc/makiserve/makiserve.toml"
    settings = Settings(
        SECTIONS, given_by_file(KNOWN, tmp_path / "makiserve.toml"), given_by_environment(KNOWN, environment)
    )
    for section in SECTIONS[:4]:
        settings.of(section)


def test_a_pod_keeps_its_name_and_has_time_to_drain() -> None:
    names = {each["name"]: each for each in container()["env"]}
    assert names["MAKISERVE_INSTANCE"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    assert pod()["terminationGracePeriodSeconds"] > 60


def test_the_probes_ask_the_pages_that_are_for_them() -> None:
    port = int(variables()["MAKISERVE_HTTP"].rpartition(":")[2])
    assert {"name": "http", "containerPort": port} in container()["ports"]
    asked = {name: container()[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert [each["path"] for each in asked.values()] == ["/healthz", "/healthz", "/readyz"]
    assert {each["port"] for each in asked.values()} == {"http"}


def test_a_pod_has_no_rights_and_nowhere_to_write_but_tmp() -> None:
    assert pod()["securityContext"]["runAsNonRoot"]
    assert not pod()["automountServiceAccountToken"]
    assert container()["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [each["mountPath"] for each in container()["volumeMounts"] if not each.get("readOnly")] == ["/tmp"]


def test_the_manifests_speak_of_the_same_pods_topics_and_group() -> None:
    found = manifests()
    labels = found["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    for kind, spec in (
        ("StatefulSet", "selector"),
        ("PodDisruptionBudget", "selector"),
        ("NetworkPolicy", "podSelector"),
    ):
        assert found[kind]["spec"][spec]["matchLabels"] == labels
    assert found["Service"]["spec"]["selector"] == labels
    told = tomllib.loads(found["ConfigMap"]["data"]["makiserve.toml"])
    trigger = found["ScaledObject"]["spec"]["triggers"][0]
    assert found["ScaledObject"]["spec"]["scaleTargetRef"]["name"] == found["StatefulSet"]["metadata"]["name"]
    assert trigger["metadata"]["topic"] == told["serve"]["input"]
    assert trigger["metadata"]["consumerGroup"] == told["broker"]["group"]
    assert trigger["metadata"]["bootstrapServers"] == told["broker"]["bootstrap-servers"]
    assert trigger["authenticationRef"]["name"] == found["TriggerAuthentication"]["metadata"]["name"]
    held = found["Secret"]["stringData"].keys()
    for each in found["TriggerAuthentication"]["spec"]["secretTargetRef"]:
        assert each["name"] == found["Secret"]["metadata"]["name"]
        assert each["key"] in held
