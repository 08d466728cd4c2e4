"""Every word of the nodes has its translation, and every node its help."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Formatter
from types import FrameType, ModuleType
from typing import Any

import pytest

from rh_api.texts import ENGLISH

ROOT = Path(__file__).parents[3]


def words(language: str) -> dict[str, Any]:
    return json.loads((ROOT / "locales" / language / "nodeDefs.json").read_text("utf-8"))


def keys(tree: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from keys(value, f"{path}{name}/")
        else:
            yield f"{path}{name}"


def test_chinese_has_every_key_that_english_has() -> None:
    assert set(keys(words("en"))) == set(keys(words("zh")))


def test_every_node_has_its_help_in_both_languages() -> None:
    for node_id in words("en"):
        pages = [ROOT / "web/docs" / node_id / f"{language}.md" for language in ("en", "zh")]
        assert [page.name for page in pages if page.is_file()] == ["en.md", "zh.md"], node_id


def sentences(language: str, part: str) -> dict[str, str]:
    """Sentences of the pack by key, as `main.json` has them."""
    path = ROOT / "locales" / language / "main.json"
    main = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return flat(main.get("runninghub", {}).get(part, {}))


def flat(tree: dict[str, Any], path: str = "") -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in tree.items():
        texts |= flat(value, f"{path}{name}.") if isinstance(value, dict) else {path + name: value}
    return texts


def blanks(sentence: str) -> set[str]:
    """What is filled in; how it is written (`{value!r}`) may differ."""
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("part", ["texts", "canvas"])
def test_every_sentence_is_there_in_chinese_with_the_same_blanks(part: str) -> None:
    english = ENGLISH if part == "texts" else sentences("en", part)
    chinese = sentences("zh", part)
    assert sorted(english.keys() - chinese.keys()) == []
    assert sorted(chinese.keys() - english.keys()) == []
    differ = [key for key in english if blanks(english[key]) != blanks(chinese[key])]
    assert differ == []


def test_chinese_sentences_are_chinese() -> None:
    alike = [key for key, text in sentences("zh", "texts").items() if text == ENGLISH[key]]
    assert alike == []


def test_chinese_sentences_have_chinese_punctuation() -> None:
    """But for what quotes ComfyUI's own page, and the first sign of what a blank brings."""
    half = re.compile(r"[\u4e00-\u9fff][,;:?!()]|[,;:?!()][\u4e00-\u9fff]| “|” ")
    front_end = re.compile(r"运行 \((?:更改时|实时)\)")
    every = {**sentences("zh", "texts"), **sentences("zh", "canvas"), **flat(words("zh"))}
    wrong = {key: text for key, text in every.items() if half.search(front_end.sub("", text))}
    assert wrong == {}


CALL = r'(?<![\w.])%s\(\s*"([\w.]+)"'
PART = re.compile(r'(\w+) = textsOf\("([\w.]+)"\)')


def test_the_canvas_has_a_sentence_for_each_key_that_it_names() -> None:
    gone: list[str] = []
    count = 0
    for path in (ROOT / "web" / "js").rglob("*.*js"):
        source = path.read_text("utf-8")
        parts = {name: f"{part}." for name, part in PART.findall(source)}
        for name, part in ({"t": ""} | parts).items():
            keys = [part + key for key in re.findall(CALL % name, source)]
            count += len(keys)
            gone += [key for key in keys if key not in sentences("en", "canvas")]
    assert count > 100
    assert gone == []


def test_the_language_of_the_browser_is_spoken(pack: Callable[[str], ModuleType]) -> None:
    language, errors = pack("nodes.language"), pack("rh_api.errors")
    error = errors.BatchFailed.of(
        {1: errors.QueueFull(code=421, remote="full"), 2: errors.NoOutput(task_id="7")}, 3
    )
    language.speak("zh-CN")
    try:
        sentence = language.describe(error)
        assert language.say("progress.queued", {}) == "排队中"
        assert language.say("no.such.key", {}) == "no.such.key"
    finally:
        language.speak("en")
    assert "2 项失败" in sentence
    assert "错误码 421" in sentence
    assert "任务 7" in sentence
    assert not re.search("[。）] | （", sentence)  # noqa: RUF001
    assert "failed" not in sentence
    assert "2 of 3 items failed" in language.describe(error)
    for unknown in ("fr", "", "../../etc", "en-GB"):
        language.speak(unknown)
        assert language.say("progress.queued", {}) == "queued"


def test_sums_and_places_in_a_sentence_speak_its_language(
    pack: Callable[[str], ModuleType],
) -> None:
    language, texts = pack("nodes.language"), pack("rh_api.texts")
    bounds, limits = pack("rh_api.run.cost_bounds"), pack("rh_api.money.limits")
    where = texts.Words.of(lambda say: say("money.page", {}))
    error = bounds.refusal(limits.Reached("order", "coins", 1_000_000, 0, 2_000_000), where)
    language.speak("zh")
    try:
        sentence = language.describe(error)
    finally:
        language.speak("en")
    assert "2 RH币" in sentence
    assert "上限为 1 RH币" in sentence
    assert "费用" in sentence
    assert "coin" not in sentence
    assert "2 coins" in str(error)
    assert "RunningHub: Costs" in str(error)
    assert language.error_in_languages(error)["zh"] == sentence


def test_no_blank_parts_chinese_sums_from_chinese_words(
    pack: Callable[[str], ModuleType],
) -> None:
    language, quotes = pack("nodes.language"), pack("rh_api.money.quotes")
    bounds, limits = pack("rh_api.run.cost_bounds"), pack("rh_api.money.limits")
    where = pack("rh_api.texts").Words.of(lambda say: say("money.page", {}))
    at_least = quotes.fixed("CNY", 1_000_000, quotes.QuoteSource.PREVIEW, is_from=True)
    limit = limits.Limits(day={"CNY": 1_000_000, "coins": 1_000_000})
    language.speak("zh")
    try:
        told = [
            quotes.total([at_least, at_least], language.say),
            at_least.describe(language.say),
            *(
                language.describe(bounds.refusal(limits.Reached(scope, "CNY", 2, 1, 3), where))
                for scope in ("order", "prompt", "day")
            ),
            language.describe(bounds.unbounded("app/1", limit)),
            language.describe(bounds.unbounded("app/1", limit, "error.cost_rate_unknown")),
            str(bounds.named_units(["coins", "CNY"]).tell(language.say)),
        ]
    finally:
        language.speak("en")
    assert [text for text in told if re.search("[\u4e00-\u9fff] [\u4e00-\u9fff]", text)] == []
    assert told[-1] == "RH币、元"


def test_the_texts_of_a_language_are_read_once(pack: Callable[[str], ModuleType]) -> None:
    language = pack("nodes.language")
    first = language.in_languages([("node.uploaded", {"count": 1})])
    opened: list[str] = []

    def note(frame: FrameType, event: str, about: Any) -> None:
        if event == "c_call" and about.__name__ == "open":
            opened.append(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        again = language.in_languages([("node.uploaded", {"count": 1})])
    finally:
        sys.setprofile(before)
    assert (again, opened) == (first, [])


def test_an_error_within_an_error_speaks_the_same_language(
    pack: Callable[[str], ModuleType],
) -> None:
    language, errors = pack("nodes.language"), pack("rh_api.errors")
    inner = errors.Unreachable(host="x.example", reason="refused")
    outer = errors.ResultUnavailable(reason=inner)
    language.speak("zh")
    try:
        assert "无法连接 x.example" in language.describe(outer)
        assert "。。" not in language.describe(outer)
    finally:
        language.speak("en")
    assert "could not be fetched: RunningHub at x.example cannot be reached" in str(outer)
