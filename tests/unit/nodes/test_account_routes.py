"""Keys and passwords go in once, and never come out again."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rh_api.emulator import Account, Emulator, catalog
from tests.support.broken_requests import break_off
from tests.unit.nodes.conftest import load_pack
from tests.unit.nodes.host import Host, hosted_without_account

KEY = "canary7Key0canary7Key0canary7Key"
OTHER = "second7Key0second7Key0second7Key"
AI, CN = "https://www.runninghub.ai", "https://www.runninghub.cn"


@pytest.fixture
async def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    async with hosted_without_account(tmp_path, monkeypatch) as host:
        yield host


@pytest.fixture
async def emulator() -> AsyncIterator[tuple[Emulator, str]]:
    emulator = Emulator(strict=True, run_seconds=0)
    emulator.accounts[KEY] = Account(kind="SHARED", coins=12, limit=5)
    async with emulator.serve() as url:
        yield emulator, url


def names(answer: dict[str, Any]) -> list[str]:
    return [profile["name"] for profile in answer["profiles"]]


async def test_a_comfyui_with_users_says_so(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["comfy.cli_args"].args, "multi_user", True, raising=False)
    assert (await host.get("settings"))["has_users"]


async def test_a_key_is_stored_for_its_owner_alone_and_only_its_end_is_told(host: Host) -> None:
    assert await host.get("settings") == {
        "profiles": [],
        "default": "",
        "environment": False,
        "has_users": False,
        "problem": "",
        "models": "warn",
        "renews_models": True,
        "max_tasks": 0,
        "sites": [AI, CN],
    }
    await host.post("profiles/save", name=" home ", origin=AI + "/", key=f"Bearer {KEY}")
    settings = await host.get("settings")
    assert settings["profiles"] == [
        {
            "name": "home",
            "origin": AI,
            "host": "www.runninghub.ai",
            "key_tail": KEY[-4:],
            "workflow": "",
            "webhook": "",
            "route": "",
            "from": "file",
        }
    ]
    assert settings["default"] == "home"
    assert KEY not in host.said
    file = host.state / "profiles.json"
    assert KEY in file.read_text()
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(host.state.stat().st_mode) == 0o700


async def test_profiles_are_changed_chosen_and_forgotten(host: Host) -> None:
    await host.post("profiles/save", name="a", origin=AI, key=KEY)
    await host.post("profiles/save", name="b", origin=CN, key=OTHER)
    assert (await host.post("profiles/default", name="b"))["default"] == "b"
    await host.post("profiles/save", name="a", origin=AI, key="")
    assert (await host.get("settings"))["profiles"][0]["key_tail"] == KEY[-4:]
    settings = await host.post("profiles/delete", name="b")
    assert (names(settings), settings["default"]) == (["a"], "a")
    settings = await host.post("profiles/delete", name="a")
    assert (names(settings), settings["default"]) == ([], "")
    assert KEY not in "".join(path.read_text() for path in host.state.iterdir())


async def test_of_several_accounts_none_becomes_the_default_by_itself(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, key in (("a", KEY), ("b", OTHER), ("c", KEY)):
        await host.post("profiles/save", name=name, origin=AI, key=key)
    settings = await host.post("profiles/delete", name="a")
    assert (names(settings), settings["default"]) == (["b", "c"], "")
    error = await host.error("profiles/test", name="")
    assert (error["key"], error["params"]) == ("node.no_default", {"names": "b, c"})
    assert "settings under RunningHub" in error["message"]
    for name in ("d", "b"):  # neither a new one nor a new key
        settings = await host.post("profiles/save", name=name, origin=AI, key=OTHER)
        assert settings["default"] == ""
    # A file of somebody's own making is no choice either.
    file = host.state / "profiles.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "default": "gone"}))
    assert (await host.get("settings"))["default"] == ""
    monkeypatch.setenv("RUNNINGHUB_API_KEY", KEY)
    assert (await host.get("settings"))["default"] == "environment"
    monkeypatch.delenv("RUNNINGHUB_API_KEY")
    assert (await host.post("profiles/default", name="c"))["default"] == "c"


async def test_a_kept_key_never_goes_to_another_site(host: Host) -> None:
    await host.post("profiles/save", name="a", origin=AI, key=KEY)
    error = await host.error("profiles/save", name="a", origin="https://evil.example", key="")
    assert error["key"] == "node.key_for_site"
    assert (await host.get("settings"))["profiles"][0]["origin"] == AI


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"name": "", "origin": AI, "key": KEY}, "node.bad_profile_name"),
        ({"name": "x" * 61, "origin": AI, "key": KEY}, "node.bad_profile_name"),
        ({"name": "a\u202eb", "origin": AI, "key": KEY}, "node.bad_profile_name"),
        ({"name": "sandbox", "origin": AI, "key": KEY}, "node.reserved_profile"),
        ({"name": "environment", "origin": AI, "key": KEY}, "node.reserved_profile"),
        ({"name": "a", "origin": " ", "key": KEY}, "node.no_site"),
        ({"name": "a", "origin": "file:///etc/passwd", "key": KEY}, "node.bad_site"),
        ({"name": "a", "origin": AI + "/path?x=1", "key": KEY}, "node.bad_site"),
        ({"name": "a", "origin": AI.replace("https", "http"), "key": KEY}, "error.key_in_clear"),
        ({"name": "a", "origin": AI, "key": "short"}, "error.bad_key"),
        ({"name": "a", "origin": AI}, "node.key_for_site"),
        ({"name": 5, "origin": AI, "key": KEY}, "node.bad_type"),
    ],
)
async def test_what_cannot_be_a_profile_is_refused(
    host: Host, body: dict[str, Any], key: str
) -> None:
    assert (await host.error("profiles/save", **body))["key"] == key
    assert names(await host.get("settings")) == []


@pytest.mark.parametrize("path", ["profiles/delete", "profiles/default", "profiles/test"])
async def test_a_profile_that_is_not_here_is_named(host: Host, path: str) -> None:
    error = await host.error(path, name="elsewhere")
    assert error["key"] == "node.no_profile"
    assert "elsewhere" in error["message"]
    assert error["hint"] == "no_profile"


async def test_the_environment_wins_and_says_so(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    await host.post("profiles/save", name="a", origin=CN, key=OTHER)
    monkeypatch.setenv("RUNNINGHUB_API_KEY", KEY)
    settings = await host.get("settings")
    assert names(settings) == ["environment", "a"]
    assert [profile["from"] for profile in settings["profiles"]] == ["environment", "file"]
    assert (settings["default"], settings["environment"]) == ("environment", True)
    assert KEY not in host.said


async def test_a_bad_key_of_the_environment_is_a_sentence_and_no_failure(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNINGHUB_API_KEY", "nonsense-of-a-key")
    settings = await host.get("settings")
    assert "32" in settings["problem"]
    assert "nonsense" not in host.said


async def test_a_damaged_file_is_left_as_it_is(host: Host) -> None:
    host.state.mkdir(parents=True)
    file = host.state / "profiles.json"
    for text in ("{", "[]", json.dumps({"profiles": {"a": {"origin": AI, "key": f"?{KEY}"}}})):
        file.write_text(text)
        error = await host.error("profiles/save", name="b", origin=AI, key=KEY)
        assert error["key"] == "node.profiles_unreadable"
        assert file.read_text() == text
    assert KEY not in host.said


async def test_two_comfyuis_of_one_folder_lose_nothing_of_each_other(host: Host) -> None:
    key_store = load_pack("nodes.runtime.key_store")

    def save(number: int) -> None:
        name, key = f"n{number}", f"{number:032x}"
        key_store.change(host.state, lambda stored: stored.saved(name, AI, key))

    with ThreadPoolExecutor(4) as processes:
        list(processes.map(save, range(40)))
    assert len(names(await host.get("settings"))) == 40


async def test_marked_parts_have_a_workflow_for_each_account(host: Host) -> None:
    await host.post("profiles/save", name="a", origin=AI, key=KEY)
    await host.post("profiles/save", name="b", origin=CN, key=OTHER)
    number = "1900000000000000101"
    link = f"{AI}/workflow/{number}"
    answer = await host.post("profiles/workflow", name="a", workflow=link)
    assert [profile["workflow"] for profile in answer["profiles"]] == [number, ""]
    foreign = await host.error("profiles/workflow", name="b", workflow=link)
    assert foreign["key"] == "error.wrong_site"
    wrong = await host.error("profiles/workflow", name="a", workflow="my workflow")
    assert wrong["key"] == "error.workflow_id"
    # It goes with a new key of the account, and not to another site.
    answer = await host.post("profiles/save", name="a", origin=AI, key=OTHER)
    assert answer["profiles"][0]["workflow"] == number
    answer = await host.post("profiles/workflow", name="a", workflow="")
    assert answer["profiles"][0]["workflow"] == ""
    await host.post("profiles/workflow", name="a", workflow=number)
    answer = await host.post("profiles/save", name="a", origin=CN, key=KEY)
    assert answer["profiles"][0]["workflow"] == ""


async def test_orders_of_an_account_carry_its_own_webhook_address(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, key in (("a", KEY), ("b", OTHER)):
        await host.post("profiles/save", name=name, origin=AI, key=key)
    monkeypatch.setenv("RUNNINGHUB_WEBHOOK_URL", "https://of-all.example")
    config = load_pack("nodes.runtime.config")
    answer = await host.post("profiles/webhook", name="a", webhook="https://own.example/rh/")
    assert [profile["webhook"] for profile in answer["profiles"]] == ["https://own.example/rh/", ""]
    assert config.settings("a").webhook_url == "https://own.example/rh/"
    assert config.settings("b").webhook_url == "https://of-all.example"
    wrong = await host.error("profiles/webhook", name="a", webhook="own.example")
    assert wrong["key"] == "error.webhook_url"
    answer = await host.post("profiles/save", name="a", origin=CN, key=KEY)
    assert answer["profiles"][0]["webhook"] == "https://own.example/rh/"
    answer = await host.post("profiles/webhook", name="a", webhook=" ")
    assert answer["profiles"][0]["webhook"] == ""


async def test_graphs_of_an_account_go_by_its_own_route(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, key in (("a", KEY), ("b", OTHER)):
        await host.post("profiles/save", name=name, origin=AI, key=key)
    monkeypatch.setenv("RUNNINGHUB_ROUTE", "auto")
    config = load_pack("nodes.runtime.config")
    answer = await host.post("profiles/route", name="a", route="native")
    assert [profile["route"] for profile in answer["profiles"]] == ["native", ""]
    assert [config.settings(name).route for name in ("a", "b")] == ["native", "auto"]
    wrong = await host.error("profiles/route", name="a", route="fast")
    assert wrong["key"] == "error.bad_route"
    answer = await host.post("profiles/save", name="a", origin=CN, key=KEY)
    assert answer["profiles"][0]["route"] == "native"
    answer = await host.post("profiles/route", name="a", route="")
    assert answer["profiles"][0]["route"] == ""


async def test_models_that_are_not_listed_are_a_warning_or_a_refusal(host: Host) -> None:
    assert (await host.post("models/save", models="strict"))["models"] == "strict"
    assert (await host.get("settings"))["models"] == "strict"
    assert (await host.error("models/save", models="stirct"))["key"] == "error.bad_models"
    assert (await host.post("models/save", models="warn"))["models"] == "warn"


async def test_a_limit_of_tasks_is_kept_and_the_environment_precedes_it(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    await host.post("profiles/save", name="a", origin=AI, key=KEY)
    config = load_pack("nodes.runtime.config")
    assert config.settings("a").max_tasks == 0
    assert (await host.post("tasks/most", most=" 2 "))["max_tasks"] == 2
    assert (await host.get("settings"))["max_tasks"] == 2
    assert config.settings("a").max_tasks == 2
    for wrong in ("0", "-1", "many", "1.5", "²"):
        assert (await host.error("tasks/most", most=wrong))["key"] == "error.bad_max_tasks"
    monkeypatch.setenv("RUNNINGHUB_MAX_TASKS", "3")
    assert config.settings("a").max_tasks == 3
    monkeypatch.delenv("RUNNINGHUB_MAX_TASKS")
    assert (await host.post("tasks/most", most=""))["max_tasks"] == 0


async def test_the_test_says_what_the_account_says(
    host: Host, emulator: tuple[Emulator, str]
) -> None:
    await host.post("profiles/save", name="e", origin=emulator[1], key=KEY)
    account = await host.post("profiles/test", name="e")
    assert account["kind"] == "SHARED"
    assert (account["coins"], account["limit"], account["running"]) == ("12", 5, 0)
    await host.post("profiles/save", name="wrong", origin=emulator[1], key=OTHER)
    error = await host.error("profiles/test", name="wrong")
    assert error["key"] == "error.key_refused"
    assert error["hint"] == "key"
    assert KEY not in host.said
    assert OTHER not in host.said


async def test_a_typed_key_is_examined_and_neither_stored_nor_told(
    host: Host, emulator: tuple[Emulator, str], caplog: pytest.LogCaptureFixture
) -> None:
    service, url = emulator
    service.strict = False
    service.native_socket = "1011"
    caplog.set_level("DEBUG")
    examined = await host.post("profiles/examine", name="e", origin=url, key=f" Bearer {KEY} ")
    assert (examined["failure"], examined["account"]["kind"]) == ("", "SHARED")
    assert (examined["account"]["coins"], examined["account"]["limit"]) == ("12", 5)
    others = [row for row in examined["findings"] if row["verdict"] == "other"]
    assert [row["id"] for row in others] == ["native-socket"]
    assert others[0]["advice"]
    assert (await host.get("settings"))["profiles"] == []
    assert service.counters.orders == 0
    assert service.counters.keys_misplaced == set()
    assert KEY not in host.said + caplog.text
    assert [file for file in host.state.rglob("*") if KEY in file.read_text("latin-1")] == []


async def test_what_is_examined_without_a_typed_key_is_the_stored_one_at_its_own_site(
    host: Host, emulator: tuple[Emulator, str]
) -> None:
    url = emulator[1]
    await host.post("profiles/save", name="e", origin=url, key=KEY)
    for typed in ({}, {"origin": url, "key": ""}):
        examined = await host.post("profiles/examine", name="e", **typed)
        assert (examined["failure"], examined["account"]["kind"]) == ("", "SHARED")
    error = await host.error("profiles/examine", name="e", origin=AI, key="")
    assert error["key"] == "node.key_for_site"
    error = await host.error("profiles/examine", name="", origin=url, key="short")
    assert error["key"] == "error.bad_key"
    error = await host.error("profiles/examine", name="e", origin="http://example.com", key=KEY)
    assert error["key"] == "error.key_in_clear"


async def test_a_typed_key_that_is_refused_says_so_in_the_readers_language(
    host: Host, emulator: tuple[Emulator, str]
) -> None:
    await host.speak("zh-CN")
    examined = await host.post("profiles/examine", name="", origin=emulator[1], key=OTHER)
    assert examined["account"] is None
    assert "密钥" in examined["failure"]
    assert OTHER not in host.said


async def test_a_password_opens_its_program_at_its_site_alone(
    host: Host, emulator: tuple[Emulator, str]
) -> None:
    service, url = emulator
    service.workflows[catalog.INVERT].password = "open sesame"
    await host.post("profiles/save", name="e", origin=url, key=KEY)
    program = {"kind": "workflow", "text": catalog.INVERT, "profile": "e"}
    error = await host.error("program", **program)
    assert error["hint"] == "password"
    protected = {"kind": "workflow", "id": catalog.INVERT, "profile": "e"}
    assert await host.post("passwords/save", **protected, password="open sesame") == {"set": True}
    view = await host.post("program", **program)
    assert view["password"] is True
    unprotected = await host.post("program", kind="workflow", text=catalog.TEXT_OUT, profile="e")
    assert unprotected["password"] is False
    sent = [call.json for call in service.journal if call.path == "/api/openapi/getJsonApiFormat"]
    assert [body.get("accessPassword") for body in sent] == [None, "open sesame", None]
    await host.post("passwords/save", **protected, password="")
    error = await host.error("program", **program, fresh=True)
    assert error["hint"] == "password"
    assert "sesame" not in host.said


async def test_a_protected_app_asks_for_its_password_before_its_form_is_shown(
    host: Host, emulator: tuple[Emulator, str]
) -> None:
    service, url = emulator
    app = next(iter(service.apps.values()))
    app.password = "open sesame"
    await host.post("profiles/save", name="e", origin=url, key=KEY)
    program = {"kind": "app", "text": app.id, "profile": "e"}
    error = await host.error("program", **program)
    assert (error["key"], error["hint"]) == ("node.app_protected", "password")
    await host.post("passwords/save", kind="app", id=app.id, profile="e", password="open sesame")
    view = await host.post("program", **program)
    assert (view["protected"], view["password"]) == (True, True)
    assert "sesame" not in host.said


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"kind": "file", "id": "1", "password": "x"}, "node.bad_kind"),
        ({"kind": "app", "id": "../1", "password": "x"}, "error.app_id"),
        ({"kind": "workflow", "id": "1" * 30, "password": "x"}, "error.workflow_id"),
        ({"kind": "workflow", "id": "1", "password": "x" * 201}, "node.bad_password"),
    ],
)
async def test_a_password_for_nothing_is_refused(
    host: Host, body: dict[str, Any], key: str
) -> None:
    await host.post("profiles/save", name="a", origin=AI, key=KEY)
    assert (await host.error("passwords/save", profile="a", **body))["key"] == key


async def test_the_chinese_site_comes_first_to_who_speaks_chinese(host: Host) -> None:
    await host.speak("zh-CN")
    assert (await host.get("settings"))["sites"] == [CN, AI]
    error = await host.error("profiles/delete", name="x")
    assert "没有名为" in error["message"]


async def test_a_proxys_name_is_known_once_its_owner_names_it(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    comfyui = load_pack("nodes.runtime.comfyui")
    assert comfyui.host_names() == {"127.0.0.1"}
    monkeypatch.setenv("RUNNINGHUB_HOSTS", "Comfy.example, studio.local")
    assert comfyui.host_names() == {"127.0.0.1", "comfy.example", "studio.local"}


async def test_a_site_that_does_not_answer_is_told(host: Host) -> None:
    # Nothing listens on the discard port.
    await host.post("profiles/save", name="a", origin="http://127.0.0.1:9", key=KEY)
    error = await host.error("profiles/test", name="a")
    assert error["key"] == "error.unreachable"


async def test_a_page_that_leaves_while_it_sends_is_no_error(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    url = str(host.server.make_url("/runninghub/program"))
    await break_off(url, X_RunningHub_Token=host.token)
    assert caplog.records == []
