"""A secret that is shown once, with where to go on: what every page shows that has just made one."""

from cfm_workflow.web.pages import Shown


def shown_once(*, title: str, secret: str, hint: str, path: str, label: str) -> Shown:
    """The page of a secret; `path` and `label` lead on from there. All texts are in the reader's language."""
    values = {"heading": title, "secret": secret, "hint": hint, "path": path, "label": label}
    return Shown("settings/secret.html", values)
