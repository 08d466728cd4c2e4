"""Uploads: media and LoRA files on their way to the service, each content once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .run.progress import Progress, Stage, Watch, unwatched
from .run.transfers import LazySource, Source, Transfers, together
from .wire.uploads import Uploaded


@dataclass(frozen=True, slots=True)
class Uploads:
    """Uploads of one account. What is refused costs nothing."""

    transfers: Transfers

    async def send(
        self, source: Source, watch: Watch = unwatched, *, lasts: float = 0.0
    ) -> Uploaded:
        """Upload media, unless a remote copy is known that is valid for `lasts` seconds more."""
        sha256 = await self.transfers.content_hash(source)
        if lasts and await self.transfers.journal.upload(sha256, lasts) is None:
            await self.transfers.forget([sha256])
        return await self.transfers.upload(source, sha256, watch)

    async def is_known(self, source: Source) -> bool:
        """Whether a valid remote copy of media is known; asks nobody."""
        sha256 = await self.transfers.content_hash(source)
        return await self.transfers.copy_of(sha256) is not None

    async def remote_copy(self, sha256: str) -> Uploaded | None:
        """A content that the service still has; asks nobody."""
        return await self.transfers.copy_of(sha256)

    async def file_here(self, algorithm: str, hexdigest: str) -> Path | None:
        """A file of this machine that an order was given and that has not changed since.

        `algorithm`: "sha256" of media, "md5" of a LoRA.
        """
        return await self.transfers.file_here(algorithm, hexdigest)

    async def send_all(
        self,
        sources: Sequence[Source | LazySource],
        watch: Watch = unwatched,
        *,
        lasts: float = 0.0,
    ) -> list[Uploaded]:
        """Upload several, each while files of later ones are still made; in their order.

        `lasts`: as of `send`.
        """
        shares = [0.0] * len(sources)

        async def send_one(index: int, source: Source | LazySource) -> Uploaded:
            def show(news: Progress) -> None:
                shares[index] = news.fraction or 0.0
                share = sum(shares) / len(shares)
                watch(Progress(Stage.UPLOADING, share, {"percent": int(100 * share)}))

            ready = await source.source() if isinstance(source, LazySource) else source
            return await self.send(ready, show, lasts=lasts)

        return await together([send_one(index, source) for index, source in enumerate(sources)])

    async def send_lora(self, path: Path, watch: Watch = unwatched) -> str:
        """Upload a LoRA file, unless the service knows its md5; gives RHLoraLoader's name."""
        return await self.transfers.upload_lora(path, watch)
