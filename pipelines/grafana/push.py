"""Sending the dashboards and alerts to a Grafana: what differs, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dashboards import DASHBOARDS
from dashboards.alerts import DATASOURCE_UID, GRAFANA_FOLDER, alerts, api_form
from dashboards.build import as_json
from dashboards.fields import Language
from pipelines.errors import UserError
from pipelines.settings import Settings

if TYPE_CHECKING:
    from grafana_client.api import GrafanaApi

FOLDER_UID = "livepulse"
_TIMEOUT_SECONDS = 10.0
_OF_GRAFANA = ("id", "version")
"""Fields that Grafana keeps for itself in a dashboard."""


@dataclass(frozen=True)
class Change:
    """What one thing in Grafana needs, or got."""

    what: Literal["folder", "dashboard", "alert"]
    title: str
    change: Literal["create", "update", "same"]


def push(settings: Settings, language: Language, dry_run: bool) -> Iterator[Change]:
    """Creates and updates what differs; yields each thing as it is done. Folders, permissions and other things stay as they are.

    Raises:
        UserError: Grafana is away, refuses the token or the change, or lacks the data source that alerts name.
    """
    from grafana_client.api import GrafanaApi
    from grafana_client.client import GrafanaException
    from niquests.exceptions import RequestException

    url, token = settings.grafana_url, settings.grafana_token.get_secret_value()
    if not url or not token:
        raise UserError("Which Grafana?", "Set LIVEPULSE_GRAFANA_URL, and LIVEPULSE_GRAFANA_TOKEN to a service account's token.")
    api = GrafanaApi.from_url(url, credential=token, timeout=_TIMEOUT_SECONDS)
    try:
        yield _folder(api, dry_run)
        for name in DASHBOARDS:
            yield _dashboard(api, as_json(name, language), dry_run)
        _require_datasource(api)
        for alert in alerts():
            yield _alert(api, api_form(alert, language, FOLDER_UID), dry_run)
    except GrafanaException as error:
        raise _refused(url, error) from error
    except (RequestException, OSError) as error:
        raise UserError(f"Grafana does not answer at {url}: {error}", "Is LIVEPULSE_GRAFANA_URL right?") from error


def _folder(api: GrafanaApi, dry_run: bool) -> Change:
    if _found(lambda: api.folder.get_folder(FOLDER_UID)) is not None:
        return Change("folder", GRAFANA_FOLDER, "same")
    if not dry_run:
        api.folder.create_folder(GRAFANA_FOLDER, FOLDER_UID)
    return Change("folder", GRAFANA_FOLDER, "create")


def _dashboard(api: GrafanaApi, model: dict[str, Any], dry_run: bool) -> Change:
    there = _found(lambda: api.dashboard.get_dashboard(model["uid"]))
    if there is None:
        if not dry_run:
            api.dashboard.update_dashboard({"dashboard": model, "folderUid": FOLDER_UID, "overwrite": False})
        return Change("dashboard", model["title"], "create")
    if {key: value for key, value in there["dashboard"].items() if key not in _OF_GRAFANA} == model:
        return Change("dashboard", model["title"], "same")
    if not dry_run:
        # Its version, so that what someone saves at this moment is not lost; its folder, wherever it was moved to.
        changed = model | {key: there["dashboard"][key] for key in _OF_GRAFANA if key in there["dashboard"]}
        folder = there.get("meta", {}).get("folderUid", FOLDER_UID)
        api.dashboard.update_dashboard({"dashboard": changed, "folderUid": folder, "overwrite": False})
    return Change("dashboard", model["title"], "update")


def _alert(api: GrafanaApi, rule: dict[str, Any], dry_run: bool) -> Change:
    there = _found(lambda: api.alertingprovisioning.get_alertrule(rule["uid"]))
    if there is None:
        if not dry_run:
            api.alertingprovisioning.create_alertrule(rule)
        return Change("alert", rule["title"], "create")
    if {key: there.get(key) for key in rule if key != "folderUID"} == {key: rule[key] for key in rule if key != "folderUID"}:
        return Change("alert", rule["title"], "same")
    if not dry_run:
        api.alertingprovisioning.update_alertrule(rule["uid"], rule | {"folderUID": there.get("folderUID", FOLDER_UID)})
    return Change("alert", rule["title"], "update")


def _require_datasource(api: GrafanaApi) -> None:
    if _found(lambda: api.datasource.get_datasource_by_uid(DATASOURCE_UID)) is None:
        raise UserError(
            f"Grafana has no data source {DATASOURCE_UID}, which the alerts read.",
            "Add a ClickHouse data source of this uid; dashboards/generated has the rest.",
        )


def _found(ask: Callable[[], Any]) -> Any:
    """The answer, or None where there is no such thing."""
    from grafana_client.client import GrafanaClientError

    try:
        return ask()
    except GrafanaClientError as error:
        if error.status_code == 404:
            return None
        raise


def _refused(url: str, error: Any) -> UserError:
    hints = {
        401: "LIVEPULSE_GRAFANA_TOKEN is not, or no longer, a token of this Grafana.",
        403: "The token's service account needs the role Editor.",
        412: "Someone saved it at this moment: run it again.",
    }
    return UserError(f"Grafana at {url} refuses: {error.status_code} {error.message}", hints.get(error.status_code))
