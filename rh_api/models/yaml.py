"""Reads YAML 1.2 with PyYAML, which ComfyUI brings.

PyYAML by itself reads YAML 1.1, where the aspect ratio `16:9` is the number 969, `on` is true, and
`010` is 8.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from typing import Any

from ..errors import CatalogueRefused

_SCALARS = {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]{1,30}",
    "float": r"[-+]?(?:\.[0-9]{1,30}|[0-9]{1,30}(?:\.[0-9]{0,30})?)(?:[eE][-+]?[0-9]{1,3})?",
}
"""What is no text: of YAML 1.2.2, 10.3.2, the part that JSON has too."""


class NotYaml(ValueError):
    """The text is no YAML, or nested too deeply."""


@lru_cache(maxsize=1)
def reader() -> tuple[Any, Any]:
    """PyYAML and a loader of YAML 1.2. Raises CatalogueRefused where PyYAML is missing."""
    try:
        yaml: Any = import_module("yaml")
    except ImportError:
        raise CatalogueRefused("error.catalogue_no_yaml") from None

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012

    for name, pattern in _SCALARS.items():
        tag = f"tag:yaml.org,2002:{name}"
        Loader.add_implicit_resolver(tag, re.compile(rf"(?:{pattern})\Z"), None)
    Loader.add_constructor("tag:yaml.org,2002:int", _decimal)
    return yaml, Loader


def _decimal(_: Any, node: Any) -> int:
    return int(node.value)


def read_yaml(text: str) -> object:
    """Parse a text to mappings, lists and scalars. Raises NotYaml, or CatalogueRefused as above."""
    yaml, loader = reader()
    try:
        return loader(text).get_single_data()
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise NotYaml(str(error).partition("\n")[0]) from error
