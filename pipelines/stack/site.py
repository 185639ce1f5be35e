"""Where the services of a deployment are, and the configuration files that follow from it.

One set of templates (`deploy/config`) for every deployment: the local stack and the containers of `deploy/compose` differ in
hosts, ports, folders and users only, and cannot drift apart in anything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import deploy.config
from pipelines.settings import Settings
from pipelines.stack.roles import roles
from schemas.topics import topics

TEMPLATES = Path(deploy.config.__file__).parent


@dataclass(frozen=True)
class Listener:
    """A way to reach Kafka's broker; both ends as host:port."""

    name: str
    listens: str
    advertised: str
    protocol: str = "PLAINTEXT"
    mechanism: str = ""
    """How clients log in, where the protocol has that."""


@dataclass(frozen=True)
class ClickHouseUser:
    """Who may come in from where. The password: by its digest, or from an environment variable of the server; else none."""

    name: str
    networks: tuple[str, ...]
    password_sha256: str = ""
    password_variable: str = ""
    role: str = "admin"
    """One of `roles.roles()`."""


@dataclass(frozen=True)
class Site:
    """What the templates need to know of one deployment; folders as its processes see them."""

    listens: str
    """The address on which Flink and ClickHouse listen."""
    kafka_listeners: tuple[Listener, ...]
    kafka_controller: str
    kafka_data: str
    clickhouse_data: str
    clickhouse_users_file: str
    clickhouse_port: int
    clickhouse_http_port: int
    clickhouse_users: tuple[ClickHouseUser, ...]
    clickhouse_as_library: bool
    clickhouse_needs_default: bool
    """The engine as a library opens a session as `default`, which must then exist beside the users."""
    jobmanager: str
    taskmanager: str
    """Host under which the TaskManager is reached; empty: its own name."""
    flink_port: int
    flink_rpc_port: int
    zookeeper: str
    """Where Flink finds ZooKeeper, in which it keeps who leads and which jobs there are."""
    zookeeper_port: int
    zookeeper_data: str
    flink: str
    """The folder for checkpoints, savepoints, uploads and temporary files."""
    flink_figures_to: str
    """ClickHouse's HTTP address for Flink's own figures; empty: nobody wants them."""
    flink_figures_as: str
    """The user in ClickHouse for that."""
    python: str
    flink_figures_password: str = ""
    """The file with its password; empty: in the environment, as LIVEPULSE_CLICKHOUSE_PASSWORD."""
    secrets: str = ""
    """The folder of `secrets.py`; empty: no TLS, and passwords in ClickHouse alone."""
    clickhouse_tls: bool = False
    kafka_ca: str = ""
    """With it: the certificates by which ClickHouse knows Kafka."""


def fill(template: str, site: Site, settings: Settings) -> str:
    """The text of one configuration file; `template` is its path below `deploy/config`, without `.j2`."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # paths and names with special characters are refused, see layout.py
    )
    text: str = environment.get_template(f"{template}.j2").render(
        site=site, settings=settings, roles=roles(), topics=list(topics())
    )
    return text
