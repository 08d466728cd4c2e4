"""Names of the native route: tasks that say where to ask, and addresses without the key."""

from __future__ import annotations

import pytest

from rh_api.wire.call import KEYED, Response
from rh_api.wire.native import Prompt, core_version, end_of, read_end
from rh_api.wire.tasks import Phase, file_name, is_task_id

ID = "0f0e0d0c-0b0a-4908-8706-050403020100"


@pytest.mark.parametrize("machine", ["default", "plus"])
def test_a_tasks_id_says_its_machine_and_its_prompt(machine: str) -> None:
    prompt = Prompt.new(machine)
    assert is_task_id(prompt.task_id)
    assert Prompt.of(prompt.task_id) == prompt
    base = "/proxy-plus/{key}/" if machine == "plus" else "/proxy/{key}/"
    assert end_of(prompt).request.path == f"{base}history/{prompt.prompt_id}"


def test_a_file_name_is_the_end_of_the_urls_path() -> None:
    url = "https://example.com/output/a%20b_00001_.png?imageMogr2/format/jpeg#x"
    assert file_name(url) == "a b_00001_.png"
    assert file_name("https://example.com") == ""
    assert file_name("https://[broken/x.png") == ""


def test_a_file_of_the_native_route_is_named_in_its_query() -> None:
    url = "/proxy-plus/{key}/view?filename=a+b_00001_.png&subfolder=c&type=output"
    assert file_name(url) == "a b_00001_.png"
    assert url.startswith(KEYED)
    assert file_name("/proxy/{key}/view?filename=..%2F..%2Fx.png") == "x.png"


@pytest.mark.parametrize(
    "url", ["https://x/proxy/{key}/view", "/results/{key}", "/proxy/abc/view", ""]
)
def test_no_other_address_gets_the_key(url: str) -> None:
    assert not url.startswith(KEYED)


def test_what_is_only_there_to_be_looked_at_is_no_result() -> None:
    files = [{"filename": "p.png", "subfolder": "", "type": "temp"}]
    status = {"status_str": "success", "completed": True, "messages": []}
    report = read_end(
        {"outputs": {"5": {"images": files}}, "status": status}, Prompt("default", ID)
    )
    assert (report.phase, report.results) == (Phase.SUCCESS, ())


@pytest.mark.parametrize(
    "hostile",
    [
        {"outputs": 3},
        {"outputs": {"1": [None]}, "status": "x"},
        {"status": {"messages": [[], [1], 5]}},
    ],
)
def test_nonsense_in_a_history_is_no_crash(hostile: dict[str, object]) -> None:
    assert read_end(hostile, Prompt("default", ID)).phase.is_over


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        (b'{"system": {"comfyui_version": "v0.33.0-1"}}', (0, 33, 0)),
        (b"{}", ()),
        (b'{"system": 5}', ()),
    ],
)
def test_a_core_tells_its_version(answer: bytes, version: tuple[int, ...]) -> None:
    assert core_version("default").read(Response(200, answer)) == version
