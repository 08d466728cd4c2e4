"""A ComfyUI's `/object_info`, read as far as a hint needs it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rh_api.errors import BadReply, RunningHubError
from rh_api.wire.call import Response
from rh_api.wire.native import object_info
from rh_api.wire.object_info import Listed, read_object_info

VAES = ["ae.safetensors", "sub/old.pt"]
INFO: dict[str, Any] = {
    "VAELoader": {"input": {"required": {"vae_name": [VAES, {"tooltip": "x"}]}}},
    "NewLoader": {"input": {"optional": {"name": ["COMBO", {"options": VAES}]}}},
    "KSampler": {"input": {"required": {"seed": ["INT", {}], "sampler": [["euler"], {}]}}},
    "Empty": {"input": {"required": {"vae_name": [[], {}]}}},
    "Odd": {"input": {"required": {"a": [], "b": None, "c": [[None, 3, "x.bin"]]}}},
}
LISTED = Listed(
    frozenset(INFO),
    {"VAELoader.vae_name": (*VAES,), "NewLoader.name": (*VAES,), "Odd.c": ("x.bin",)},
)


@pytest.mark.parametrize("indent", [None, 2])
def test_classes_and_choices_of_files_are_read(indent: int | None) -> None:
    assert read_object_info(json.dumps(INFO, indent=indent)) == LISTED


def test_what_is_kept_is_the_same_and_has_a_shared_list_once() -> None:
    document = LISTED.document()
    assert Listed.of_document(json.loads(json.dumps(document))) == LISTED
    assert document["lists"] == [(*VAES,), ("x.bin",)]


@pytest.mark.parametrize("text", ["", "[]", "{}", "<html>", '{"code": 802, "msg": "x"}', "{,", "3"])
def test_what_is_no_such_list_says_nothing(text: str) -> None:
    with pytest.raises(BadReply):
        read_object_info(text)


@pytest.mark.parametrize("cut", [1, 40, 200, -1, -2])
def test_a_cut_listing_is_none(cut: int) -> None:
    with pytest.raises(BadReply):
        read_object_info(json.dumps(INFO)[:cut])


@pytest.mark.parametrize(
    "response",
    [
        Response(200, json.dumps(INFO).encode(), complete=False),
        Response(404, b"{}"),
        Response(302, json.dumps(INFO).encode()),
    ],
)
def test_what_did_not_come_whole_is_none(response: Response) -> None:
    with pytest.raises(RunningHubError):
        object_info("default").read(response)


@pytest.mark.parametrize(
    "stored", ["{}", '{"classes": [], "lists": [], "inputs": {"a": 1}}', '{"lists": 3}']
)
def test_a_damaged_file_is_none(stored: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Listed.of_document(json.loads(stored))
