"""Pictures of a model's node: those that the model does not take, and several of them."""

from __future__ import annotations

import json

import pytest

from rh_api.emulator import Emulator
from tests.browser.canvas import Canvas
from tests.browser.test_models import EDITOR, KLING, model
from tests.support.service import bodies

FIT = "fit_pictures"
SEVERAL = "alibaba/qwen-image-2.0/text-to-image"


pytestmark = pytest.mark.usefixtures("models_account")


def test_a_picture_is_made_to_fit_when_a_person_says_so_and_that_is_kept(
    either: Canvas, emulator: Emulator
) -> None:
    either.clear()
    node = model(either, EDITOR, 500, 60)
    either.set_widget(node, "prompt", "a boat")
    # As if the catalogue had said so: a PNG is not taken.
    form = json.dumps(either.workflow()["nodes"][0]["properties"]["runninghub"]["form"])
    narrow = json.loads(form.replace('["jpg", "png"]', '["jpg"]'))
    file = either.workflow()
    file["nodes"][0]["properties"]["runninghub"]["form"] = narrow
    either.load(file)
    picture, preview = either.add("LoadImage", 60, 60), either.add("PreviewImage", 960, 60)
    either.connect(picture, "IMAGE", node, "imageUrls.1")
    either.connect(node, "images", preview, "images")
    values = either.workflow()["nodes"][0]["widgets_values"]
    either.forgive("DoubtfulValue|jpg")
    either.run("execution_error")
    assert not emulator.counters.orders
    button = "缩减图像" if either.classic else "Make pictures fit"
    card = either.page.locator(".runninghub-notices").get_by_role("button", name=button)
    card.wait_for()
    assert either.page.locator(".runninghub-notices [role=alert]").count() == 1
    either.picture("does not fit")
    card.click()
    either.shows_picture(preview)
    ((address,),) = [body["imageUrls"] for body in bodies(emulator, EDITOR)]
    assert emulator.store.read_url(address).startswith(b"\xff\xd8")

    # It is saved beside the values, whose places stay.
    file = either.workflow()
    assert file["nodes"][0]["widgets_values"] == values
    either.load(file)
    assert either.node(node)["widgets"][FIT] is True
    assert either.prompt()[node]["inputs"][FIT] is True
    either.set_widget(node, FIT, False)
    assert FIT not in either.prompt()[node]["inputs"]


def test_the_price_of_several_orders_is_their_product(either: Canvas, emulator: Emulator) -> None:
    """An order for each picture that the linked node shows."""
    either.clear()
    painter = model(either, SEVERAL, 60, 60)
    film = model(either, KLING, 700, 60)
    either.set_widget(film, "prompt", "they sail")
    either.set_widget(painter, "prompt", "two boats")
    either.set_widget(painter, "imageNum", "2")
    either.connect(painter, "images", film, "firstImageUrl")
    either.run()
    either.until(lambda: len(bodies(emulator, KLING)) == 2)
    words = "2 个任务" if either.classic else "2 orders"
    either.until(lambda: words in either.node(film)["labels"]["price"])
    either.picture("product")
