"""What ends while a person looks elsewhere is told by the title, and by a notice if allowed."""

from __future__ import annotations

from rh_api.emulator import Emulator
from tests.browser.canvas import Canvas

# A browser without a window shows no tab and no notice: both are as the test says.
TAB = """
    window.tab = {hidden: false, permission: "denied", notices: []};
    Object.defineProperty(document, "hidden", {get: () => tab.hidden});
    Object.defineProperty(document, "visibilityState", {
        get: () => tab.hidden ? "hidden" : "visible"});
    window.Notification = class {
        static get permission() { return tab.permission; }
        constructor(title, {body}) {
            if (tab.isAndroid) throw new TypeError("Illegal constructor");
            tab.notices.push(`${title}: ${body}`);
        }
        close() {}
    };
"""


class Away:
    """The tab of a canvas that can be left."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        canvas.change_page().add_init_script(TAB)
        canvas.open()
        canvas.clear()

    def leave(self, permission: str) -> None:
        self.canvas.run_js("(permission) => { tab.permission = permission; }", permission)
        self._show(hidden=True)

    def come_back(self) -> None:
        self._show(hidden=False)
        assert not self.canvas.page.title().startswith("●")

    def _show(self, *, hidden: bool) -> None:
        self.canvas.run_js(
            """(hidden) => {
                tab.hidden = hidden;
                document.dispatchEvent(new Event("visibilitychange"));
            }""",
            hidden,
        )

    def titled(self, text: str) -> None:
        """Waits until the title is marked and says this."""
        self.canvas.wait_for("(text) => document.title === `● ${text}`", text)

    @property
    def notices(self) -> list[str]:
        return self.canvas.run_js("() => tab.notices")


def test_an_end_is_told_to_who_looks_elsewhere(either: Canvas, emulator: Emulator) -> None:
    ended = "RunningHub 任务已结束" if either.classic else "A RunningHub task has ended"
    away = Away(either)
    node, preview = either.painting()
    own = either.node(node)["title"]
    either.run()  # while the tab is seen
    either.shows_picture(preview)
    assert not either.page.title().startswith("●")

    away.leave("denied")
    either.ask_anew(node)
    either.run()
    away.titled(ended)
    # ComfyUI writes its own title whenever something runs.
    either.run_js("() => { document.title = 'ComfyUI at work'; }")
    away.titled(ended)
    away.come_back()
    assert away.notices == []

    away.leave("granted")
    either.ask_anew(node)
    either.run()
    away.titled(ended)
    either.until(lambda: away.notices == [f"{ended}: {own}"])
    away.come_back()

    away.leave("granted")
    emulator.fail_next = {"node_id": "3", "exception_type": "E", "exception_message": "no memory"}
    either.ask_anew(node)
    either.run(ends="execution_error")
    failed = f"{own} 失败" if either.classic else f"{own} failed"
    away.titled(failed)
    either.until(lambda: len(away.notices) == 2)
    assert away.notices[-1].startswith(f"{failed}: ")
    assert "no memory" in away.notices[-1]
    away.come_back()


def test_the_end_of_a_part_and_of_a_graph_that_is_not_shown_is_told_too(canvas: Canvas) -> None:
    away = Away(canvas)
    source, _, _ = canvas.marked_part(488)
    away.leave("granted")
    canvas.run()
    away.titled("A RunningHub task has ended")
    away.come_back()

    canvas.set_widget(source, "width", 496)
    away.leave("granted")
    prompt_id = canvas.start()
    canvas.clear()
    canvas.finished(prompt_id)
    away.titled("A RunningHub task has ended")
    assert len(away.notices) == 2


def test_a_failure_is_told_on_the_page_where_a_page_may_show_no_notices(
    canvas: Canvas, emulator: Emulator
) -> None:
    """Chrome on Android has the class and the permission, but pages cannot use them."""
    away = Away(canvas)
    canvas.run_js("() => { tab.isAndroid = true; }")
    canvas.painting()
    away.leave("granted")
    emulator.fail_next = {"node_id": "3", "exception_type": "E", "exception_message": "no memory"}
    canvas.run(ends="execution_error")
    away.titled("RunningHub Remote Workflow failed")
    away.come_back()
    canvas.page.get_by_role("alert").filter(has_text="no memory").wait_for()
