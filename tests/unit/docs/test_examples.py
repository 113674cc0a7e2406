"""The compose file and the manifests of examples/ are valid, and fit the settings and each other."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose

from makiserve.cli.main import command
from makiserve.monitoring.health import STALLED
from makiserve.serving.signals import DRAIN_S
from makiserve.settings import SECTIONS, Settings, given_by_environment, given_by_file, options
from makiserve.settings.settings import IN_FILE, SECRET
from makiserve.settings.value_sources import CONFIG
from makiserve.testing.broker.schema_registry import VERSION
from tests.loops import loop_over

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"
KUBERNETES = "1.31"
OF_KEDA = {"ScaledObject", "TriggerAuthentication"}
MAX_DRAIN_S = STALLED.total_seconds() + DRAIN_S
"""A batch that takes as long as a loop may, then a broker that does not answer."""
KNOWN = [option for section in SECTIONS for option in options(section)]


def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((EXAMPLES / "compose" / "compose.yaml").read_text())
    return content


def manifests() -> dict[str, dict[str, Any]]:
    """Return the manifests by kind."""
    listed = yaml.safe_load((EXAMPLES / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    files = {path.name for path in (EXAMPLES / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    assert files == set(listed)
    texts = [(EXAMPLES / "kubernetes" / name).read_text() for name in listed]
    return {manifest["kind"]: manifest for text in texts for manifest in yaml.safe_load_all(text)}


def pod() -> Any:
    return manifests()["StatefulSet"]["spec"]["template"]["spec"]


def container() -> Any:
    return pod()["containers"][0]


def pod_configuration() -> dict[str, Any]:
    """Return the content of the pods' makiserve.toml."""
    return tomllib.loads(manifests()["ConfigMap"]["data"]["makiserve.toml"])


def properties(table: dict[str, Any], above: str = "") -> dict[str, str]:
    """Return librdkafka's properties by name: TOML takes a dot for a table within the table."""
    by_name: dict[str, str] = {}
    for key, value in table.items():
        by_name |= properties(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return by_name


def modules() -> list[list[str]]:
    """The commands `python -m …` of the compose file, each a module and its flags."""
    texts = [service["command"][0] for service in compose()["services"].values() if "entrypoint" in service]
    lines = [line for text in texts for line in text.splitlines() if line.startswith("python -m ")]
    return [shlex.split(line)[2:] for line in lines]


def variables() -> dict[str, str]:
    return {variable["name"]: variable.get("value", "…") for variable in container()["env"]}


def test_compose_file_is_valid() -> None:
    read = PyCompose.from_yaml((EXAMPLES / "compose" / "compose.yaml").read_text())
    assert set(read.service_names()) == compose()["services"].keys()


def test_compose_services_wait_for_their_dependencies() -> None:
    services = compose()["services"]
    assert {"kafka", "mlflow", "trainer", "makiserve", "producer"} <= services.keys()
    for service in services.values():
        for name, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or name == "makiserve" or "healthcheck" in services[name]
    created = services["topics"]["command"][0].split("for topic in ")[1].split(";")[0].split()
    assert created == ["house", "house.predictions", "house.predictions.dead-letters"]


def test_compose_service_command_parses() -> None:
    service = compose()["services"]["makiserve"]
    command.make_context("makiserve", list(service["command"]))
    environment = {name: value for name, value in service["environment"].items() if name.startswith("MAKISERVE_")}
    settings = Settings(SECTIONS, given_by_environment(KNOWN, environment))
    assert {key.option.key for key in settings._given} == {"bootstrap-servers"}
    assert service["read_only"]
    assert service["tmpfs"] == ["/tmp"]
    assert int(service["stop_grace_period"].removesuffix("s")) > MAX_DRAIN_S


def test_the_compose_file_of_the_registry_adds_to_the_other_one() -> None:
    text = (EXAMPLES / "compose" / "registry.yaml").read_text()
    added = yaml.safe_load(text)["services"]
    assert added.keys() - compose()["services"].keys() == {"registry"}
    assert "healthcheck" in added["registry"]
    assert added["registry"]["image"] == f"apicurio/apicurio-registry:{VERSION}"  # the registry of the tests
    settings = Settings(SECTIONS, given_by_environment(KNOWN, added["makiserve"]["environment"]))
    assert {key.option.key for key in settings._given} == {"schema-registry", "output-format", "register-schemas"}


@pytest.mark.parametrize("words", modules(), ids=lambda words: words[0])
def test_other_compose_commands_parse(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    parse = argparse.ArgumentParser.parse_args

    def only_parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
        parse(parser, words[1:])
        raise EOFError(parser.prog)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", only_parse)
    with pytest.raises(EOFError, match=re.escape(words[0])):
        importlib.import_module(words[0]).main()


def test_the_compose_file_trains_and_produces() -> None:
    assert {words[0].rpartition(".")[2] for words in modules()} == {"data", "train", "produce"}


@loop_over("kind", sorted(manifests().keys() - OF_KEDA))
def test_manifests_are_valid(kind: str) -> None:
    kubernetes_validate.validate(manifests()[kind], KUBERNETES, strict=True)


def test_pod_configuration_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    names = {variable["name"]: variable for variable in container()["env"]}
    assert names["MAKISERVE_INSTANCE"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    assert pod()["terminationGracePeriodSeconds"] > MAX_DRAIN_S


def test_the_probes_ask_the_pages_that_are_for_them() -> None:
    port = int(variables()["MAKISERVE_HTTP"].rpartition(":")[2])
    assert {"name": "http", "containerPort": port} in container()["ports"]
    asked = {name: probe["httpGet"] for name, probe in container().items() if name.endswith("Probe")}
    # A startup probe of /healthz is over at once: that page grants a start its time itself.
    assert {name: probe["path"] for name, probe in asked.items()} == {
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    assert {probe["port"] for probe in asked.values()} == {"http"}


def test_secrets_are_files_and_only_in_the_secret() -> None:
    secret = {key: value for key, value in properties(pod_configuration()["kafka"]).items() if SECRET.search(key)}
    assert "sasl.password" in secret
    assert [key for key, value in secret.items() if not value.startswith(IN_FILE)] == []
    assert not {"command", "args"} & container().keys()
    assert [name for name in variables() if SECRET.search(name.lower())] == []


def test_unready_pods_do_not_block_a_node_drain() -> None:
    assert manifests()["PodDisruptionBudget"]["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_network_policy_allows_the_configured_peers() -> None:
    policy = manifests()["NetworkPolicy"]["spec"]
    into, out = ({port["port"] for rule in policy[way] for port in rule["ports"]} for way in ("ingress", "egress"))
    addresses = [*pod_configuration()["broker"]["bootstrap-servers"].split(","), variables()["MLFLOW_TRACKING_URI"]]
    assert out == {53} | {int(address.rpartition(":")[2]) for address in addresses}
    assert into == {int(variables()["MAKISERVE_HTTP"].rpartition(":")[2])}


def test_scaler_authenticates_like_the_pods() -> None:
    spec = manifests()["ScaledObject"]["spec"]
    trigger, kafka = spec["triggers"][0]["metadata"], properties(pod_configuration()["kafka"])
    assert trigger["sasl"] == kafka["sasl.mechanism"].lower().replace("-sha-", "_sha")
    assert (trigger["tls"] == "enable") == kafka["security.protocol"].endswith("SSL")
    assert trigger["offsetResetPolicy"] == pod_configuration()["serve"].get("from", "earliest")
    assert spec["minReplicaCount"] > 0
    assert "cooldownPeriod" not in spec  # KEDA's, of a scaling to 0 alone


def test_pod_is_unprivileged_and_writes_only_to_tmp() -> None:
    assert pod()["securityContext"]["runAsNonRoot"]
    assert not pod()["automountServiceAccountToken"]
    assert container()["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [mount["mountPath"] for mount in container()["volumeMounts"] if not mount.get("readOnly")] == ["/tmp"]


def test_manifests_agree_on_pods_topics_and_group() -> None:
    by_kind = manifests()
    labels = by_kind["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    for kind, spec in (
        ("StatefulSet", "selector"),
        ("PodDisruptionBudget", "selector"),
        ("NetworkPolicy", "podSelector"),
    ):
        assert by_kind[kind]["spec"][spec]["matchLabels"] == labels
    assert by_kind["Service"]["spec"]["selector"] == labels
    assert [constraint["labelSelector"]["matchLabels"] for constraint in pod()["topologySpreadConstraints"]] == [labels]
    trigger = by_kind["ScaledObject"]["spec"]["triggers"][0]
    assert by_kind["ScaledObject"]["spec"]["scaleTargetRef"]["name"] == by_kind["StatefulSet"]["metadata"]["name"]
    assert trigger["metadata"]["topic"] == pod_configuration()["serve"]["input"]
    assert trigger["metadata"]["consumerGroup"] == pod_configuration()["broker"]["group"]
    assert trigger["metadata"]["bootstrapServers"] == pod_configuration()["broker"]["bootstrap-servers"]
    assert trigger["authenticationRef"]["name"] == by_kind["TriggerAuthentication"]["metadata"]["name"]
    held = by_kind["Secret"]["stringData"].keys()
    for secret in by_kind["TriggerAuthentication"]["spec"]["secretTargetRef"]:
        assert secret["name"] == by_kind["Secret"]["metadata"]["name"]
        assert secret["key"] in held
