"""The containers of `deploy/compose`, which nobody can run here: what can be known of them without Docker."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

import schemas
from pipelines import compose
from pipelines.flink.savepoints import NONE_KNOWN
from pipelines.settings import Settings
from pipelines.stack import components
from pipelines.stack.layout import Layout
from pipelines.stack.roles import password_variable, roles
from pipelines.stack.site import TEMPLATES

ROOT = Path(schemas.__file__).parent.parent
FOLDER = ROOT / "deploy" / "compose"
SECRETS = {*map(password_variable, roles()), "GRAFANA_ADMIN_PASSWORD", "ALERT_WEBHOOK_URL"}
GIVEN = {name: f"a value for {name}" for name in SECRETS}
PROVISIONING = ROOT / "deploy" / "grafana" / "provisioning"


def config(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What Docker Compose itself makes of the file; it needs no Docker for that."""
    spec = find_spec("compose")
    assert spec is not None and spec.origin is not None
    program = Path(spec.origin).with_name("docker-compose")
    command = [str(program), "--file", str(FOLDER / "compose.yaml"), "--env-file", os.devnull, "config", "--format", "json"]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    done = config(GIVEN)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


def test_it_is_valid_and_says_nothing_against_it() -> None:
    done = config(GIVEN)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_no_secret_has_a_default(name: str) -> None:
    done = config({other: value for other, value in GIVEN.items() if other != name})
    assert done.returncode != 0
    assert f"required variable {name} is missing" in done.stderr


def test_the_example_names_every_variable() -> None:
    text = (FOLDER / "compose.yaml").read_text()
    example = dict(line.split("=") for line in (FOLDER / ".env.example").read_text().splitlines() if line[:1] not in ("", "#"))
    used = dict(re.findall(r"\$\{(\w+)(?::-(\w+))?", text))
    assert example == {name: used[name] for name in used}, "the same variables, with the defaults that compose.yaml has"
    assert {name for name, default in used.items() if not default} == SECRETS


def test_versions_are_pinned_and_those_of_the_local_stack(services: dict[str, Any]) -> None:
    images = {service["image"] for service in services.values()}
    assert all(re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+", image) for image in images), images
    pom = (ROOT / "deploy" / "local" / "pom.xml").read_text()
    kafka = re.search(r"kafka_2\.13</artifactId>\s*<version>([\d.]+)<", pom)
    [engine] = json.loads((ROOT / "deploy" / "local" / "package.json").read_text())["dependencies"].values()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert kafka is not None
    assert images >= {
        f"apache/kafka:{kafka[1]}",
        f"clickhouse/clickhouse-server:{engine.partition('-')[0]}",
        f"livepulse:{project['version']}",
    }


def test_only_this_machine_gets_in(services: dict[str, Any]) -> None:
    published = {f"{one['host_ip']}:{one['published']}" for service in services.values() for one in service.get("ports", [])}
    assert published and all(address.startswith("127.0.0.1:") for address in published)
    assert len(published) == sum(len(service.get("ports", [])) for service in services.values())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_mounted_file_is_there(language: str) -> None:
    found = json.loads(config(GIVEN | {"DASHBOARD_LANGUAGE": language}).stdout)["services"]
    mounts = [mount for service in found.values() for mount in service.get("volumes", []) if mount["type"] == "bind"]
    assert len(mounts) > 8
    assert not [mount["source"] for mount in mounts if not Path(mount["source"]).exists()]
    assert all(mount["read_only"] for mount in mounts)
    # Nothing is put where another mount already is, unless it lies below it.
    for service in found.values():
        targets = [mount["target"] for mount in service.get("volumes", [])]
        assert len(targets) == len(set(targets))


def test_what_runs_on_is_watched_and_comes_back(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["logging"] == {"driver": "local", "options": {"max-size": "20m", "max-file": "5"}}, name
        if name == "setup":
            assert service["restart"] == "on-failure:3"
            continue
        assert service["restart"] == "unless-stopped", name
        assert "healthcheck" in service, name
        for other, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if other == "setup" else "service_healthy"
            assert how["condition"] == expected, f"{name} on {other}"


def test_livepulse_finds_the_services(services: dict[str, Any]) -> None:
    """Its variables are settings that there are, with the values that the generated files were made with."""
    for name in ("jobmanager", "taskmanager", "setup", "verify"):
        given = {
            key.removeprefix("LIVEPULSE_").lower(): value
            for key, value in services[name]["environment"].items()
            if key.startswith("LIVEPULSE_")
        }
        assert given.keys() <= Settings.model_fields.keys()
        settings = Settings.model_validate(given, strict=False)
        for field in ("kafka", "flink", "clickhouse", "clickhouse_database", "lateness_seconds"):
            assert getattr(settings, field) == getattr(compose.SETTINGS, field), field
        # Flink reports figures, and does not get the password that opens everything.
        is_flink = name in ("jobmanager", "taskmanager")
        assert settings.clickhouse_user == (compose.SITE.flink_figures_as if is_flink else compose.SETTINGS.clickhouse_user)
        given_password = settings.clickhouse_password.get_secret_value()
        assert given_password == GIVEN[password_variable("jobs" if is_flink else "admin")]
    for address in (compose.SETTINGS.kafka, compose.SETTINGS.flink, compose.SETTINGS.clickhouse):
        assert address is not None
        assert address.partition(":")[0] in services
    assert compose.SITE.jobmanager in services
    assert services["kafka"]["ports"][0]["target"] == compose.SETTINGS.kafka_port
    assert services["jobmanager"]["ports"][0]["target"] == compose.SITE.flink_port


def test_flink_alone_reads_the_mounted_configuration(services: dict[str, Any]) -> None:
    """What starts jobs would find no options for Java where nothing is mounted, and go on without."""
    for name in ("zookeeper", "jobmanager", "taskmanager", "setup", "verify"):
        mounted = {mount["target"] for mount in services[name]["volumes"]}
        told = services[name]["environment"].get("FLINK_CONF_DIR")
        assert told is None or told in mounted
        assert bool(told) == (name in ("zookeeper", "jobmanager", "taskmanager"))
    assert "FLINK_CONF_DIR=" not in (FOLDER / "Dockerfile").read_text()


def test_plans_of_jobs_can_be_written() -> None:
    text = (FOLDER / "Dockerfile").read_text()
    [components] = set(re.findall(r"LIVEPULSE_COMPONENTS=(\S+)", text))
    [owned] = re.findall(r"chown -R livepulse (.+)", text)
    assert str(Layout(Path("/home"), Path(components)).flink_plans) in owned.split()


def test_topics_tables_and_jobs_come_from_the_same_commands(services: dict[str, Any]) -> None:
    """No topic and no table is made by anything else: `livepulse migrate` is what the local stack uses."""
    script = services["setup"]["command"][-1].replace("$$", "$")  # as a variable would be written
    assert script.startswith("livepulse migrate && ")
    # From the beginning only where there is nothing to go on from.
    assert f"livepulse jobs resume || {{ [ $? -eq {NONE_KNOWN} ] && livepulse jobs submit; }}" in script
    assert not re.search(r"CREATE TABLE|kafka-topics|KAFKA_CREATE|initdb", (FOLDER / "compose.yaml").read_text())


def test_every_user_of_clickhouse_has_a_password_of_its_own(services: dict[str, Any]) -> None:
    given = services["clickhouse"]["environment"]
    variables = [user.password_variable for user in compose.SITE.clickhouse_users]
    assert len({given[variable] for variable in variables}) == len(variables) == len(roles())


def test_grafana_reads_as_the_dashboards_user(services: dict[str, Any]) -> None:
    given = services["grafana"]["environment"]
    texts = [path.read_text() for path in PROVISIONING.rglob("*.yaml")]
    wanted = {name for text in texts for name in re.findall(r"\$\{(\w+)\}", text)}
    assert wanted <= given.keys()
    assert given["CLICKHOUSE_READER"] == "dashboards"
    assert given["CLICKHOUSE_READER_PASSWORD"] == GIVEN[password_variable("dashboards")]
    assert given["CLICKHOUSE_DATABASE"] == compose.SETTINGS.clickhouse_database
    assert given["CLICKHOUSE_PORT"] == str(compose.SITE.clickhouse_port)
    provider = yaml.safe_load((PROVISIONING / "dashboards" / "livepulse.yaml").read_text())["providers"][0]
    targets = {mount["target"]: Path(mount["source"]) for mount in services["grafana"]["volumes"]}
    assert list(targets[provider["options"]["path"]].glob("*.json"))
    home = Path(given["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (targets[str(home.parent)] / home.name).exists()


def test_the_image_is_made_of_what_is_here() -> None:
    text = (FOLDER / "Dockerfile").read_text()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignored, source
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert set(re.findall(r"^FROM python:(3\.\d+)-", text, re.MULTILINE)) == {"3.11"} and requires.startswith(">=3.11")
    assert "deploy/compose/.env" in ignored


def test_flink_gets_the_java_options_of_its_wheel() -> None:
    wheel: Any = yaml.safe_load((components.flink_home() / "conf" / "config.yaml").read_text())
    assert f"\nenv.java.opts.all: {wheel['env']['java']['opts']['all']}\n" in (TEMPLATES / "flink" / "config.yaml.j2").read_text()
