"""The letter that only says that mail arrives. Pure."""

from typing import Final

from cfm_workflow import texts
from cfm_workflow.letters.compose import TEMPLATES

SUBJECT: Final = texts.mark("Mail from cfm-workflow arrives")


def trial(language: str, *, base_url: str) -> tuple[str, str, str]:
    """Subject, text and HTML."""
    gettext = texts.translations(language).gettext
    values = {"_": gettext, "language": texts.spoken(language), "headline": gettext(SUBJECT), "address": base_url}
    text, html = (TEMPLATES.get_template(f"trial.{kind}").render(values) for kind in ("txt", "html"))
    return gettext(SUBJECT), text, html
