"""Uploads of media and LoRA files, deduplicated by content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..run.progress import Progress, Stage, Watch, unwatched
from ..run.transfers import LazySource, Source, Transfers, gather_or_cancel
from ..wire.uploads import Uploaded


@dataclass(frozen=True, slots=True)
class Uploads:
    """Uploads of one account. Refusals cost nothing."""

    transfers: Transfers

    async def send(
        self, source: Source, watch: Watch = unwatched, *, lasts: float = 0.0
    ) -> Uploaded:
        """Upload media, unless a known remote copy stays valid for at least `lasts` seconds."""
        sha256 = await self.transfers.content_hash(source)
        if lasts and await self.transfers.copy_of(sha256, lasts) is None:
            await self.transfers.forget([sha256])
        return await self.transfers.upload(source, sha256, watch)

    async def is_known(self, source: Source) -> bool:
        """Return whether a valid remote copy is known; no request."""
        sha256 = await self.transfers.content_hash(source)
        return await self.transfers.copy_of(sha256) is not None

    async def remote_copy(self, sha256: str) -> Uploaded | None:
        """Return the remote copy of a content if still valid; no request."""
        return await self.transfers.copy_of(sha256)

    async def fetch(self, uploaded: Uploaded, into: Path) -> Path:
        """Download a remote copy to the file `into` plus a suffix.

        Raises ResultUnavailable, DiskFull, and BadInput without an allowed URL.
        """
        return (await self.transfers.download(uploaded.url, into, "")).path

    async def local_file(self, algorithm: str, hexdigest: str) -> Path | None:
        """Return a local file that an earlier order used and that is unchanged since.

        `algorithm`: "sha256" for media, "md5" for a LoRA.
        """
        return await self.transfers.local_file(algorithm, hexdigest)

    async def send_all(
        self,
        sources: Sequence[Source | LazySource],
        watch: Watch = unwatched,
        *,
        lasts: float = 0.0,
    ) -> list[Uploaded]:
        """Upload several, each while later files are still being made; results in input order.

        `lasts`: as for `send`.
        """
        shares = [0.0] * len(sources)

        async def send_one(index: int, source: Source | LazySource) -> Uploaded:
            def show(news: Progress) -> None:
                shares[index] = news.fraction or 0.0
                share = sum(shares) / len(shares)
                watch(Progress(Stage.UPLOADING, share, {"percent": int(100 * share)}))

            ready = await source.source() if isinstance(source, LazySource) else source
            return await self.send(ready, show, lasts=lasts)

        return await gather_or_cancel(
            [send_one(index, source) for index, source in enumerate(sources)]
        )

    async def send_lora(self, path: Path, watch: Watch = unwatched) -> str:
        """Upload a LoRA unless the service knows its md5; returns RHLoraLoader's name for it."""
        return await self.transfers.upload_lora(path, watch)
