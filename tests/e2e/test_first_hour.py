"""A bank's first hour: an empty folder, the command line from nothing, a stored complaint over real HTTP."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from eval.services import free_port
from tests.data.store.cases import master_key

PASSWORD = "correct horse battery"
COMPLAINT = "信用卡被盗刷三千元，打客服没人管，要去银保监投诉。电话13912345678"


def test_from_an_empty_folder_to_a_stored_complaint(tmp_path: Path) -> None:
    keys = tmp_path / "master_keys"
    keys.write_text(master_key("2026a"), encoding="ascii")
    bank = Bank(tmp_path)
    assert "revision" in bank.run("store", "migrate")
    assert bank.run("unit", "add", "head", "--name", "总行").strip() == "/head/"
    assert bank.run("unit", "add", "east", "--name", "东区分行", "--parent", "head").strip() == "/head/east/"
    admin = bank.run(
        "user", "add", "admin", "--name", "管理员", "--role", "admin", "--unit", "head", given=PASSWORD
    ).strip()
    token = bank.run(
        "key", "create", "--name", "热线", "--source", "hotline", "--unit", "head",
        *("--scope", "triage", "--scope", "cases.store", "--scope", "cases.read"),
    ).strip()  # fmt: skip
    noted = bank.run("audit", "head").strip()
    with bank.serving() as http:
        headers = {"Authorization": f"Bearer {token}"}
        body = {"text": COMPLAINT, "external_id": "H1", "branch": "east"}
        answer = http.post("/v1/triage?store=true", headers=headers, json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["case"]["unit"] == "east"
        case = http.get(f"/v1/cases/{answer.json()['case']['id']}", headers=headers).json()
        assert "13912345678" not in case["case"]["redacted_text"]
        session = http.post("/v1/sessions", json={"login": "admin", "password": PASSWORD}).json()["token"]
        me = http.get("/v1/me", headers={"Authorization": f"Bearer {session}"}).json()
        assert (me["id"], me["role"]) == (admin, "admin")
        assert "1 cases" in bank.run("store", "check")
    assert "all in their place" in bank.run("audit", "verify", "--head", noted)
    everything = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file() and file != keys)
    for secret in (PASSWORD, token.rsplit("_", 1)[1], "13912345678"):
        assert secret.encode() not in everything


class Bank:
    """One folder with a database and the master keys beside it; no other setting."""

    def __init__(self, folder: Path) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("XIAOBAO_")}
        files = {"XIAOBAO_DATA_FOLDER": str(folder), "XIAOBAO_MASTER_KEYS_FILE": str(folder / "master_keys")}
        self._environment = {**clean, **files}
        self._command = str(Path(sys.executable).with_name("xiaobao"))
        self._folder = folder

    def run(self, *arguments: str, given: str = "") -> str:
        done = subprocess.run(
            [self._command, *arguments], input=f"{given}\n", text=True, capture_output=True, cwd=self._folder,
            env=self._environment, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def serving(self) -> "Serving":
        return Serving(self._command, self._environment, self._folder)


class Serving:
    """The service as a process; a client of it on entry, stopped by a signal on exit."""

    def __init__(self, command: str, environment: dict[str, str], folder: Path) -> None:
        port = free_port()
        self._process = subprocess.Popen([command, "serve", "--port", str(port)], env=environment, cwd=folder)
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30)

    def __enter__(self) -> httpx.Client:
        for _ in range(900):
            assert self._process.poll() is None, "the service did not start"
            try:
                if self._client.get("/readyz").status_code == 200:
                    return self._client
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError("the service did not become ready")

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)
