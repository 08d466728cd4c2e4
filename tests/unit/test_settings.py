"""Settings are read once, refused early, and show no secret."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rh_api.errors import BadInput, NoKey
from rh_api.settings import (
    DEFAULT_ORIGIN,
    Secret,
    Settings,
    read_key,
    read_origin,
)
from rh_api.system.state_folders import (
    JOURNAL,
    REGISTERED,
    choose_state_folder,
    default_state_folder,
    find_state_folder,
    register_state_folder,
)
from tests.support.users import become_unknown_user

KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(("text", "word"), [("", ""), (" Strict ", "strict"), ("warn", "warn")])
def test_what_is_done_about_unlisted_models_is_a_word(text: str, word: str) -> None:
    assert Settings.from_mapping({"RUNNINGHUB_MODELS": text, "HOME": "home"}).models == word


@pytest.mark.parametrize(("text", "word"), [("", ""), (" Native ", "native"), ("auto", "auto")])
def test_the_route_of_graphs_is_a_word(text: str, word: str) -> None:
    assert Settings.from_mapping({"RUNNINGHUB_ROUTE": text, "HOME": "home"}).route == word


def test_a_misspelt_route_is_none() -> None:
    with pytest.raises(BadInput, match="nativ"):
        Settings.from_mapping({"RUNNINGHUB_ROUTE": "nativ", "HOME": "home"})


def test_a_misspelt_strict_does_not_count_as_its_opposite() -> None:
    with pytest.raises(BadInput, match="stirct"):
        Settings.from_mapping({"RUNNINGHUB_MODELS": "stirct", "HOME": "home"})


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://www.runninghub.ai", "https://www.runninghub.ai"),
        ("https://www.RunningHub.cn/", "https://www.runninghub.cn"),
        ("https://www.runninghub.ai:443", "https://www.runninghub.ai"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://127.0.0.1:08188", "http://127.0.0.1:8188"),
        ("http://127.0.0.1:443", "http://127.0.0.1:443"),
        ("http://[::1]:8188", "http://[::1]:8188"),
        ("http://localhost:65535", "http://localhost:65535"),
    ],
)
def test_an_origin_has_one_spelling(text: str, origin: str):
    assert read_origin(text) == origin
    assert read_origin(origin) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "www.runninghub.ai",
        "ftp://www.runninghub.ai",
        "https://www.runninghub.ai/workflow",
        "https://www.runninghub.ai?x=1",
        "https://me:secret@www.runninghub.ai",
        "https://www.runninghub.ai:0",
        "https://www.runninghub.ai:65536",
        "https://www.runninghub.ai\n",
        "https://www.runninghub.ai evil",
        "https://[::::]",
        "https://[1.2.3.4]",
        "http://127.0.0.1:٣",
        "https://",
        "https://[",
    ],
)
def test_what_is_no_origin_is_refused(text: str):
    with pytest.raises(BadInput):
        read_origin(text)


PIECES = (
    st.text("abc0189.", max_size=2)
    | st.text("htps:/.[]@0123456789abcf?# ", max_size=2)
    | st.text(st.characters())
)


@st.composite
def nearly(draw: st.DrawFn, good: Sequence[str]) -> str:
    """One of the texts, with something else in up to two places."""
    text = draw(st.sampled_from(good))
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(start + 2, len(text))))
        piece = draw(PIECES)
        text = text[:start] + piece + text[end:]
    return text


ORIGINS = [
    "https://www.runninghub.cn",
    "HTTP://Localhost:8700/",
    "http://127.0.0.1:80",
    "https://[::1]:65535",
    "http://[2001:db8::a]",
]


@settings(deadline=None)
@given(nearly(ORIGINS))
@example("http://[v1.a]")
def test_any_text_is_an_origin_or_refused(text: str):
    try:
        origin = read_origin(text)
    except BadInput:
        return
    else:
        assert read_origin(origin) == origin
        assert Settings(origin, Secret(""), Path()).host


@settings(deadline=None)
@given(nearly([KEY, f" {KEY}\n", f"Bearer {KEY}"]))
def test_any_text_is_a_key_or_refused_without_being_shown(text: str):
    try:
        key = read_key(text)
    except BadInput as error:
        shown = str(error) + repr(error.params)
    else:
        assert not key or len(key.reveal()) == 32
        return
    assert len(text.strip()) < 5 or text.strip() not in shown


@pytest.mark.parametrize("text", [KEY, f" {KEY}\n", f"Bearer {KEY}", f"  Bearer   {KEY} "])
def test_a_pasted_key_is_cleaned(text: str):
    assert read_key(text).reveal() == KEY


@pytest.mark.parametrize("text", [KEY[:-1], KEY + "0", KEY[:-1] + "é", KEY[:-1] + "\n0", "x y"])
def test_what_cannot_be_a_key_is_refused_without_quoting_it(text: str):
    with pytest.raises(BadInput) as caught:
        read_key(text)
    assert text not in str(caught.value) + repr(caught.value.params)


def test_nothing_set_is_the_international_site_without_a_key():
    settings = Settings.from_mapping({}, Path("state"))
    assert (settings.origin, settings.state) == (DEFAULT_ORIGIN, Path("state"))
    assert settings.is_official
    with pytest.raises(NoKey):
        settings.require_key()


@pytest.mark.parametrize(
    "origin",
    [
        "http://runninghub.ai",
        "http://www.runninghub.cn:443",
        "http://192.0.2.2:18777",  # for documentation, which `is_private` means as well
        "http://8.8.8.8",
        "http://100.64.0.1",
        "http://[2606:4700::1111]",
        "http://[::ffff:8.8.8.8]",
        "http://3221225986",  # another spelling of an address
        "http://0xc0000202",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://evil.example",
        "http://evillocal.com",
        "http://runninghub.",
    ],
)
def test_a_key_goes_over_no_line_that_others_read(origin: str):
    values = {"RUNNINGHUB_BASE_URL": origin, "RUNNINGHUB_API_KEY": KEY}
    with pytest.raises(BadInput, match="Use https://") as caught:
        Settings.from_mapping(values).require_key()
    assert caught.value.params["origin"] == read_origin(origin)
    Settings.from_mapping({**values, "RUNNINGHUB_BASE_URL": "https" + origin[4:]}).require_key()


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.8.0.1", "[::1]", "0.0.0.0", "localhost", "emulator.localhost"),
        *("10.1.2.3", "172.31.0.1", "192.168.1.7", "169.254.3.4", "[fd00::7]", "[fe80::1]"),
        *("studio", "My-PC", "studio.local", "nas.lan", "host.docker.internal", "pi.home.arpa"),
        "service.test",
    ],
)
def test_an_emulator_nearby_needs_no_certificate(host: str):
    origin = f"http://{host}:8123"
    values = {"RUNNINGHUB_BASE_URL": origin, "RUNNINGHUB_API_KEY": KEY}
    Settings.from_mapping(values).require_key()


def test_a_state_folder_is_the_same_wherever_a_command_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    chosen = Settings.from_mapping({"RUNNINGHUB_STATE": "~/rh state"})
    assert chosen.state == tmp_path / "rh state"
    for relative in ("state", "./state", "~nobody-of-that-name/x"):
        with pytest.raises(BadInput) as refused:
            Settings.from_mapping({"RUNNINGHUB_STATE": relative})
        assert relative in str(refused.value)


def test_every_variable_of_the_contract_is_read():
    settings = Settings.from_mapping(
        {
            "RUNNINGHUB_API_KEY": KEY,
            "RUNNINGHUB_BASE_URL": "http://127.0.0.1:8123",
            "RUNNINGHUB_STATE": "/somewhere",
            "RUNNINGHUB_RESULT_HOSTS": "CDN.example.com, .files.example.org;x.example ",
            "RUNNINGHUB_ACCESS_PASSWORD": "open sesame",
        },
        Path("elsewhere"),
    )
    settings.require_key()
    assert settings.key.reveal() == KEY
    assert settings.origin == "http://127.0.0.1:8123"
    assert not settings.is_official
    assert settings.state == Path("/somewhere")
    assert settings.result_hosts == ("cdn.example.com", "files.example.org", "x.example")
    assert settings.access_password.reveal() == "open sesame"


@pytest.mark.parametrize(("text", "most"), [("", 0), ("2.5", 2_500_000_000), ("40", 40 * 10**9)])
def test_the_largest_result_is_set_in_gigabytes(text: str, most: int):
    settings = Settings.from_mapping({"RUNNINGHUB_MAX_RESULT_GB": text}, Path())
    assert settings.most_result_bytes == most


@pytest.mark.parametrize("text", ["0", "-1", "2 GB", "inf", "nan"])
def test_the_largest_result_is_a_number_above_zero(text: str):
    with pytest.raises(BadInput, match="RUNNINGHUB_MAX_RESULT_GB"):
        Settings.from_mapping({"RUNNINGHUB_MAX_RESULT_GB": text}, Path())


@pytest.mark.parametrize("first", ["", "  "])
def test_the_second_name_of_the_key_counts_when_the_first_is_blank(first: str):
    settings = Settings.from_mapping({"RUNNINGHUB_API_KEY": first, "RH_API_KEY": KEY}, Path())
    assert settings.key.reveal() == KEY


def test_no_secret_is_shown():
    settings = Settings("https://x", Secret(KEY), Path(), access_password=Secret("sesame"))
    for text in (repr(settings), str(settings.key), f"{settings.key}", repr([settings.key])):
        assert KEY not in text
        assert "sesame" not in text


def test_the_account_s_fingerprint_tells_keys_apart_and_is_not_the_key():
    account = Settings("https://x", Secret(KEY), Path()).account
    other = Settings("https://x", Secret(KEY[::-1]), Path()).account
    assert account != other
    assert account == Settings("https://y", Secret(KEY), Path("z")).account
    assert account not in KEY


def test_secrets_compare_by_their_text():
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_the_state_folder_is_below_the_person_s_own():
    folder = default_state_folder({"HOME": "/home/me", "USERPROFILE": "/home/me"})
    assert folder.name == "runninghub"
    assert Path("/home/me") in folder.parents


def test_a_user_without_a_home_has_a_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    become_unknown_user(monkeypatch)
    assert default_state_folder({}).root
    assert default_state_folder({"XDG_STATE_HOME": "/s", "LOCALAPPDATA": "/s"}).root


def test_settings_with_limits_can_be_told_apart_in_a_table(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    values = {**home, "RUNNINGHUB_MAX_COST_DAY": "5 CNY"}
    limited, plain = Settings.from_mapping(values), Settings.from_mapping(home)
    assert {limited: 1, plain: 2}[Settings.from_mapping(values)] == 1


def journal_in(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "orders.sqlite3").touch()
    return folder


def test_the_command_line_uses_the_journal_of_the_one_comfyui_that_there_is(tmp_path: Path):
    home = {name: str(tmp_path / "home") for name in ("HOME", "USERPROFILE", "LOCALAPPDATA")}
    own = default_state_folder(home)
    assert find_state_folder(home) == own
    comfyui = journal_in(tmp_path / "ComfyUI é")
    register_state_folder(comfyui, home)
    register_state_folder(comfyui, home)
    assert find_state_folder(home) == comfyui
    # One that is gone is none.
    register_state_folder(tmp_path / "gone", home)
    assert Settings.from_mapping(home).state == comfyui
    # What a power cut left of a note is mended; another file that names the same is no other.
    notes = own / REGISTERED
    for note in notes.iterdir():
        note.write_bytes(b"")
    register_state_folder(comfyui, home)
    assert Settings.from_mapping(home).state == comfyui
    (notes / "a.part").write_bytes(str(comfyui.resolve()).encode())
    assert Settings.from_mapping(home).state == comfyui


def test_of_several_journals_a_person_chooses(tmp_path: Path):
    home = {name: str(tmp_path / "home") for name in ("HOME", "USERPROFILE", "LOCALAPPDATA")}
    folders = [journal_in(tmp_path / name) for name in ("one", "other")]
    for folder in folders:
        register_state_folder(folder, home)
    with pytest.raises(BadInput) as caught:
        Settings.from_mapping(home)
    assert all(str(folder) in str(caught.value) for folder in folders)
    chosen = Settings.from_mapping({**home, "RUNNINGHUB_STATE": str(folders[0])})
    assert chosen.state == folders[0]
    choose_state_folder(folders[1], home)
    assert Settings.from_mapping(home).state == folders[1]
    # One that is gone is none.
    (folders[1] / JOURNAL).unlink()
    assert Settings.from_mapping(home).state == folders[0]


def test_where_the_environment_says_it_for_both_nothing_is_noted(tmp_path: Path):
    home = {name: str(tmp_path / "home") for name in ("HOME", "USERPROFILE", "LOCALAPPDATA")}
    register_state_folder(journal_in(tmp_path / "x"), {**home, "RUNNINGHUB_STATE": "/elsewhere"})
    assert find_state_folder(home) == default_state_folder(home)
