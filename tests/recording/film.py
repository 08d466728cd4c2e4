"""A film of a page: pictures of it with how long each is shown, written as an animated WebP."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

MOVE, STEPS = 50, 8  # ms a step of the pointer, and its steps from one place to the next
LIVE = 150  # ms that a picture of something that goes on by itself is shown

# Screenshots have no pointer, so the page draws one; a press is a ring around it.
POINTER = """() => {
    const pointer = document.createElement("div");
    pointer.style.cssText = "position:fixed;z-index:99999;pointer-events:none;left:0;top:0";
    pointer.innerHTML = `<svg width="44" height="44" viewBox="-22 -22 44 44">
        <circle r="16" fill="none" stroke="#ffb84c" stroke-width="3" visibility="hidden"/>
        <path d="M0 0v17l4-4 3 7 3-1-3-7h6z" fill="#fff" stroke="#000"/></svg>`;
    const ring = pointer.querySelector("circle");
    const show = (on) => ring.setAttribute("visibility", on ? "visible" : "hidden");
    // A dialog that is open lies above everything that is not inside of it or a popover.
    pointer.popover = "manual";
    pointer.style.cssText += ";margin:0;border:0;padding:0;background:none;overflow:visible";
    document.body.append(pointer);
    window.movePointer = (x, y, pressed) => {
        pointer.hidePopover();
        pointer.showPopover();
        pointer.style.left = `${x - 22}px`;
        pointer.style.top = `${y - 22}px`;
        show(pressed);
    };
}"""


class Film:
    """What a page shows; the pointer is where the last click was."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._pictures: list[Image.Image] = []
        self._times: list[int] = []
        self._at = (640.0, 460.0)
        page.evaluate(POINTER)
        self._point(*self._at)

    def hold(self, milliseconds: int) -> None:
        """What is there now is shown for so long."""
        picture = Image.open(io.BytesIO(self._page.screenshot())).convert("RGB")
        if self._pictures and picture.tobytes() == self._pictures[-1].tobytes():
            self._times[-1] += milliseconds
            return
        self._pictures.append(picture)
        self._times.append(milliseconds)

    def until(self, is_over: Callable[[], bool]) -> None:
        """Films what goes on by itself."""
        while not is_over():
            self.hold(LIVE)

    def go(self, x: float, y: float) -> None:
        """The pointer goes to a place of the page."""
        left, top = self._at
        for step in range(1, STEPS + 1):
            part = step / STEPS
            self._point(left + (x - left) * part, top + (y - top) * part)
            self.hold(MOVE)
        self._at = (x, y)

    def click(self, x: float, y: float) -> None:
        """With the mouse, where the pointer goes before."""
        self.go(x, y)
        self._point(x, y, pressed=True)
        self.hold(3 * MOVE)
        self._page.mouse.click(x, y)
        self._point(x, y)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """As a person draws a link."""
        self.go(*start)
        self._page.mouse.move(*start)
        self._page.mouse.down()
        self._page.mouse.move(start[0] + 12, start[1] + 12, steps=3)
        for step in range(1, STEPS + 1):
            x, y = (a + (b - a) * step / STEPS for a, b in zip(start, end, strict=True))
            self._page.mouse.move(x, y)
            self._point(x, y, pressed=True)
            self.hold(MOVE)
        self._page.mouse.up()
        self._at = end
        self._point(*end)
        self.hold(MOVE)

    def save(self, path: Path, width: int) -> None:
        """Without loss but for the size: texts stay sharp,
        and what stays the same costs nothing."""
        height = round(width * self._pictures[0].height / self._pictures[0].width)
        size = (width, height)
        first, *rest = (frame.resize(size, Image.Resampling.LANCZOS) for frame in self._pictures)
        first.save(
            path,
            save_all=True,
            append_images=rest,
            duration=self._times,
            loop=0,
            lossless=True,
            method=4,
        )

    def _point(self, x: float, y: float, *, pressed: bool = False) -> None:
        self._page.evaluate("(at) => window.movePointer(...at)", [x, y, pressed])
