"""`emulator --comfyui`: a RunningHub whose graphs run on a ComfyUI that somebody started."""

from __future__ import annotations

import pytest

from .conftest import Call


def test_without_a_comfyui_at_that_address_nothing_is_served(
    call: Call, unused_tcp_port: int
) -> None:
    ran = call("emulator", "--port", "0", "--comfyui", f"http://127.0.0.1:{unused_tcp_port}")

    assert ran.code == 2
    assert f"127.0.0.1:{unused_tcp_port}" in ran.err


def test_something_else_at_that_address_is_no_comfyui(call: Call, base_url: str) -> None:
    ran = call("emulator", "--port", "0", "--comfyui", base_url)

    assert ran.code == 2
    assert "No ComfyUI answers" in ran.err


@pytest.mark.parametrize("text", ["localhost:8188", "http://", "http://a/b", "ftp://a"])
def test_what_is_no_address_is_wrong_usage(call: Call, text: str) -> None:
    ran = call("emulator", "--comfyui", text)

    assert ran.code == 2
    assert "http://127.0.0.1:8188" in ran.err
