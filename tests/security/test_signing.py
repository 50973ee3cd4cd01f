"""What we sign is verified by the published libraries of others, with the code of docs/webhooks.md; nothing else is."""

import base64
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from cfm_workflow import clock
from cfm_workflow.security.signing import key_of, new_secret, signed
from tests.servers import require

ROOT = Path(__file__).parents[2]
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
COUNT = 2000
Message = tuple[str, bytes, dict[str, str]]


def block(language: str) -> str:
    [code] = re.findall(
        rf"```{language}\n(.*?)```", (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert isinstance(code, str)
    return code


def messages(now: datetime) -> list[Message]:
    """Random bodies, signed: some with one secret, some with two as while a rotation lasts."""
    dice = random.Random(20)
    made = []
    for n in range(COUNT):
        text = "".join(dice.choice('aÄ한😀"\\\n\x01 ') for _ in range(dice.randrange(200)))
        body = json.dumps({"type": "action.accepted", "data": {"n": n, "text": text}}, ensure_ascii=n % 2 == 0).encode()
        keys = [key_of(SECRET)] if n % 3 else [key_of(new_secret()), key_of(SECRET)]
        made.append((SECRET, body, signed(f"evt_{dice.randbytes(16).hex()}", body, keys, at=now)))
    return made


def mutated(sound: list[Message]) -> list[Message]:
    """Each message with one thing changed: its body, its id, its time, its signature."""
    dice = random.Random(21)
    made = []
    for secret, body, headers in sound:
        at = dice.randrange(len(body))
        while not body[at] < 0x80:
            at = dice.randrange(len(body))
        other = bytes([body[at] ^ 1])
        made.append((secret, body[:at] + other + body[at + 1 :], headers))
        made.append((secret, body, headers | {"webhook-id": headers["webhook-id"] + dice.choice("0aF.")}))
        moved = str(int(headers["webhook-timestamp"]) + dice.choice([-100, -1, 1, 100]))
        made.append((secret, body, headers | {"webhook-timestamp": moved}))
        made.append((secret, body, headers | {"webhook-signature": _spoilt(headers["webhook-signature"], dice)}))
    return made


def _spoilt(signatures: str, dice: random.Random) -> str:
    spoilt = []
    for signature in signatures.split(" "):
        at = 3 + dice.randrange(40)
        other = "A" if signature[at] != "A" else "B"
        spoilt.append(signature[:at] + other + signature[at + 1 :])
    return " ".join(spoilt)


@pytest.fixture(scope="module")
def sound() -> list[Message]:
    return messages(clock.now())


@pytest.fixture(scope="module")
def unsound(sound: list[Message]) -> list[Message]:
    return mutated(sound)


def test_the_python_library_verifies_all_that_is_ours_and_nothing_else(
    sound: list[Message], unsound: list[Message]
) -> None:
    assert (len(sound), len(unsound)) == (2000, 8000)
    code: dict[str, Any] = {}
    exec(block("python"), code)
    for secret, body, headers in sound:
        assert code["event_of"](secret, body, headers) == json.loads(body)
    assert not [message for message in unsound if _accepts(code["event_of"], *message)]


def _accepts(event_of: Any, secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        event_of(secret, body, headers)
    except Exception:  # noqa: BLE001 - whatever it says, it is a no
        return False
    return True


DRIVER = """
const { eventOf } = require("./docs.js");
const lines = require("fs").readFileSync(0, "utf-8").trim().split("\\n");
for (const line of lines) {
  const [secret, body, headers] = JSON.parse(line);
  let said = "no";
  try {
    const raw = Buffer.from(body, "base64");
    said = JSON.stringify(eventOf(secret, raw, headers)) === JSON.stringify(JSON.parse(raw)) ? "yes" : "another";
  } catch (error) {}
  console.log(said);
}
"""


def javascript() -> Path:
    """A folder with the library of the lock beside it, kept in `.venv` for the next time."""
    lock = ROOT / "tests" / "javascript"
    if shutil.which("node") is None or shutil.which("npm") is None:
        require("JavaScript: node and npm are not on this machine")
    mark = hashlib.sha256((lock / "package-lock.json").read_bytes()).hexdigest()[:16]
    kept = ROOT / ".venv" / f"javascript-{mark}"
    if not kept.is_dir():
        draft = Path(tempfile.mkdtemp(prefix="javascript-", dir=kept.parent))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(lock / name, draft)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=draft, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            shutil.rmtree(draft)
            require(f"JavaScript: the library could not be installed: {done.stderr.strip()[-300:]}")
        try:
            draft.rename(kept)
        except OSError:  # another process was faster
            shutil.rmtree(draft)
    return kept


def test_the_javascript_library_verifies_all_that_is_ours_and_nothing_else(
    sound: list[Message], unsound: list[Message], tmp_path: Path
) -> None:
    folder = javascript()
    (tmp_path / "docs.js").write_text(block("javascript"), encoding="utf-8")
    (tmp_path / "driver.js").write_text(DRIVER, encoding="utf-8")
    lines = [
        json.dumps([secret, base64.b64encode(body).decode(), headers]) for secret, body, headers in sound + unsound
    ]
    said = subprocess.run(
        ["node", "driver.js"],
        cwd=tmp_path,
        env=os.environ | {"NODE_PATH": str(folder / "node_modules")},
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert said == ["yes"] * len(sound) + ["no"] * len(unsound)


MAIN = """
public class Main {
  public static void main(String[] arguments) throws Exception {
    var lines = new java.io.BufferedReader(new java.io.InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] part = line.split("\\t");
      byte[] body = Base64.getDecoder().decode(part[1]);
      System.out.println(StandardWebhook.isOurs(part[0], body, part[2], part[3], part[4]) ? "yes" : "no");
    }
  }
}
"""


def test_the_jdk_alone_verifies_all_that_is_ours_and_nothing_else(
    sound: list[Message], unsound: list[Message], tmp_path: Path
) -> None:
    if shutil.which("javac") is None and not shutil.which("java"):
        pytest.skip("Java is not on this machine")
    imports, _, rest = block("java").partition("\nfinal class")
    (tmp_path / "Main.java").write_text(f"{imports}\n{MAIN}\nfinal class{rest}", encoding="utf-8")
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    lines = [
        "\t".join([secret, base64.b64encode(body).decode(), *(headers[name] for name in names)])
        for secret, body, headers in sound + unsound
    ]
    ran = subprocess.run(
        ["java", "Main.java"], cwd=tmp_path, input="\n".join(lines), capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["yes"] * len(sound) + ["no"] * len(unsound)


def test_a_signature_is_over_id_time_and_body_as_the_specification_has_it() -> None:
    """The example of the specification's reference implementations."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    at = datetime.fromisoformat("2021-03-24T15:49:30Z")
    body = b'{"test": 2432232314}'
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", body, [key_of(secret)], at=at)
    assert headers["webhook-timestamp"] == str(int(at.timestamp()))
    assert headers["webhook-signature"] == Webhook(secret).sign(headers["webhook-id"], at, body.decode())


def test_the_time_is_the_instant_whatever_zone_it_was_given_in() -> None:
    at = datetime.fromisoformat("2026-11-25T12:00:00Z")
    elsewhere = at.astimezone(datetime.fromisoformat("2026-11-25T21:00:00+09:00").tzinfo) + timedelta(0)
    assert signed("evt_1", b"{}", [b"k" * 32], at=at) == signed("evt_1", b"{}", [b"k" * 32], at=elsewhere)


@pytest.mark.parametrize("bytes_", [24, 32, 64])
def test_a_secret_of_the_right_length_is_taken(bytes_: int) -> None:
    assert key_of("whsec_" + base64.b64encode(b"x" * bytes_).decode()) == b"x" * bytes_


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "x" * 40, "whsec_" + "!" * 40, "whsec_" + base64.b64encode(b"x" * 23).decode(),
     SECRET + "\n", "whsec_" + base64.b64encode(b"x" * 65).decode(), SECRET[6:], SECRET[:-2], "WHSEC_" + SECRET[6:]],
)  # fmt: skip
def test_what_is_no_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValueError) as refused:
        key_of(secret)
    assert len(secret) < 10 or secret not in str(refused.value)
