"""The secret files of a local stack: a certificate with its key, and passwords as each process wants to read them.

They are in one folder, `<home>/secrets`, for their owner alone, and nowhere else: configuration files, command lines and SQL name
the file, not the secret.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from xml.sax.saxutils import escape

from pipelines.errors import UserError
from pipelines.settings import Settings
from pipelines.stack.components import clickhouse_is_library
from pipelines.stack.layout import Layout, external_address
from pipelines.stack.roles import password_variable, roles

_CERTIFICATE_DAYS = 825
_SCRAM_ITERATIONS = 8_192

# Flink's connector has Kafka's classes under names of its own.
FLINK_KAFKA = "org.apache.flink.kafka.shaded.org.apache.kafka"
_SCRAM = "common.security.scram.ScramLoginModule"
_PLAIN = "common.security.plain.PlainLoginModule"


def role_password(settings: Settings, role: str) -> str:
    """The password of a role's user; empty: none was given."""
    name = password_variable(role).removeprefix("LIVEPULSE_").lower()
    password: str = getattr(settings, name).get_secret_value()
    return password


def kafka_login(settings: Settings) -> Path:
    """The properties file with Kafka's listeners by name, and `flink`: how to log in, each with its own classes."""
    return Layout.of(settings).secrets / "kafka.properties"


def jobs_password(settings: Settings) -> Path:
    """The file with the password with which Flink reports its figures."""
    return Layout.of(settings).secrets / "jobs_password"


def require(settings: Settings) -> None:
    """Refuses to start a secured stack with a password missing: there are no defaults.

    Raises:
        UserError: it names the variables.
    """
    if not settings.secure:
        return
    if settings.kafka and clickhouse_is_library(settings):
        hint = "Install a clickhouse program, or use an existing ClickHouse: LIVEPULSE_CLICKHOUSE."
        raise UserError("ClickHouse's engine as a library cannot read from a Kafka that wants TLS.", hint)
    wanted = {"LIVEPULSE_KAFKA_PASSWORD": settings.kafka_password.get_secret_value()}
    if not external_address(settings, "clickhouse"):
        used = [role for role in roles() if role != "analyst"]  # nothing of ours works as an analyst
        wanted |= {password_variable(role): role_password(settings, role) for role in used}
    if missing := [variable for variable, value in wanted.items() if not value]:
        hint = "Set each in the environment or in .env, for example to the output of: openssl rand -hex 24"
        raise UserError(f"LIVEPULSE_SECURE needs passwords that are not set: {', '.join(missing)}.", hint)


def files(settings: Settings) -> dict[Path, str]:
    """The files with passwords, and what is to be in them."""
    folder = Layout.of(settings).secrets
    found = {}
    if password := role_password(settings, "jobs") or settings.clickhouse_password.get_secret_value():
        found[jobs_password(settings)] = password
    if settings.secure:
        password = settings.kafka_password.get_secret_value()
        user = settings.kafka_user
        logins = {
            "client": f"org.apache.kafka.{_SCRAM} required username={_quoted(user)} password={_quoted(password)};",
            "library": f"org.apache.kafka.{_PLAIN} required user_{user}={_quoted(password)};",
            "flink": f"{FLINK_KAFKA}.{_SCRAM} required username={_quoted(user)} password={_quoted(password)};",
        }
        # Backslashes once more, for the properties file.
        lines = [f"{name}={login}\n".replace("\\", "\\\\") for name, login in logins.items()]
        found[kafka_login(settings)] = "".join(lines)
        found[folder / "clickhouse.xml"] = f"<clickhouse><kafka_password>{escape(password)}</kafka_password></clickhouse>\n"
    return found


def make_certificate(settings: Settings) -> None:
    """Makes the key and the certificate of a secured stack, for this machine's loopback, unless they are there.

    Raises:
        UserError: there is no openssl program.
    """
    layout = Layout.of(settings)
    key, kafka = layout.secrets / "key.pem", layout.secrets / "kafka.pem"
    if not settings.secure or (layout.certificate.is_file() and kafka.is_file()):
        return
    if shutil.which("openssl") is None:
        raise UserError("There is no openssl on PATH, which makes the stack's certificate.", "For example: apt-get install openssl")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(key), "-out", str(layout.certificate), "-days", str(_CERTIFICATE_DAYS)]
    command += ["-subj", "/CN=livepulse", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, umask=0o077)
    if done.returncode:
        raise UserError(f"The stack's certificate could not be made: {done.stderr.strip()}")
    kafka.touch(mode=0o600)
    kafka.write_text(key.read_text() + layout.certificate.read_text())


def scram_credential(settings: Settings) -> str:
    """Kafka's user as `kafka-storage format --add-scram` takes it: without the password itself."""
    salt = os.urandom(24)
    salted = hashlib.pbkdf2_hmac("sha512", settings.kafka_password.get_secret_value().encode(), salt, _SCRAM_ITERATIONS)
    parts = {
        "name": settings.kafka_user,
        "salt": f'"{base64.b64encode(salt).decode()}"',
        "saltedpassword": f'"{base64.b64encode(salted).decode()}"',
        "iterations": str(_SCRAM_ITERATIONS),
    }
    return f"SCRAM-SHA-512=[{','.join(f'{name}={value}' for name, value in parts.items())}]"


def _quoted(value: str) -> str:
    """A value as the options of a Java login module have it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
