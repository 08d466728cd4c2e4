"""`limits`, `quote` and `--max-cost`: what a command may cost, and what it would."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rh_api.emulator import Emulator, catalog

from .conftest import Call


def test_max_cost_refuses_before_anything_goes_up(
    call: Call, emulator: Emulator, photo: Path, tmp_path: Path
) -> None:
    field = f"10.image=@{photo}"
    ran = call(
        "run", catalog.INVERT, "--set", field, "--out", str(tmp_path), "--max-cost", "1 coins"
    )
    assert ran.code == 2
    assert "--max-cost" in ran.err
    assert "Nothing was uploaded or ordered" in ran.err
    assert emulator.counters.orders == 0
    ran = call(
        "run", catalog.INVERT, "--set", field, "--out", str(tmp_path), "--max-cost", "9 coins"
    )
    assert ran.code == 0, ran.err


def test_an_empty_sum_is_no_absent_one(call: Call, emulator: Emulator, tmp_path: Path) -> None:
    """As a script writes it whose variable is not set."""
    argv = ("run", catalog.TEXT_TO_IMAGE, "--set", "6.text=a cat", "--out", str(tmp_path))
    assert call(*argv, "--max-cost", "").code == 2
    assert call("limits", "--day", " ").code == 2
    assert call("limits", "--allow", "app/7=").code == 2
    assert emulator.counters.orders == 0


def test_a_quote_takes_the_arguments_of_the_command(call: Call, tmp_path: Path) -> None:
    argv = ("run", catalog.TEXT_TO_IMAGE, "--set", "6.text=a cat", "--out", str(tmp_path))
    before = call("quote", *argv)
    assert before.out == (
        "0.2 coins a second on default (observed, not documented), total not known yet\n"
    )
    for seed in "12":
        assert call(*argv, "--set", f"3.seed={seed}").code == 0
    quote = call("quote", *argv, "--json").document
    assert quote["text"].startswith("about 1 coin (")
    (order,) = quote["orders"]
    assert (order["source"], order["runs"]) == ("runs", 2)
    assert order["amounts"]["coins"]["amount"] == "1"


def test_limits_are_set_shown_and_taken_away(call: Call, emulator: Emulator) -> None:
    shown = call("limits", "--day", "200 coins", "--allow", "app/7=30 coins, 1 USD")
    assert "200 coins" in shown.out
    assert "app/7" in shown.out
    assert call("limits", "--day", "much").code == 2
    # A bare number is in what the account pays in.
    document = call("limits", "--order", "20", "--day", "none", "--json").document
    assert document["limits"] == {"order": "20 coins", "allow/app/7": "30 coins, 1 USD"}


@pytest.mark.parametrize("name", ["nonsense", "app/", "app/x", "model/", "model/x y", "modell/a/b"])
def test_a_sum_for_no_program_is_refused(call: Call, name: str) -> None:
    assert call("limits", "--allow", f"{name}=2 coins").code == 2
    assert call("limits", "--json").document["limits"] == {}


def test_a_sum_is_stored_for_a_program_as_its_orders_name_it(call: Call) -> None:
    model = "rhart-image-n-pro/text-to-image"
    named = (
        "app/https://www.runninghub.ai/ai-detail/7",
        "8",
        f"model/{model}",
        "graph/0a",
        "model/a/b",
    )
    for name in named:
        ran = call("limits", "--allow", f"{name}=2 coins")
        assert ran.code == 0, ran.err
    assert "does not know a/b" in ran.err  # such a model can be ordered
    stored = call("limits", "--json").document["limits"]
    assert {*stored} == {f"allow/{name}" for name in ("app/7", *named[1:])}
    for name in named:
        call("limits", "--allow", f"{name}=none")
    assert call("limits", "--json").document["limits"] == {}


def test_limits_of_the_environment_are_listed_by_their_variable(call: Call) -> None:
    variables = {"RUNNINGHUB_MAX_COST_DAY": "5 coins, 1 USD", "RUNNINGHUB_MAX_COST_ORDER": "2"}
    shown = call("limits", **variables)
    assert "  day    5 coins, 1 USD (RUNNINGHUB_MAX_COST_DAY)" in shown.out.splitlines()
    assert "  order  2 (RUNNINGHUB_MAX_COST_ORDER)" in shown.out.splitlines()
    call("limits", "--day", "9 coins")
    document = call("limits", "--json", **variables).document
    assert (document["limits"], document["environment"]) == ({"day": "9 coins"}, variables)
    assert "No limit is set." not in call("limits", **variables).out


def test_a_variable_that_holds_no_sum_is_named(call: Call, emulator: Emulator) -> None:
    ran = call("run", catalog.TEXT_OUT, RUNNINGHUB_MAX_COST_DAY="fifty")
    assert ran.code == 2
    assert 'Environment variable RUNNINGHUB_MAX_COST_DAY: "fifty" is not a sum' in ran.err
    assert emulator.counters.total == 0


def test_a_limit_that_is_stored_holds_for_every_command(call: Call, tmp_path: Path) -> None:
    call("limits", "--order", "1 coins")
    ran = call("run", catalog.TEXT_OUT, "--out", str(tmp_path), "--max-cost", "100 coins")
    assert ran.code == 2
    assert "RunningHub: Costs; on the command line: limits." in ran.err


LOOKS = (("limits",), ("task", "--list"), ("history",), ("spend",))


def test_an_older_copy_hides_neither_limits_nor_orders_of_a_newer_one(
    call: Call, emulator: Emulator, tmp_path: Path
) -> None:
    call("limits", "--day", "1 coins")
    paint = ("run", catalog.TEXT_OUT, "--out", str(tmp_path))
    # The newer one, such as a ComfyUI, has it open.
    with closing(sqlite3.connect(tmp_path / "state" / "orders.sqlite3")) as newer:
        (version,) = newer.execute("PRAGMA user_version").fetchone()
        newer.execute("PRAGMA user_version = 1000")
        for argv in (*LOOKS, paint, (*paint, "--again"), ("limits", "--day", "none")):
            ran = call(*argv)
            assert (ran.code, ran.out) == (2, "")
            assert "orders.sqlite3 was written by a newer version" in ran.err
        newer.execute(f"PRAGMA user_version = {version}")
    assert "1 coin" in call("limits").out
    assert not list((tmp_path / "state").glob("orders.*-1.*"))
    assert emulator.counters.orders == 0


def test_what_went_with_a_damaged_journal_is_told_each_time(call: Call, tmp_path: Path) -> None:
    call("limits", "--day", "1 coins")
    (tmp_path / "state" / "orders.sqlite3").write_bytes(b"no journal")
    for argv in (*LOOKS, *LOOKS):
        ran = call(*argv)
        assert ran.code == 0
        (line,) = ran.err.splitlines()
        assert "orders.damaged-1.sqlite3. Its orders are not known here" in line
    (tmp_path / "state" / "orders.damaged-1.sqlite3").unlink()
    assert [call(*argv).err for argv in LOOKS] == [""] * len(LOOKS)


def test_a_refusal_behind_the_upload_does_not_say_that_nothing_was_uploaded(
    call: Call, emulator: Emulator, photo: Path, tmp_path: Path
) -> None:
    """What a model's order costs is asked with the addresses of its files."""
    emulator.account.kind = "SHARED"
    ran = call(
        *("model", "rhart-image-n-pro/edit", "--set", "prompt=a cat", "--max-cost", "1 CNY"),
        *("--set", f"imageUrls=@{photo}", "--out", str(tmp_path)),
    )
    assert ran.code == 2
    assert len(emulator.uploads) == 1
    assert "Nothing was ordered. The highest cost of" in ran.err, ran.err
    assert emulator.counters.orders == 0
