"""Pages are read as YAML 1.2, and nothing in one can do more than be refused."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rh_api.errors import CatalogueRefused
from rh_api.models.yaml import NotYaml, read_yaml, reader


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: 1", {"a": 1}),
        ("a:\n  b: x\n  c:\n    - 1\n    - 2.5\nd: ~", {"a": {"b": "x", "c": [1, 2.5]}, "d": None}),
        ("a:\n- 1\n- b: 2\n  c: 3\n-\n  - x", {"a": [1, {"b": 2, "c": 3}, ["x"]]}),
        ("- - 1\n  - 2\n- k: v", [[1, 2], {"k": "v"}]),
        (
            "enum:\n  - 16:9\n  - 1:1\n  - '5'\n  - on\n  - 010",
            {"enum": ["16:9", "1:1", "5", "on", 10]},
        ),
        ("a: true\nb: False\nc: null\nd: 'true'", {"a": True, "b": False, "c": None, "d": "true"}),
        (
            "a: []\nb: {}\nc: [x, 'y', 3]\nd: [\"a\", 1]",
            {"a": [], "b": {}, "c": ["x", "y", 3], "d": ["a", 1]},
        ),
        ("a: >-\n  one\n  two\n\n  three\nb: 1", {"a": "one two\nthree", "b": 1}),
        ("a: |\n  one\n    two\n\n  three\n", {"a": "one\n  two\n\nthree\n"}),
        ("a: |-\n\n  one\nb: >\n  x\n", {"a": "\none", "b": "x\n"}),
        ("a: 'it''s'\nb: \"tab\\t\\u53ef\\x41\"", {"a": "it's", "b": "tab\t可A"}),
        ("a: 'one\n  two\n\n  three'", {"a": "one two\nthree"}),
        ("a: one\n  two # told\nb: 2 # two", {"a": "one two", "b": 2}),
        (
            "a: 'one''s\n  two\n\n\n  ''three''' # told",
            {"a": "one's two\n\n'three'"},
        ),
        ('a: "one\n  \\"two\\"" # told', {"a": 'one "two"'}),
        (
            "# first\n'200':\n  description: ''\n$ref: '#/x'",
            {"200": {"description": ""}, "$ref": "#/x"},
        ),
        ("/openapi/v2/a/b:\n  post: {}", {"/openapi/v2/a/b": {"post": {}}}),
        ("a: &one\n  - 1\nb: *one\nc: &two x\nd: *two", {"a": [1], "b": [1], "c": "x", "d": "x"}),
        ("a:\nb: 1", {"a": None, "b": 1}),
        ("a: 1.5e3\nb: -.5\nc: 1.2.3", {"a": 1500.0, "b": -0.5, "c": "1.2.3"}),
        ("url: https://a.example/b?c=d", {"url": "https://a.example/b?c=d"}),
    ],
)
def test_what_a_text_says(text: str, value: object) -> None:
    assert read_yaml(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "a: *a",
        "a: !!python/object:os.system x",
        "a: 'open",
        'a: "open',
        "a:\n\t- 1",
        "? [1, 2]\n: x",
        "a: 1\n b: 2\nc",
        "y: 1\n- z",
        "a: @x",
        "- " * 5000 + "x",
    ],
    ids=range(10),
)
def test_what_is_not_read(text: str) -> None:
    with pytest.raises(NotYaml):
        read_yaml(text)


# A writer of JSON escapes the others as two halves, which YAML does not join.
LETTERS = st.characters(max_codepoint=0xFFFF, exclude_categories=("Cs",))
SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(LETTERS, max_size=12)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.from_regex(r"[a-z$/][a-z0-9/]{0,8}", fullmatch=True), inner, max_size=3
        )
    ),
    max_leaves=12,
)


def written(value: object, indent: int = 0) -> str:
    """A tree as the documentation's own writer prints it: blocks, and quoted texts."""
    pad = " " * indent
    if isinstance(value, dict) and value:
        return "".join(f"\n{pad}{key}:{written(node, indent + 2)}" for key, node in value.items())
    if isinstance(value, list) and value:
        return "".join(f"\n{pad}-{written(node, indent + 2)}" for node in value)
    return f" {json.dumps(value)}"


@given(TREES)
def test_what_is_written_is_read(tree: object) -> None:
    assert read_yaml(written(tree).lstrip()) == tree


@given(st.text(st.sampled_from("ab:-#'\"|>&*[]{} \n\t1,!"), max_size=60))
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    try:
        read_yaml(text)
    except NotYaml:
        pass


def test_without_pyyaml_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    reader.cache_clear()
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(CatalogueRefused, match="PyYAML, which ComfyUI brings"):
        read_yaml("a: 1")
