"""What a letter's headers say, so that mail programs thread, answer and sort it rightly. Pure."""

import hashlib
from urllib.parse import urlsplit

from cfm_workflow.letters.compose import Letter


def message_id(kind: str, ident: int, *, installation: str, base_url: str) -> str:
    """The same for the same thing of the same installation, and of no other one (RFC 5322, 3.6.4)."""
    stamp = hashlib.sha256(f"{installation}/{kind}/{ident}".encode()).hexdigest()[:16]
    return f"<{kind}-{ident}.{stamp}@{_host(base_url)}>"


def _host(base_url: str) -> str:
    host = urlsplit(base_url).hostname or "localhost"
    if ":" in host:
        return f"[IPv6:{host}]"
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return "localhost"


def headers(letter: Letter, *, installation: str, base_url: str) -> dict[str, str]:
    """The headers of a letter beside the usual ones.

    All letters about one item answer to the same id, which no mail has: so they stand together wherever one begins to
    read. They ask for no automatic answer (RFC 3834), and say where to choose what one hears of (RFC 2369), or where
    one click is enough to hear no more of this kind (RFC 8058).
    """
    found = {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    if letter.unsubscribe is not None:
        found |= {"List-Unsubscribe": f"<{letter.unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    elif letter.preferences is not None:
        found["List-Unsubscribe"] = f"<{letter.preferences}>"
    if letter.feedback_id is not None:
        thread = message_id("feedback", letter.feedback_id, installation=installation, base_url=base_url)
        found |= {"In-Reply-To": thread, "References": thread}
    return found
