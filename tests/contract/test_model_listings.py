"""What the emulator lists of the standard models is what our readers find in it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from rh_api.emulator import Emulator
from rh_api.emulator.models import listings
from rh_api.emulator.models.catalogue import Model as Sold
from rh_api.models.index import read_index
from rh_api.models.pages import read_page
from rh_api.models.schema import Model
from rh_api.models.site import read_detail, read_list

SOLD = Emulator(strict=True).documented_models()
ENTRIES = {
    row.page: row for row in read_index(listings.index(SOLD, "https://www.runninghub.cn").encode())
}


def from_page(model: Sold) -> Model:
    return read_page(listings.page(model).encode(), ENTRIES[model.page])


def from_site(model: Sold) -> Model:
    return read_detail(json.dumps({"code": 0, "data": listings.catalogue_detail(model)}).encode())


def test_the_index_and_the_sites_list_name_all_of_them() -> None:
    page = {"records": [listings.catalogue_row(sold) for sold in SOLD]}
    reply = {"code": 0, "data": {"page": page}}

    assert set(ENTRIES) == {sold.page for sold in SOLD}
    assert set(read_list(json.dumps(reply).encode())) == {sold.sku for sold in SOLD}


@pytest.mark.parametrize("read", [from_page, from_site])
@pytest.mark.parametrize("output", ["image", "video", "audio", "text", "3d"])
def test_a_models_keys_are_read_as_they_are_checked(
    read: Callable[[Sold], Model], output: str
) -> None:
    for sold in [sold for sold in SOLD if sold.output == output][:40]:
        model = read(sold)

        assert model.endpoint == sold.endpoint
        assert [(param.name, param.required, param.is_array) for param in model.parameters] == [
            (param.name, param.required, param.array) for param in sold.parameters
        ]
