"""No key and no signed address in any word that a person, a log or a node shows."""

from __future__ import annotations

import http.client
import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
import requests
import urllib3
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from rh_api.emulator import Emulator
from rh_api.errors import Fate, ResultUnavailable
from rh_api.net.files import RequestsBulk
from rh_api.net.safety import Redacting, guard, guard_log, redact, unreachable, withhold
from rh_api.run.ports import Meter
from rh_api.wire.call import KEYED

KEY = "0123456789abcdefABCDEFghijklmnop"
SIGNATURE = "c0ffee5ignature"
QUERY = f"?apiKey={KEY}&Rh-Comfy-Auth=eyJ1c2VySWQi&q-signature={SIGNATURE}"


@pytest.mark.parametrize(
    "text",
    [
        f"https://host/view{QUERY}",
        f"Max retries exceeded with url: /a.png{QUERY} (Caused by nothing)",
        f"https://www.runninghub.cn/proxy/{KEY}/prompt",
        f"https://www.runninghub.cn/proxy-plus/{KEY}",
        f"{{'Authorization': 'Bearer {KEY}'}}",
        f'{{"apiKey": "{KEY}", "q": 1}}',
        f"apikey={KEY}",
        f"Rh-Comfy-Auth: eyJ1c2VySWQi{SIGNATURE}",
        f"proxy http://me:{SIGNATURE}@proxy:3128 refused",
        f"pasted {KEY} by mistake",
    ],
)
def test_secrets_go_and_the_rest_stays(text: str) -> None:
    shown = redact(text)
    assert KEY not in shown
    assert SIGNATURE not in shown
    assert "eyJ1c2VySWQi" not in shown
    assert "…" in shown


JSON_ESCAPES = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
PERCENT = "".join(f"%{ord(letter):02X}" for letter in KEY)
ECHOES: dict[str, bytes] = {
    "as it is": KEY.encode(),
    "json escapes": JSON_ESCAPES.encode(),
    "json escapes, upper case": JSON_ESCAPES.upper().replace("U", "u").encode(),
    "one letter escaped": f"\\u0030{KEY[1:]}".encode(),
    "percent": PERCENT.encode(),
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=list(ECHOES))
def test_the_key_goes_however_it_is_spelled(echo: bytes) -> None:
    guard(KEY)
    body = b'{"msg": "no such key: ' + echo + b'!", "code": 802}'
    veiled = withhold(body, KEY)
    assert veiled.startswith(b'{"msg": "no such key: ')
    assert veiled.endswith(b'!", "code": 802}')
    assert len(veiled) < 60  # no part of it that says something is left
    assert len(redact(body.decode("latin-1"))) < 60


@pytest.mark.parametrize("body", [b"", b"%", b"\\u00", b"&#999;", bytes(range(128, 256))])
def test_what_holds_no_key_stays_as_it_is(body: bytes) -> None:
    assert withhold(body, KEY) == body
    assert withhold(body, "") == body


@given(st.data())
def test_any_mixture_of_spellings_is_found(data: st.DataObject) -> None:
    spellings = ("{0}", "\\u{1:04x}", "%{1:02x}", "%{1:02X}")
    echo = "".join(data.draw(st.sampled_from(spellings)).format(char, ord(char)) for char in KEY)
    assert withhold(f"<{echo}>".encode(), KEY) == b"<...>"


@pytest.mark.timeout(60)  # once through takes less than a second, once for each character hours
@pytest.mark.parametrize("run", ["\\", "?", "%25", "\\u00", "//", "/proxy/", " ", "a"])
@pytest.mark.parametrize("key", ["", KEY])
def test_a_text_of_one_thing_over_and_over_is_gone_through_once(run: str, key: str) -> None:
    guard(KEY)
    text = key + run * (2**20 // len(run))
    assert (KEY in redact(text[: 2**18])) is False
    assert (KEY.encode() in withhold(text.encode(), KEY)) is False


def test_ordinary_words_are_left_alone() -> None:
    text = "Task 1904136902449209346 failed: is it? x = 3, see https://www.runninghub.cn/a.png"
    assert redact(text) == text


def requests_refused() -> None:
    requests.get(f"http://127.0.0.1:1/a{QUERY}", timeout=1)


def requests_status() -> None:
    response = requests.Response()
    response.status_code, response.url = 403, f"https://host/a{QUERY}"
    response.raise_for_status()


def requests_invalid() -> None:
    requests.get(f"https://[bad/{QUERY}", timeout=1)


def urllib3_refused() -> None:
    urllib3.PoolManager(retries=0).request("GET", f"http://127.0.0.1:1/a{QUERY}")


def urllib3_location() -> None:
    urllib3.util.parse_url(f"https://[bad/{QUERY}")


async def aiohttp_refused() -> None:
    async with aiohttp.ClientSession() as session:
        await session.get(f"http://127.0.0.1:1/a{QUERY}")


async def aiohttp_status() -> None:
    url = URL(f"https://host/a{QUERY}")
    info = aiohttp.RequestInfo(url, "GET", CIMultiDictProxy(CIMultiDict[str]()), url)
    raise aiohttp.ClientResponseError(info, (), status=403, message=f"at {url}")


async def aiohttp_invalid() -> None:
    async with aiohttp.ClientSession() as session:
        await session.get(f"http://:0:/{QUERY}")


PROVOKED = [
    requests_refused,
    requests_status,
    requests_invalid,
    urllib3_refused,
    urllib3_location,
    aiohttp_refused,
    aiohttp_status,
    aiohttp_invalid,
]


@pytest.mark.parametrize("provoke", PROVOKED)
async def test_an_exception_of_a_library_becomes_ours_without_its_address(
    provoke: Callable[[], Awaitable[None] | None],
) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011, PT012 - each has its own class
        if attempt := provoke():
            await attempt
    error = unreachable(caught.value, "host", sent=False)
    shown = f"{error} {error.params} {error!r}"
    assert KEY not in shown
    assert SIGNATURE not in shown
    assert error.fate is Fate.NOT_STARTED
    assert error.__cause__ is None
    assert error.__context__ is None


def test_a_certificate_error_deep_in_a_chain_is_told_as_one() -> None:
    reason = ssl.SSLCertVerificationError("certificate verify failed")
    wrapped = requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("x", reason))
    assert unreachable(wrapped, "host", sent=False).key == "error.tls"
    assert unreachable(wrapped, "host", sent=True).key == "error.unreachable"


def test_our_log_shows_no_secret_and_no_traceback_with_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    guard_log()
    guard_log()
    log = logging.getLogger("runninghub")
    assert len([log_filter for log_filter in log.filters if isinstance(log_filter, Redacting)]) == 1
    with caplog.at_level(logging.INFO, "runninghub"):
        log.info("asking %s", f"https://host/{QUERY}")
        try:
            raise ValueError(f"Bearer {KEY}")
        except ValueError:
            log.exception("failed")
    formatted = [logging.Formatter().format(record) for record in caplog.records]
    assert "asking https://host/?…" in formatted[0]
    assert "ValueError: Bearer …" in formatted[1]
    assert KEY not in "".join(formatted)


def test_lines_of_others_in_a_shared_log_stay_as_they_are(
    caplog: pytest.LogCaptureFixture,
) -> None:
    guard_log()
    with caplog.at_level(logging.DEBUG, "urllib3.connectionpool"):
        logging.getLogger("urllib3.connectionpool").debug("GET /search?q=%s", "cats")
    assert "GET /search?q=cats" in caplog.text


async def test_a_pack_that_prints_its_requests_does_not_print_our_key(
    emulator: Emulator,
    carry: Callable[..., RequestsBulk],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    url = f"{KEYED[0]}/view?filename=a.png"
    with pytest.raises(ResultUnavailable):
        await carry(emulator.base_url).download(url, tmp_path / "r", Meter())
    assert emulator.counters.total
    assert emulator.default_key not in capsys.readouterr().out
