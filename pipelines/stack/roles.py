"""Who may do what in ClickHouse, from `deploy/config/clickhouse/roles.yaml`; the same as SQL for a server.

users.xml, for the local stack and for Compose, is made from it by the template beside that file.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

import deploy.config
from pipelines.settings import Settings

GENERATED = Path(deploy.config.__file__).parent.parent / "clickhouse" / "generated"

_DEFINITION = Path(deploy.config.__file__).parent / "clickhouse" / "roles.yaml"


class Role(BaseModel):
    """What the users of a role may do; everything else is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str
    everything: bool = False
    """All rights, those over users too."""
    grants: tuple[str, ...] = ()
    """What stands behind GRANT, with `{database}`."""
    hidden: dict[str, tuple[str, ...]] = {}
    """Table -> columns that are taken out of the grants."""
    reads_only: bool = False
    """Settings can be changed within the limits, nothing else: Grafana's data source sets the time limit with each statement."""
    limits: dict[str, int | str] = {}
    """ClickHouse's settings of each statement. Numbers can be lowered, but not to 0, which means no limit."""
    settings: dict[str, int] = {}
    """ClickHouse's settings that are no limits, for a server of your own; in users.xml everybody has them."""

    def rights(self, database: str) -> tuple[list[str], list[str]]:
        """What is granted and what is then revoked, each as it stands behind GRANT or REVOKE."""
        revoked = [f"SELECT({', '.join(columns)}) ON {database}.{table}" for table, columns in self.hidden.items()]
        return [grant.format(database=database) for grant in self.grants], revoked


@cache
def roles() -> dict[str, Role]:
    """Name -> role, in the order of the file."""
    raw = yaml.safe_load(_DEFINITION.read_text(encoding="utf-8"))
    return {name: Role(name=name, **fields) for name, fields in raw.items()}


def password_variable(role: str) -> str:
    """The environment variable that holds the password of a role's user."""
    return "LIVEPULSE_CLICKHOUSE_PASSWORD" if role == "admin" else f"LIVEPULSE_CLICKHOUSE_{role.upper()}_PASSWORD"


def files() -> dict[Path, str]:
    """Path -> content of what is generated from the roles."""
    return {GENERATED / "roles.sql": sql(Settings.model_fields["clickhouse_database"].default)}


def sql(database: str) -> str:
    """The roles, their limits and a user of each, for a server that keeps users by SQL. Safe to repeat.

    Passwords come in when it is applied, as SHA-256 digests: `${...}` stands for each.
    """
    variables = [f"{password_variable(name)}_SHA256" for name in roles()]
    head = f"""-- Roles, limits and users of livepulse for a ClickHouse server, from deploy/config/clickhouse/roles.yaml.
-- No password is in it. Put the SHA-256 of each (printf %s "$PASSWORD" | sha256sum) into the environment, as
--   {", ".join(variables)}
-- and apply it as a user that may manage users:
--   envsubst < roles.sql | clickhouse-client --user … --ask-password --multiquery
"""
    return head + "".join(
        f"\n-- {role.description}\n" + ";\n".join(_statements(role, database)) + ";\n" for role in roles().values()
    )


def _statements(role: Role, database: str) -> list[str]:
    name = f"livepulse_{role.name}"
    granted, revoked = role.rights(database)
    found = [f"CREATE ROLE IF NOT EXISTS {name}"]
    if role.everything:
        found.append(f"GRANT ALL ON *.* TO {name} WITH GRANT OPTION")
    found += [f"GRANT {what} TO {name}" for what in granted]
    found += [f"REVOKE {what} FROM {name}" for what in revoked]
    settings = ["readonly = 2 CONST"] if role.reads_only else []
    settings += [f"{setting} = {value}" for setting, value in role.settings.items()]
    settings += [_limit(setting, value) for setting, value in role.limits.items()]
    if settings:
        found.append(f"CREATE SETTINGS PROFILE OR REPLACE {name} SETTINGS\n  " + ",\n  ".join(settings) + f"\nTO {name}")
    digest = f"${{{password_variable(role.name)}_SHA256}}"
    found.append(f"CREATE USER IF NOT EXISTS {role.name} IDENTIFIED WITH sha256_hash BY '{digest}'")
    found.append(f"GRANT {name} TO {role.name}")
    return found


def _limit(setting: str, value: int | str) -> str:
    return f"{setting} = {value} MIN 1 MAX {value}" if isinstance(value, int) else f"{setting} = '{value}' CONST"
