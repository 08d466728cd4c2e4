"""What is ours can be read, in each theme and at any zoom, and one sees where the keyboard is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rh_api.emulator import Emulator, catalog
from tests.browser.canvas import Canvas
from tests.browser.panel import Panel
from tests.browser.test_models import GONE

if TYPE_CHECKING:
    from playwright.sync_api import Locator

READABLE = 4.5  # contrast of a text with what is behind it: WCAG 2, level AA
SEEN = 3  # of a mark
THEMES = ("light", "solarized", "nord", "arc", "github", "dark")  # ComfyUI's own

COLOURS = """
    const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    // Colours come in several notations, and each may let through what is behind it.
    const over = (colours, opacity = 1) => {
        brush.globalAlpha = 1;
        for (const colour of ["#fff", ...colours]) {
            if (colour === colours.at(-1)) brush.globalAlpha = opacity;
            brush.fillStyle = colour;
            brush.fillRect(0, 0, 1, 1);
        }
        return [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = (colour) => colour
        .map((part) => part / 255)
        .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
    const behind = (element) => {
        const colours = [];
        for (let at = element; at; at = at.parentElement) {
            colours.unshift(getComputedStyle(at).backgroundColor);
        }
        return colours;
    };
    const contrast = (element, colour) => {
        const around = over(behind(element));
        let opacity = 1;
        for (let at = element; at; at = at.parentElement) opacity *= getComputedStyle(at).opacity;
        const front = over([`rgb(${around})`, colour], opacity);
        const both = [light(front), light(around)];
        const [high, low] = both.sort((first, second) => second - first);
        return (high + 0.05) / (low + 0.05);
    };
"""

# The texts below an element that are too like what is behind them, by their computed styles.
PALE = f"""(root, least) => {{{COLOURS}
    const texts = [...root.querySelectorAll("*")].filter((element) =>
        element.checkVisibility({{ opacityProperty: true }})
        && !element.closest("[aria-disabled=true], option")
        && ([...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())
            || element.matches("select, input:not([type=checkbox])")));
    const wrong = [];
    for (const text of texts) {{
        const {{ color }} = getComputedStyle(text, text.placeholder && !text.value ? "::placeholder" : null);
        const ratio = contrast(text, color);
        // An icon has to be seen, not read.
        if (ratio < (text.ariaHidden ? 3 : least)) wrong.push(`${{text.outerHTML.slice(0, 120)}}: ${{color}}: ${{ratio}}`);
    }}
    return {{ count: texts.length, wrong }};
}}"""

# The outline of what has the focus: its width, and its contrast with what it lies on.
OUTLINE = f"""() => {{{COLOURS}
    const element = document.activeElement;
    const {{ outlineStyle, outlineWidth, outlineColor, outlineOffset }} = getComputedStyle(element);
    const lies = parseFloat(outlineOffset) < 0 ? element : element.parentElement;
    return {{
        width: outlineStyle === "none" ? 0 : parseFloat(outlineWidth),
        contrast: contrast(lies, outlineColor),
    }};
}}"""


# Whether a person could have scrolled as far: a script can where nobody else can.
SCROLLED = """(element) => {
    for (let at = element; at; at = at.parentElement) {
        if (at.scrollTop > 0 && getComputedStyle(at).overflowY === "hidden") return false;
    }
    return true;
}"""

# What a page of settings leaves free of its row, whose label stands above it.
ROOM_BESIDE = """(page) => page.closest(".setting-item").clientWidth - page.offsetWidth"""


def is_readable(place: Locator, least_texts: int) -> None:
    """Each text of a place is told from what is behind it."""
    contrast = place.evaluate(PALE, READABLE)
    assert contrast["wrong"] == []
    assert contrast["count"] >= least_texts


def shows_focus(canvas: Canvas) -> None:
    """One sees where the keyboard is."""
    outline = canvas.run_js(OUTLINE)
    assert outline["width"] >= 2
    assert outline["contrast"] >= SEEN


def goes_round(canvas: Canvas, place: Locator, stops: int) -> None:
    """The keyboard goes through a place, and each stop is seen."""
    for _ in range(stops):
        canvas.page.keyboard.press("Tab")
        assert place.evaluate("(root) => root.contains(document.activeElement)")
        shows_focus(canvas)


def in_theme(canvas: Canvas, name: str) -> None:
    """Chooses one of ComfyUI's own themes."""
    canvas.run_js("(name) => app.extensionManager.setting.set('Comfy.ColorPalette', name)", name)
    canvas.wait_for(
        """(name) => document.querySelector("#vue-app").__vue_app__.config.globalProperties
            .$pinia._s.get("colorPalette").activePaletteId === name""",
        name,
    )


def test_texts_and_focus_are_seen_in_each_theme(canvas: Canvas, emulator: Emulator) -> None:
    canvas.clear()
    node = canvas.program(catalog.TEXT_TO_IMAGE)
    bar = canvas.bar
    for theme in THEMES:
        in_theme(canvas, theme)
        # What changed in the theme before is asked about anew.
        bar.get_by_text("1 order").wait_for()
        canvas.picture(f"{theme} node")
        is_readable(bar, 1)
        canvas.node_menu(node, "Choose fields")
        is_readable(canvas.dialog, 40)
        canvas.dialog.locator("[data-key='3.seed']").hover()
        canvas.dialog.get_by_role("tree").first.press("ArrowDown")
        canvas.picture(f"{theme} chooser")
        is_readable(canvas.dialog, 40)
        shows_focus(canvas)
        canvas.dialog.get_by_role("button", name="OK").hover()
        is_readable(canvas.dialog, 40)
        goes_round(canvas, canvas.dialog, 3)
        canvas.dialog.get_by_role("searchbox").fill("nothing of that name")
        canvas.dialog.get_by_text("Nothing found").wait_for()
        is_readable(canvas.dialog, 20)
        # By a key: after a click nobody needs to be shown where the focus is.
        canvas.dialog.get_by_role("button", name="Cancel").press("Enter")

        canvas.type_into(node, "workflow", f"no link, however {theme}")
        canvas.dialog.wait_for()
        canvas.picture(f"{theme} refused")
        is_readable(canvas.dialog, 3)
        shows_focus(canvas)
        canvas.page.keyboard.press("Escape")
        canvas.set_widget(node, "workflow", catalog.TEXT_TO_IMAGE)

        page = canvas.settings("Keys and sites")
        is_readable(page, 10)
        page.get_by_label("API key").fill("too short")
        page.get_by_label("API key").press("Enter")
        page.get_by_text("This is not a RunningHub API key").wait_for()
        canvas.picture(f"{theme} settings")
        is_readable(page, 10)
        page.get_by_label("Site").focus()
        goes_round(canvas, page, 3)
        canvas.page.keyboard.press("Escape")
        page.wait_for(state="detached")
    canvas.forgive("api/runninghub|status of 400")


def test_a_favourite_model_that_is_gone_can_be_read_in_each_theme(
    canvas: Canvas, emulator: Emulator, models_account: None
) -> None:
    canvas.clear()
    liked = [{"kind": "model", "id": GONE, "name": GONE}]
    canvas.run_js(
        "(liked) => app.extensionManager.setting.set('runninghub.favourites', liked)", liked
    )
    canvas.add("RunningHubModel", 500, 60)
    canvas.dialog.locator(".row.gone").wait_for()
    for theme in THEMES:
        in_theme(canvas, theme)
        canvas.picture(f"{theme} models")
        is_readable(canvas.dialog.locator(".row.gone"), 3)


def test_everything_is_reached_at_any_zoom(canvas: Canvas, emulator: Emulator) -> None:
    canvas.clear()
    node = canvas.program(catalog.IMAGE_TO_IMAGE)
    canvas.node_menu(node, "Choose fields")
    # A zoomed page is a larger or smaller one to whoever lays it out.
    for zoom in zooms(canvas, 80, 200):
        canvas.picture(f"chooser {zoom}")
        is_inside(canvas, canvas.dialog)
        reaches(canvas, canvas.dialog.get_by_role("searchbox"))
        reaches(canvas, canvas.dialog.get_by_role("treeitem", name="all other files"))
        for key in ("3.text", "12.seed", "typed 6"):
            reaches(canvas, canvas.dialog.locator(f"[data-key='{key}']"))
        for button in ("Cancel", "OK"):
            reaches(canvas, canvas.dialog.get_by_role("button", name=button))
    canvas.page.keyboard.press("Escape")
    page = canvas.settings("Keys and sites")
    assert page.evaluate(ROOM_BESIDE) == 0
    for zoom in zooms(canvas, 80, 200):
        canvas.picture(f"settings {zoom}")
        for label in ("Site", "API key", "Profile name"):
            reaches(canvas, page.get_by_label(label))
        reaches(canvas, page.locator("form.card").get_by_role("button", name="Save"))
        reaches(canvas, page.get_by_role("button", name="Test").first)


# Elements that are lower than what is in them, or cover the one before.
TIGHT = """(rows) => rows.filter((row, at) =>
    row.scrollHeight > row.clientHeight + 1
    || (at > 0 && row.getBoundingClientRect().top < rows[at - 1].getBoundingClientRect().bottom - 1))
    .map((row) => row.innerText)"""


def test_texts_are_as_large_as_the_browser_is_told_to_show_them(
    canvas: Canvas, emulator: Emulator
) -> None:
    canvas.clear()
    # What "very large" of a browser's settings does to a page.
    canvas.run_js("() => { document.documentElement.style.fontSize = '24px'; }")
    node = canvas.add("RunningHubRemoteWorkflow", 700, 150)
    canvas.paste(node, catalog.TEXT_TO_IMAGE)
    canvas.picture("chooser")
    rows = canvas.dialog.get_by_role("tree").first.get_by_role("treeitem")
    assert rows.first.evaluate("(row) => getComputedStyle(row).fontSize") == "21px"
    assert rows.evaluate_all(TIGHT) == []
    is_inside(canvas, canvas.dialog)
    canvas.primary()
    canvas.ask_anew(node)
    preview = canvas.add("PreviewImage", 1000, 150)
    canvas.connect(node, "out_1", preview, "images")
    for _ in range(2):
        canvas.run()
        canvas.ask_anew(node)
    panel = Panel(canvas)
    panel.open("history")
    panel.orders.nth(1).wait_for()
    canvas.picture("history")
    assert panel.orders.evaluate_all(TIGHT) == []


def zooms(canvas: Canvas, *percents: int) -> Iterator[int]:
    """The page at each zoom, and then as it was."""
    for percent in percents:
        width, height = 1440 * 100 // percent, 900 * 100 // percent
        canvas.page.set_viewport_size({"width": width, "height": height})
        yield percent
    canvas.page.set_viewport_size({"width": 1440, "height": 900})


def reaches(canvas: Canvas, place: Locator) -> None:
    """Scrolled to, all of it is in the window, and a click would meet it."""
    place.scroll_into_view_if_needed()
    place.click(trial=True)
    is_inside(canvas, place)
    assert place.evaluate(SCROLLED)


def is_inside(canvas: Canvas, place: Locator) -> None:
    """Nothing of it is outside of the window."""
    size, box = canvas.page.viewport_size, place.bounding_box()
    assert size
    assert box
    assert box["x"] >= 0
    assert box["y"] >= 0
    assert box["x"] + box["width"] <= size["width"]
    assert box["y"] + box["height"] <= size["height"]


TWO_NOTICES = """async () => {
    const scripts = await (await fetch("/extensions")).json();
    const {showNotice} = await import(scripts.find((script) => script.endsWith("/host/dialogs.js")));
    const text = "It may cost. ".repeat(99);
    for (const title of ["older", "newer"]) showNotice("alert", title, text, () => []);
}"""


def test_the_buttons_of_the_newest_notice_are_in_sight_on_a_small_page(canvas: Canvas) -> None:
    canvas.page.set_viewport_size({"width": 720, "height": 450})
    canvas.run_js(TWO_NOTICES)
    close = canvas.page.locator(".runninghub-notices").get_by_role("button").last
    box = close.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 450 - 4 * 16  # above what the corner leaves free
    canvas.picture("two notices")
