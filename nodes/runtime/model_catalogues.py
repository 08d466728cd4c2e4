"""The catalogue of standard models for a profile's site; reading it needs no key."""

from __future__ import annotations

from ...rh_api.errors import NoKey, RunningHubError
from ...rh_api.models.catalogue import Catalogue
from ...rh_api.models.live_catalogue import ModelCatalogue
from ...rh_api.models.tasks import GROUPS
from ...rh_api.settings import Settings
from . import config

_named: tuple[Catalogue, dict[str, list[str]]] | None = None


def settings(profile: str = "") -> Settings:
    """Return a profile's settings; for "" without a key, those of the environment's site."""
    try:
        return config.settings(profile)
    except NoKey:
        if profile.strip():
            raise
        return config.without_key()


def catalogue(profile: str = "") -> ModelCatalogue:
    """Return the local catalogue, without a request. Raises BadInput for an unknown profile."""
    return ModelCatalogue(settings(profile))


def names(node_id: str) -> list[str]:
    """Return the names, English and Chinese, of models of a node's tasks; [] for other nodes."""
    global _named
    if node_id not in GROUPS:
        return []
    try:
        listing = catalogue().catalogue
    except RunningHubError:
        return []  # a run reports what is wrong with the account
    if _named is None or _named[0] is not listing:
        _named = listing, _by_node(listing)
    return _named[1][node_id]


def _by_node(listing: Catalogue) -> dict[str, list[str]]:
    nodes = {task: node_id for node_id, tasks in GROUPS.items() for task in tasks}
    by_node: dict[str, dict[str, None]] = {node_id: {} for node_id in GROUPS}
    for model in listing.models.values():
        if model.is_usable and model.task in nodes:
            names = dict.fromkeys(name for name in (model.name, model.name_zh) if name)
            by_node[nodes[model.task]].update(names)
    return {node_id: [*names] for node_id, names in by_node.items()}
