"""The manifests of `deploy/k8s`, which nobody can apply here: what can be known of them without a cluster."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

import schemas
from pipelines import compose
from pipelines.settings import Settings
from pipelines.stack.roles import password_variable

DEPLOY = Path(schemas.__file__).parent.parent / "deploy"
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())
MANIFESTS = [
    manifest for name in KUSTOMIZATION["resources"] for manifest in yaml.safe_load_all((DEPLOY / name).read_text()) if manifest
]
PODS = {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in MANIFESTS if "template" in one["spec"]}
CONTAINERS = {name: container for name, pod in PODS.items() for container in pod["containers"]}
COMPOSE = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())["services"]
FLINK = {"jobmanager", "taskmanager"}


def named(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


@pytest.mark.parametrize("manifest", MANIFESTS, ids=named)
def test_it_is_what_kubernetes_understands(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_every_file_is_used() -> None:
    files = {path.relative_to(DEPLOY).as_posix() for path in (DEPLOY / "k8s").glob("*.yaml")}
    assert files == set(KUSTOMIZATION["resources"])
    mounted = {Path(name) for one in KUSTOMIZATION["configMapGenerator"] for name in one.get("files", ())}
    assert {DEPLOY / path for path in mounted} == set((compose.GENERATED / "flink").iterdir())


def test_kustomize_builds_it() -> None:
    if (kubectl := shutil.which("kubectl")) is None:
        pytest.skip("there is no kubectl")
    built = subprocess.run([kubectl, "kustomize", DEPLOY], capture_output=True, text=True, check=False, timeout=60)
    assert built.returncode == 0, built.stderr
    made = list(yaml.safe_load_all(built.stdout))
    assert len(made) == len(MANIFESTS) + len(KUSTOMIZATION["configMapGenerator"])
    [image] = KUSTOMIZATION["images"]
    assert set(re.findall(r"image: (.+)", built.stdout)) == {f"{image['newName']}:{image['newTag']}"}


def test_the_image_is_that_of_compose() -> None:
    [image] = KUSTOMIZATION["images"]
    assert f"{image['name']}:{image['newTag']}" == COMPOSE["setup"]["image"]
    assert {container["image"] for container in CONTAINERS.values()} == {image["name"]}


@pytest.mark.parametrize("name", sorted(PODS.keys() & COMPOSE.keys()))
def test_it_runs_what_compose_runs(name: str) -> None:
    # Compose fills variables in: a dollar of the shell stands twice there.
    assert CONTAINERS[name]["args"] == [part.replace("$$", "$") for part in COMPOSE[name]["command"]]


def test_services_are_where_the_generated_files_say() -> None:
    services = {one["metadata"]["name"]: one["spec"] for one in MANIFESTS if one["kind"] == "Service"}
    assert services.keys() == {"clickhouse", "zookeeper", "jobmanager"}
    ports = {(name, port["port"]) for name, spec in services.items() for port in spec.get("ports", ())}
    site = compose.SITE
    assert ports == {("zookeeper", site.zookeeper_port), ("jobmanager", site.flink_rpc_port), ("jobmanager", site.flink_port)}
    assert site.zookeeper == f"zookeeper:{site.zookeeper_port}" and site.jobmanager == "jobmanager"
    # Flink's figures go to where livepulse stores.
    assert site.flink_figures_to.split("/")[2].partition(":")[0] == "clickhouse"
    for name, spec in services.items():
        assert name not in PODS or spec["selector"]["app"] == name


def test_livepulse_is_given_settings_that_there_are() -> None:
    [literals] = [one["literals"] for one in KUSTOMIZATION["configMapGenerator"] if one["name"] == "livepulse"]
    given = {name.removeprefix("LIVEPULSE_").lower(): value for name, _, value in (line.partition("=") for line in literals)}
    settings = Settings.model_validate(given, strict=False)
    assert settings.flink == compose.SETTINGS.flink
    # ClickHouse reads from Kafka by the address that livepulse has, and knows no name of its namespace.
    for address in (settings.kafka, settings.clickhouse):
        assert address is not None and "." in address.partition(":")[0]
    # As `roles.sql` calls it, which makes the users of a server.
    roles = (DEPLOY / "clickhouse" / "generated" / "roles.sql").read_text()
    assert f"CREATE USER IF NOT EXISTS {settings.clickhouse_user} " in roles
    assert f"CREATE USER IF NOT EXISTS {compose.SITE.flink_figures_as} " in roles


def test_flink_alone_reads_the_mounted_configuration() -> None:
    """What starts jobs would find no options for Java where nothing is mounted, and go on without."""
    for name, container in CONTAINERS.items():
        told = {one["value"] for one in container.get("env", ()) if one["name"] == "FLINK_CONF_DIR"}
        mounted = {one["mountPath"] for one in container.get("volumeMounts", ()) if one["name"] == "configuration"}
        assert told == mounted
        assert bool(told) == (name in FLINK | {"zookeeper"})


def test_each_has_only_its_own_password() -> None:
    wanted = {name: password_variable("jobs") for name in FLINK}
    wanted |= {"setup": password_variable("admin"), "verify": password_variable("admin"), "board": password_variable("dashboards")}
    found = {
        name: one["valueFrom"]["secretKeyRef"]["key"]
        for name, container in CONTAINERS.items()
        for one in container.get("env", ())
        if one["name"] == password_variable("admin")
    }
    assert found == wanted
    assert not re.search(
        r"password", json.dumps([one for one in MANIFESTS if one["kind"] in ("ConfigMap", "Secret")]), re.IGNORECASE
    )
    example = (DEPLOY / "compose" / ".env.example").read_text()
    assert all(f"\n{variable}=" in example for variable in wanted.values())


@pytest.mark.parametrize("name", sorted(PODS))
def test_a_pod_may_do_little(name: str) -> None:
    pod, container = PODS[name], CONTAINERS[name]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"]
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert not pod["automountServiceAccountToken"]
    assert "memory" in container["resources"]["limits"]


def test_flink_has_the_memory_that_it_was_told() -> None:
    configured = yaml.safe_load((compose.GENERATED / "flink" / "config.yaml").read_text())
    for name in FLINK:
        limit = int(CONTAINERS[name]["resources"]["limits"]["memory"].removesuffix("Mi"))
        assert limit > int(configured[f"{name}.memory.process.size"].removesuffix("m"))


def test_what_is_mounted_is_there() -> None:
    claims = {one["metadata"]["name"] for one in MANIFESTS if one["kind"] == "PersistentVolumeClaim"}
    maps = {one["name"] for one in KUSTOMIZATION["configMapGenerator"]}
    templates = {one["metadata"]["name"] for manifest in MANIFESTS for one in manifest["spec"].get("volumeClaimTemplates", ())}
    for pod in PODS.values():
        volumes = {one["name"]: one for one in pod.get("volumes", ())}
        used = {mount["name"] for container in pod["containers"] for mount in container.get("volumeMounts", ())}
        assert used - templates == volumes.keys()
        assert {one["persistentVolumeClaim"]["claimName"] for one in volumes.values() if "persistentVolumeClaim" in one} <= claims
        assert {one["configMap"]["name"] for one in volumes.values() if "configMap" in one} <= maps


def test_only_livepulse_reaches_flink() -> None:
    [policy] = [one["spec"] for one in MANIFESTS if one["kind"] == "NetworkPolicy"]
    assert policy["podSelector"] == policy["ingress"][0]["from"][0]["podSelector"]
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in MANIFESTS if "template" in one["spec"]]
    assert all(policy["podSelector"]["matchLabels"].items() <= one.items() for one in labels)
