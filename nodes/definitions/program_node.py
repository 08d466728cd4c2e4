"""Base class of the nodes that run a program of the site."""

from __future__ import annotations

from typing import Any, ClassVar

from comfy_api.latest import io

from .deferred import runs


class ProgramNode(io.ComfyNode):
    """Not listed as a node itself: ComfyUI would keep the flags of a listed one for subclasses."""

    NAMED: ClassVar[str]
    """The name of the input that says what to run."""

    @classmethod
    async def validate_inputs(cls, **inputs: Any) -> bool:
        await runs().program_run.validate(cls.NAMED, inputs)
        return True

    @classmethod
    async def fingerprint_inputs(cls, **inputs: Any) -> str:
        return await runs().program_run.fingerprint(cls.NAMED, inputs)

    @classmethod
    async def execute(cls, **inputs: Any) -> io.NodeOutput:
        return await runs().program_run.execute(cls.NAMED, inputs)
