"""Every message that the code and the templates look up, as Babel and Jinja find them. Reads files only."""

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

PACKAGE = Path(__file__).parent.parent.parent / "cfm_workflow"
METHODS = [("**.py", "python"), ("**/templates/**", "jinja2.ext:babel_extract")]
KEYWORDS = {"_": None, "gettext": None, "mark": None, "ngettext": (1, 2)}


def used() -> Catalog:
    """The messages in use, with the places where they stand."""
    catalogue = Catalog()
    found = extract_from_dir(PACKAGE, METHODS, keywords=KEYWORDS)
    for name, line, message, comments, context in found:
        catalogue.add(message, None, [(name, line)], auto_comments=comments, context=context)
    return catalogue
