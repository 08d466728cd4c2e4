"""`webhook` and `account --keys`: what became of a delivery, and whose keys there are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from rh_api.emulator import Emulator, Fault
from tests.support.cloud import order_elsewhere

from .conftest import Call


class Receiver(HTTPServer):
    """Takes POSTs, and tells of each."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.came = threading.Semaphore(0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class Taker(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
        assert isinstance(self.server, Receiver)
        self.server.came.release()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def task_id(emulator: Emulator, base_url: str, receiver: Receiver) -> str:
    """A task that ended, and told so."""
    task_id = order_elsewhere(emulator, webhookUrl=receiver.url)
    assert receiver.came.acquire(timeout=120)
    return task_id


def test_a_delivery_is_shown(call: Call, task_id: str, receiver: Receiver) -> None:
    ran = call("webhook", task_id, "--json")

    assert ran.code == 0, ran.err
    assert ran.document["url"] == receiver.url
    assert ran.document["task_id"] == task_id
    assert ran.document["resent"] is False
    assert "fileUrl" in ran.document["event_data"]


def test_a_delivery_is_sent_again_where_one_says(
    call: Call, task_id: str, receiver: Receiver
) -> None:
    again = call("webhook", task_id, "--resend")
    assert again.code == 0, again.err
    assert "being sent again" in again.out
    assert receiver.came.acquire(timeout=120)

    elsewhere = call("webhook", task_id, "--resend", "--to", receiver.url + "/other")
    assert elsewhere.code == 0, elsewhere.err
    assert receiver.came.acquire(timeout=120)


def test_a_task_without_a_webhook_has_none(call: Call) -> None:
    ran = call("webhook", "1900000000000000999")

    assert ran.code != 0
    assert "no webhook for this task" in ran.err


@pytest.mark.parametrize("url", ["ftp://example.com/x", "example.com", "https://"])
def test_an_address_that_cannot_be_called_is_refused(
    call: Call, task_id: str, url: str, emulator: Emulator
) -> None:
    ran = call("webhook", task_id, "--resend", "--to", url)

    assert ran.code != 0
    assert "not an address that RunningHub can call" in ran.err
    assert emulator.counters.requests["/task/openapi/retryWebhook"] == 0


def test_another_address_goes_with_resend(call: Call) -> None:
    ran = call("webhook", "1900000000000000999", "--to", "https://example.com/x")

    assert ran.code != 0
    assert "--resend" in ran.err


def test_keys_are_listed_masked(call: Call, emulator: Emulator) -> None:
    ran = call("account", "--keys", "--json")

    assert ran.code == 0, ran.err
    (key,) = ran.document["keys"]
    assert "****" in key["masked"]
    assert emulator.default_key not in ran.out + ran.err


def test_an_answer_that_cannot_be_read_says_so(
    call: Call, emulator: Emulator, task_id: str
) -> None:
    for path in ("/openapi/v2/api-key/list", "/task/openapi/getWebhookDetail"):
        emulator.faults.append(Fault(path, "null_data", count=None))
    for argv in (("account", "--keys"), ("webhook", task_id)):
        ran = call(*argv)
        assert ran.code == 4
        assert "answer" in ran.err
