"""Names and paths as Windows reads them, whatever they are made of; none of it needs a Windows."""

from __future__ import annotations

import ntpath
import posixpath
import re
import tempfile
from itertools import product
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rh_api.cli.files import save
from rh_api.cli.input_folders import InputFolders
from rh_api.client import Client, Result
from rh_api.emulator import Emulator
from rh_api.offload.driver.cloud_models import is_same_model
from tests.support.jobs import paint
from tests.support.pictures import plain_png
from tests.support.service import results_are

PIECES = (
    *("..", ".", "\\", "/", "C:", ":", "CON", "nul", "COM1", "aux.", " ", "\0", "%5c", "%2f", "*"),
    *(
        '"',
        "<",
        "|",
        "?",
        "~",
        "$DATA",
        "png",
        "x",
        "\N{CJK UNIFIED IDEOGRAPH-56FE}",
        "\r\n",
        "\u202e",
    ),
)
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
texts = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
words = st.text("abcXYZ019 _-", min_size=1, max_size=8).filter(lambda word: word.strip() == word)


def is_plain(name: str) -> bool:
    """Whether Windows takes it for a file's name and for nothing else."""
    return (
        name == ntpath.basename(name)
        and ntpath.splitdrive(name)[0] == ""
        and not RESERVED.fullmatch(name)
        and not re.search(r'[<>:"/\\|?*\x00-\x1f]|[. ]$', name)
    )


@pytest.mark.parametrize(
    "name", ["CON", "nul.png", "a:b", "x.", "x ", "..", "a\\b", "C:x", "a\nb", "COM1.txt"]
)
def test_what_is_no_plain_name_is_known(name: str) -> None:
    assert not is_plain(name)


@given(node_id=texts, prefix=words)
@settings(max_examples=20, deadline=None)
def test_what_the_command_line_saves_has_a_plain_name(node_id: str, prefix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        texts_made = [Result(node_id, f"{number}", None, None, text="x") for number in range(2)]
        saved = save(texts_made, [node_id], Path(folder), prefix)
        names = sorted(path.name for path in Path(folder).rglob("*"))
    assert names == sorted(file.path.name for file in saved)
    assert len(names) == 2
    assert all(is_plain(name) for name in names)


async def test_a_result_has_a_plain_name_whatever_its_address_says(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.append(results_are(plain_png()))
    chance = Random(7)
    for number in range(8):
        emulator.result_name = "".join(chance.choices(PIECES, k=chance.randint(1, 6)))
        (result,) = (await client.run(paint(f"name {number}"))).results
        assert result.path is not None
        assert is_plain(result.path.name)


@given(parts=st.lists(words, min_size=1, max_size=3))
@settings(max_examples=20, deadline=None)
def test_a_folder_of_models_is_the_same_in_both_spellings(parts: list[str]) -> None:
    here, there = ntpath.join(*parts), posixpath.join(*parts)
    assert is_same_model(here, there)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, *parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        folders = InputFolders(Path(folder), None)
        assert folders.lora(here) == folders.lora(there) == path.resolve()


def test_no_spelling_leads_out_of_a_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    (inside / "a").mkdir(parents=True)
    for place in (tmp_path / "x", inside / "a" / "x"):
        place.write_bytes(b"x")
    folders = InputFolders(inside, None)
    steps = ("..", "a", "inside", "C:", "", ".")
    ways = (way for length in range(1, 4) for way in product(steps, repeat=length))
    led = {folders.lora(separator.join([*way, "x"])) for way in ways for separator in "\\/"}
    assert led == {None, (inside / "a" / "x").resolve()}
