"""Results on this machine are kept within bounds: old ones go, those of today stay."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

RESULTS = "results"  # below the store's folder: a folder an order, named by its row
MOST_BYTES = 8 * 1024**3  # about a hundred videos or four thousand pictures
YOUNG_SECONDS = 3600.0  # what is younger may still be on its way to somebody
PART_SECONDS = 86_400.0  # a transfer is taken up only while the service keeps the result


def tidy(folder: Path, forgotten: Iterable[str], most: int = MOST_BYTES) -> None:
    """Delete the files of forgotten orders, then whole orders, oldest first, down to `most` bytes.

    `forgotten`: paths relative to `folder`, as `Store.prune` gives them. Half files of transfers
    that nobody can take up any more go too. What is younger than an hour stays. A file that
    cannot be deleted is left for the next time.
    """
    for name in forgotten:
        (folder / name).unlink(missing_ok=True)
    for part in (folder / RESULTS).glob("*/*.part*"):
        if part.stat().st_mtime < time.time() - PART_SECONDS:
            part.unlink(missing_ok=True)
    orders = [_Kept(path) for path in _folders(folder / RESULTS)]
    total = sum(order.size for order in orders)
    young = time.time() - YOUNG_SECONDS
    for order in sorted(orders, key=lambda order: order.at):
        if order.at > young or (order.size and total <= most):
            continue
        shutil.rmtree(order.path, ignore_errors=True)
        total -= order.size


def kept_bytes(folder: Path) -> int:
    """What the results on this machine take."""
    return sum(_Kept(path).size for path in _folders(folder / RESULTS))


def kept_folders(folder: Path) -> list[str]:
    """The names of the folders of results, one an order."""
    return [path.name for path in _folders(folder / RESULTS)]


def empty(folder: Path, names: Iterable[str]) -> None:
    """Delete folders of results. A file that cannot be deleted is left."""
    for name in names:
        shutil.rmtree(folder / RESULTS / name, ignore_errors=True)


class _Kept:
    """One order's folder: its size in bytes and when it was last written to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        about = [file.stat() for file in path.rglob("*") if file.is_file()]
        self.size = sum(one.st_size for one in about)
        self.at = max((one.st_mtime for one in about), default=path.stat().st_mtime)


def _folders(results: Path) -> list[Path]:
    try:
        return [path for path in results.iterdir() if path.is_dir()]
    except OSError:
        return []
