"""A report of the doctor can be published: what a chatty service says is not in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rh_api.doctor.examine import Examination
from rh_api.doctor.exchanges import Exchange
from rh_api.doctor.report import report
from rh_api.emulator import Emulator, Fault
from rh_api.emulator.catalog import INVERT
from rh_api.wire.call import Response
from tests.support.jobs import painting_small

from .conftest import Call

SECRETS = {
    "key": "0123456789abcdef0123456789abcdef",
    "id": "1912345678901234567",
    "name": "Rosalind",
    "prompt": "a portrait of my daughter",
    "file": "passport-scan.png",
    "address": "https://bucket.private-host.cn/a/b.png?q-signature=deadbeef",
    "mail": "rosalind@private-host.cn",
    "ip": "10.20.30.40",
    "phone": "13800138000",
    "word": "ROSALIND",
}
TRACES = [*SECRETS.values(), "private-host", "deadbeef", "daughter", "passport"]
FIELDS = [
    "code",
    "errorCode",
    "msg",
    "message",
    "errorMessage",
    "status",
    "taskStatus",
    "data",
    "apiType",
    "apiKeyType",
    "currency",
    "outputType",
    "fileType",
    "type",
    "size",
    "total",
    "comfyui_version",
    "taskCostTime",
    "remainCoins",
    "remainMoney",
    "promptTips",
    "results",
    "url",
    "nodeId",
    "usage",
    "fileName",
    "prompt",
    "curl",
    "webappName",
    "desc",
    "owner",
    "unheardOf",
]


@pytest.fixture
def emulator() -> Emulator:
    return painting_small(Emulator(run_seconds=0))


def chatty(secret: str) -> dict[str, Any]:
    """An object with `secret` as value of each field, as a field's name, in lists and in text."""
    inner = dict.fromkeys(FIELDS, secret)
    return {
        **dict.fromkeys(FIELDS, secret),
        secret: secret,
        "data": {**inner, secret: [secret], "records": [inner, [secret]]},
        "results": [inner, secret],
        "promptTips": json.dumps({secret: secret}),
    }


def leaks(text: str) -> list[str]:
    return [trace for trace in TRACES if trace.lower() in text.lower()]


@pytest.mark.parametrize("kind", SECRETS)
def test_no_secret_of_a_chatty_service_is_in_the_report(
    call: Call, emulator: Emulator, tmp_path: Path, kind: str
) -> None:
    body = json.dumps(chatty(SECRETS[kind]))
    emulator.faults.append(Fault("/", "body", count=None, value=body))
    file = tmp_path / "report.json"

    ran = call("doctor", "--report", str(file), "--workflow", SECRETS["id"])

    text = file.read_text("utf-8")
    assert leaks(text) == []
    document = json.loads(text)
    assert document["exchanges"]
    assert text.strip() in ran.err, "it is shown before it is written"
    assert "Replaced in this report" in ran.err


def test_no_secret_in_headers_paths_or_what_is_no_json_is_in_the_report() -> None:
    exchanges = [
        Exchange(
            question="key",
            method="POST",
            path=f"/openapi/v2/{secret}/{secret}?apiKey={secret}",
            body={"taskId": secret, secret: secret},
            response=Response(
                200,
                body,
                {
                    "content-type": f"text/html; name={secret}",
                    "server": secret,
                    "date": secret,
                    "connection": secret,
                    "keep-alive": f"timeout={secret}",
                    "retry-after": secret,
                    "set-cookie": secret,
                    "x-request-id": secret,
                },
            ),
            seconds=0.1,
        )
        for secret in SECRETS.values()
        for body in (f"<p>{secret}</p>".encode(), f'{{"msg": "{secret}'.encode(), b"[" * 900)
    ]

    assert leaks(json.dumps(report(Examination((), tuple(exchanges))))) == []


def test_nothing_of_an_account_is_in_the_report_and_what_one_learns_from_is(
    call: Call, emulator: Emulator, base_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "report.json"

    ran = call("doctor", "--json", "--report", str(file), "--workflow", INVERT)

    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["findings"]
    text = file.read_text("utf-8")
    coins = f'"{emulator.accounts[emulator.default_key].coins}"'
    own = [emulator.default_key, INVERT, base_url.partition("//")[2], coins, "LoadImage"]
    assert [word for word in (*own, *emulator.checkpoints) if word in text] == []
    document = json.loads(text)
    codes = {
        entry["path"].rpartition("/")[2]: entry["answer"]["json"].get("code")
        for entry in document["exchanges"]
        if entry["question"] == "unknown-task" and "code" in entry["answer"]["json"]
    }
    assert codes["outputs"] == 807
    assert document["findings"]["unknown-task"] == "as_assumed"
    (account,) = [entry for entry in document["exchanges"] if entry["question"] == "key"]
    assert account["answer"]["json"]["data"]["apiType"] == "NORMAL"
    assert account["answer"]["status"] == 200
    assert account["answer"]["headers"]["content-type"] == "application/json"


def test_alike_values_have_alike_placeholders() -> None:
    body = json.dumps({"taskId": "1912345678901234567", "fileName": "a.png"}).encode()
    other = json.dumps({"taskId": "1912345678901234568", "fileName": "a.png"}).encode()
    exchanges = [
        Exchange("key", "GET", "/task", {}, Response(200, answer), 0.1)
        for answer in (body, other, body)
    ]

    document: Any = report(Examination((), tuple(exchanges)))

    first, second, third = (entry["answer"]["json"] for entry in document["exchanges"])
    assert first == third
    assert first["taskId"] != second["taskId"]
    assert first["fileName"] == second["fileName"]
    assert document["replaced"] == {"id": 2, "name": 1}


def test_a_report_that_cannot_be_written_is_told(call: Call, tmp_path: Path) -> None:
    ran = call("doctor", "--report", str(tmp_path))

    assert ran.code == 2
    assert "could not be written" in ran.err
