"""Addresses that the service names are asked only when they are the service's."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3.util import parse_url
from yarl import URL

from rh_api.errors import HostRefused
from rh_api.net.safety import FILES, SOCKETS, check_redirect, check_url
from rh_api.settings import Secret, Settings

BUCKET = "rh-images-1252422369.cos.ap-beijing.myqcloud.com"


def settings(origin: str = "https://www.runninghub.ai", *hosts: str) -> Settings:
    return Settings(origin, Secret(""), Path("state"), hosts)


GOOD = [
    "https://rh-images.xiaoyaoyou.com/u/output/a.png",
    "https://rh-images-tos.xiaoyaoyou.com:443/a.png?x=1",
    f"https://{BUCKET}/output/a.png",
    "https://rh-hk-images-1252422369.cos.ap-hongkong.myqcloud.com/a.mp4",
    "https://rh-models-1252422369.cos.ap-beijing.myqcloud.com/l.safetensors?q-sign-time=1%3B2",
    "https://www.runninghub.cn/a.png",
    "HTTPS://RH-Images.XiaoYaoYou.com/A.png",
    "https://rh-images.xiaoyaoyou.com/输出/图%20片.png",
    "https://www.runninghub.ai/a.png",
    # The fragment begins behind the host: nobody takes what follows for one.
    "https://rh-images.xiaoyaoyou.com#@evil.example/",
]

BAD = [
    "http://rh-images.xiaoyaoyou.com/a.png",
    "https://rh-images.xiaoyaoyou.com:8443/a.png",
    "https://user@rh-images.xiaoyaoyou.com/a.png",
    f"https://{BUCKET}@evil.example/a.png",
    f"https://evil.example\\@{BUCKET}/a.png",
    f"https://{BUCKET}\\.evil.example/a.png",
    f"https://{BUCKET}.evil.example/a.png",
    "https://xiaoyaoyou.com.evil.example/",
    "https://evilxiaoyaoyou.com/a.png",
    "https://rh-images-1252422369-666.cos.ap-beijing.myqcloud.com/a.png",
    "https://rh-images-666.cos.ap-beijing.myqcloud.com/a.png",
    "https://rh-images-1252422369.cos.ap-beijing.myqcloud.com.evil.example/a.png",
    "https://cos.ap-beijing.myqcloud.com/rh-images-1252422369/a.png",
    "https://rh-images.xiaoyaoyou\t.com/a.png",
    "https://rh-images.xiaoyaoyou.com/a\r\nHost: evil.example",
    "https://rh-images。xiaoyaoyou.com/a.png",
    "https://rh-images.xiaoyaoyou.com./a.png",
    "https://[::1]/a.png",
    "https://127.0.0.1:8188/view",
    "http://127.0.0.1:8188/view",
    "https://169.254.169.254/latest/meta-data",
    "https://2130706433/",
    "https://0x7f.1/",
    "ftp://rh-images.xiaoyaoyou.com/a.png",
    "file:///etc/passwd",
    "//rh-images.xiaoyaoyou.com/a.png",
    "https:rh-images.xiaoyaoyou.com/a.png",
    "https://rh-images.xiaoyaoyou.com:99999/a.png",
    "https://rh-images.xiaoyaoyou.com/" + "a" * 8192,
    "https://[::1",
    "https://rh-images.xiaoyaoyou.com/\ud800.png",
    "wss://www.runninghub.cn/ws",
    "",
]


@pytest.mark.parametrize("url", GOOD)
def test_the_services_own_addresses_pass_and_every_parser_connects_to_that_host(url: str) -> None:
    safe = check_url(url, settings())
    assert (safe.scheme, safe.port) == ("https", 443)
    assert parse_url(safe.text).host == safe.host
    assert URL(safe.text, encoded=True).raw_host == safe.host
    assert urlsplit(safe.text).hostname == safe.host
    prepared = requests.Request("GET", safe.text).prepare()
    assert parse_url(prepared.url or "").host == safe.host


@pytest.mark.parametrize("url", BAD)
def test_an_address_that_only_looks_like_the_services_is_refused(url: str) -> None:
    with pytest.raises(HostRefused):
        check_url(url, settings())


def test_a_refusal_names_host_and_address_but_not_the_signature() -> None:
    with pytest.raises(HostRefused) as caught:
        check_url("https://me:pw@new.example/a.png?q-signature=secret#x", settings())
    assert caught.value.params == {"host": "new.example", "url": "https://new.example/a.png"}


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        (" https://{}/a.png ", "https://{}/a.png"),
        ("https://{}/my pic 图.png?a=b c", "https://{}/my%20pic%20%E5%9B%BE.png?a=b%20c"),
    ],
)
def test_spaces_of_a_file_s_name_are_escaped(url: str, sent: str) -> None:
    host = "rh-images.xiaoyaoyou.com"
    assert check_url(url.format(host), settings()).text == sent.format(host)
    current = check_url("https://www.runninghub.ai/r/a.png", settings())
    assert check_redirect(current, url.format(host), settings()).text == sent.format(host)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("/files/a.png", "cannot be read"),
        ("//rh-images.xiaoyaoyou.com/a.png", "cannot be read"),
        ("https://rh images.xiaoyaoyou.com/a.png", "cannot be read"),
        ("https://me@rh-images.xiaoyaoyou.com/a.png", "cannot be read"),
        ("http://rh-images.xiaoyaoyou.com/a.png", "not https on its usual port"),
        ("https://rh-images.xiaoyaoyou.com:8443/a.png", "not https on its usual port"),
        ("wss://rh-images.xiaoyaoyou.com/a.png", "not https on its usual port"),
        ("https://new.example/a.png", "add the host to RUNNINGHUB_RESULT_HOSTS"),
    ],
)
def test_each_reason_has_its_sentence(url: str, reason: str) -> None:
    with pytest.raises(HostRefused, match=reason) as caught:
        check_url(url, settings())
    assert ("RUNNINGHUB_RESULT_HOSTS" in str(caught.value)) == ("add the host" in reason)


@pytest.mark.parametrize("host", ["cdn.example", "files.cdn.example"])
def test_a_host_that_the_person_added_passes_over_tls_only(host: str) -> None:
    allowed = settings("https://www.runninghub.ai", "cdn.example")
    assert check_url(f"https://{host}/a.png", allowed).host == host
    with pytest.raises(HostRefused):
        check_url(f"http://{host}/a.png", allowed)
    with pytest.raises(HostRefused):
        check_url("https://notcdn.example/a.png", allowed)


@pytest.mark.parametrize(
    ("origin", "own", "foreign"),
    [
        ("http://127.0.0.1:8700", "http://127.0.0.1:8700/r/a.png", "http://127.0.0.1:8701/r/a.png"),
        ("http://127.0.0.1:8700", "http://127.0.0.1:8700", "https://127.0.0.1:8700/r/a.png"),
        ("http://[::1]:8700", "http://[::1]:8700/a.png", "http://[::2]:8700/a.png"),
        ("http://localhost", "http://localhost:80/a.png", "http://localhost:8188/a.png"),
        ("https://10.0.0.2:8443", "https://10.0.0.2:8443/a.png", "http://10.0.0.2:8443/a.png"),
    ],
)
def test_the_configured_origin_alone_may_be_plain_or_a_bare_address(
    origin: str, own: str, foreign: str
) -> None:
    assert check_url(own, settings(origin)).text.startswith(origin)
    with pytest.raises(HostRefused):
        check_url(foreign, settings(origin))


@pytest.mark.parametrize(
    ("origin", "url", "passes"),
    [
        ("https://www.runninghub.cn", "wss://www.runninghub.cn:443/ws/c_instance?a=b", True),
        ("http://127.0.0.1:8700", "ws://127.0.0.1:8700/ws/c_instance", True),
        ("https://127.0.0.1:8700", "wss://127.0.0.1:8700/ws/c_instance", True),
        ("https://127.0.0.1:8700", "ws://127.0.0.1:8700/ws/c_instance", False),
        ("https://www.runninghub.cn", "ws://www.runninghub.cn/ws/c_instance", False),
        ("https://www.runninghub.cn", "wss://u:p@www.runninghub.cn/ws", False),
        ("https://www.runninghub.cn", "https://www.runninghub.cn/ws", False),
        ("https://www.runninghub.cn", "wss://evil.example/ws", False),
        ("https://www.runninghub.cn", "wss://www.runninghub.cn/ws?" + "q" * 8192, False),
    ],
)
def test_sockets_have_the_same_rules(origin: str, url: str, passes: bool) -> None:
    if passes:
        assert check_url(url, settings(origin), SOCKETS).text.startswith(url.split("/ws")[0][:20])
    else:
        with pytest.raises(HostRefused):
            check_url(url, settings(origin), SOCKETS)


@pytest.mark.parametrize(
    ("location", "passes"),
    [
        ("/other.png", True),
        (f"https://{BUCKET}/a.png", True),
        ("http://169.254.169.254/latest", False),
        ("http://www.runninghub.ai/a.png", False),
        ("file:///etc/passwd", False),
        ("//evil.example/a.png", False),
        ("https://rh-images.xiaoyaoyou\t.com/a.png", False),
        ("", False),
    ],
)
def test_a_redirect_is_checked_like_an_address(location: str, passes: bool) -> None:
    current = check_url("https://www.runninghub.ai/r/a.png", settings())
    if passes:
        assert check_redirect(current, location, settings()).scheme == "https"
    else:
        with pytest.raises(HostRefused):
            check_redirect(current, location, settings())


def test_tls_is_not_left_for_a_plain_origin() -> None:
    emulated = settings("http://127.0.0.1:8700")
    current = check_url(f"https://{BUCKET}/a.png", emulated)
    with pytest.raises(HostRefused):
        check_redirect(current, "http://127.0.0.1:8700/a.png", emulated)


pieces = st.sampled_from(
    ["https://", "http://", "wss://", BUCKET, "evil.example", "xiaoyaoyou.com", ".", "@", "\\",
     "/", "//", ":", "443", "?", "#", "%2e", "%00", "[", "]", "::1", "127.0.0.1", "。", "a", " "]
)  # fmt: skip


@st.composite
def nearly_good(draw: st.DrawFn) -> str:
    """An address that passes, with something else in up to two places."""
    url = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(url)))
        end = draw(st.integers(start, min(start + 3, len(url))))
        url = url[:start] + draw(pieces | st.text(max_size=3)) + url[end:]
    return url


OURS = re.compile(
    r"(.+\.)?(runninghub\.ai|runninghub\.cn|xiaoyaoyou\.com)"
    r"|rh-[a-z0-9-]*-1252422369\.cos\.[a-z0-9-]+\.myqcloud\.com"
)


@given(nearly_good())
@example(f"https://evil.example\\@{BUCKET}/")
def test_whatever_passes_is_read_alike_by_all_who_connect(url: str) -> None:
    try:
        safe = check_url(url, settings(), FILES)
    except HostRefused:
        return
    hosts = {
        safe.host,
        parse_url(safe.text).host,
        URL(safe.text, encoded=True).raw_host,
        urlsplit(safe.text).hostname,
        urlsplit(requests.Request("GET", safe.text).prepare().url or "").hostname,
    }
    assert len(hosts) == 1
    assert OURS.fullmatch(safe.host)
    assert safe.text.startswith(f"https://{safe.host}")
