"""Commands that order nothing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from rh_api.emulator import Account, Emulator, Fault, catalog

from .conftest import Call


def test_a_workflow_lists_fields_as_set_takes_them_and_its_outputs(
    call: Call, emulator: Emulator
) -> None:
    ran = call("workflow", f"{emulator.base_url}/workflow/{catalog.TWO_PICTURES}", "--json")

    fields = {field["name"]: field for field in ran.document["fields"]}
    assert fields["1.image"] == {
        "name": "1.image",
        "type": "IMAGE",
        "value": "example.png",
        "title": "First picture",
        "class": "LoadImage",
    }
    assert "3.image1" not in fields
    assert list(fields)[-1].startswith("12.")
    assert [output["node_id"] for output in ran.document["outputs"]] == ["4", "12"]
    assert emulator.counters.orders == 0


def test_every_listed_field_can_be_set_to_its_stored_value(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    listed = call("workflow", catalog.TEXT_TO_IMAGE, "--json").document["fields"]
    options = [part for field in listed for part in ("--set", f"{field['name']}={field['value']}")]

    ran = call("run", catalog.TEXT_TO_IMAGE, *options, "--out", str(tmp_path))

    assert ran.code == 0, ran.err
    assert len(next(iter(emulator.tasks.values())).node_info) == len(listed)


def test_a_workflow_is_readable_for_people(call: Call) -> None:
    ran = call("workflow", catalog.TEXT_TO_IMAGE)

    line = next(line for line in ran.out.splitlines() if line.strip().startswith("6.text"))
    assert line.split() == [
        *("6.text", "STRING", '"a', "lighthouse", "at", 'dusk"'),
        *("Positive", "[CLIPTextEncode]"),
    ]


def test_a_long_value_is_cut_in_the_table_and_whole_in_the_document(
    call: Call, emulator: Emulator
) -> None:
    graph = catalog.workflows()[catalog.TEXT_OUT].graph
    graph["21"]["inputs"]["value"] = "word " * 100
    emulator.add_workflow(graph, workflow_id="1900000000000000999")

    assert max(map(len, call("workflow", "1900000000000000999").out.splitlines())) < 120
    fields = call("workflow", "1900000000000000999", "--json").document["fields"]
    assert fields[0]["value"] == "word " * 100


def test_uploads_are_named_one_by_one(call: Call, emulator: Emulator, photo: Path) -> None:
    second = photo.with_name("other.png")
    second.write_bytes(photo.read_bytes() + b"more")

    ran = call("upload", str(photo), str(second), "--json")

    names = [file["name"] for file in ran.document["files"]]
    assert set(names) == set(emulator.uploads)
    assert len(names) == 2
    assert all(file["url"].startswith("http") for file in ran.document["files"])
    assert names[0] in call("upload", str(photo)).out


def test_a_format_that_the_service_does_not_take_is_named_by_its_file(
    call: Call, tmp_path: Path
) -> None:
    picture = tmp_path / "my photo.bmp"
    Image.new("RGB", (8, 8)).save(picture)
    ran = call("upload", str(picture))

    assert ran.code == 1
    assert "did not accept the file my photo.bmp" in ran.err
    assert "JPG, PNG and WebP" in ran.err


def test_one_bad_file_keeps_all_from_being_uploaded(
    call: Call, emulator: Emulator, photo: Path
) -> None:
    ran = call("upload", str(photo), "missing.png")

    assert ran.code == 2
    assert "missing.png" in ran.err
    assert not emulator.uploads


def test_a_lora_file_becomes_the_name_that_its_loader_takes(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    file = tmp_path / "style.safetensors"
    file.write_bytes(b"weights" * 1000)

    name = call("lora", str(file), "--json").document["lora_name"]

    assert name in emulator.loras
    assert name in call("lora", str(file)).out


def test_the_account_shows_what_it_knows(call: Call) -> None:
    ran = call("account", "--json")

    assert ran.document == {
        "kind": "NORMAL",
        "coins": "76600",
        "money": None,
        "currency": None,
        "limit": 3,
        "running": 0,
        "queued": 0,
    }


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (
            Account(kind="SHARED", coins=0, money=Decimal("128.50"), currency="CNY", limit=30),
            ("SHARED", "0", "128.50", "CNY", 30, 2),
        ),
        (Account(kind="EXCLUSIVE", coins=0, limit=4), ("EXCLUSIVE", "0", None, None, 4, 2)),
        (
            Account(coins=5, money=Decimal("1.25"), currency="USD"),
            ("NORMAL", "5", "1.25", "USD", 3, 2),
        ),
    ],
    ids=["shared", "dedicated", "consumer with a wallet"],
)
def test_each_kind_of_account_shows_what_it_pays_with(
    call: Call, emulator: Emulator, account: Account, expected: tuple[object, ...]
) -> None:
    emulator.accounts[emulator.default_key] = account
    emulator.foreign_tasks = 2
    document = call("account", "--json").document
    shown = dict(line.rsplit(None, 1) for line in call("account").out.splitlines())

    names = ("kind", "coins", "money", "currency", "limit", "running")
    assert tuple(document[name] for name in names) == expected
    assert shown["  kind"] == expected[0]
    assert shown["  tasks at once"] == str(expected[4])
    assert shown["  money"] == (expected[2] or "unknown")


def test_a_free_account_is_told_what_the_api_takes(call: Call, emulator: Emulator) -> None:
    emulator.account.kind = "FREE"
    ran = call("account", "--json")

    assert ran.code == 1
    assert ran.document["error"]["code"] == 801
    assert "free account" in ran.err
    assert "membership" in ran.err


def test_what_the_account_does_not_say_is_unknown_and_not_zero(
    call: Call, emulator: Emulator
) -> None:
    emulator.faults.append(Fault("/uc/openapi/accountStatus", "code", count=None, value=301))
    ran = call("account")

    lines = dict(line.split(None, 1) for line in ran.out.splitlines() if "tasks" not in line)
    assert ran.code == 0
    assert lines["coins"] == "unknown"
    assert lines["running"] == "0"
    assert "301" in ran.err


def test_a_key_that_the_account_call_refuses_is_no_good_one(call: Call, emulator: Emulator) -> None:
    emulator.faults.append(Fault("/uc/openapi/accountStatus", "code", count=None, value=802))
    ran = call("account", "--json")

    assert ran.code == 1
    assert (ran.document["error"]["code"], ran.document["limit"]) == (802, 3)
    assert ran.err.count("API key") == 1


def test_without_a_queue_status_the_limit_is_unknown(call: Call, emulator: Emulator) -> None:
    emulator.faults.append(Fault("/openapi/v2/queue/status", "code", count=None, value=301))
    document = call("account", "--json").document

    assert document["limit"] is None
    assert document["coins"] == "76600"
    assert document["running"] == 0


def test_an_account_of_which_nothing_is_known_is_an_error(call: Call, emulator: Emulator) -> None:
    emulator.account.enabled = False
    ran = call("account")

    assert ran.code == 1
    assert "RUNNINGHUB_API_KEY" in ran.err
    assert ran.out == ""
