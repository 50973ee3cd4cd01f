"""What may stand in the path of an address."""

from typing import Any

from werkzeug.routing import BaseConverter

from cfm_workflow import limits


class IdConverter(BaseConverter):
    """An id in a path; a number that cannot be one is 0, which nothing has: not there (404), whatever the method."""

    regex = "[0-9]{1,40}"
    part_isolating = True

    def to_python(self, value: str) -> int:
        ident = int(value)
        return ident if ident <= limits.ID else 0

    def to_url(self, value: Any) -> str:
        return str(int(value))
