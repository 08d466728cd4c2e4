"""What a parameter is called on the canvas, in both languages."""

from __future__ import annotations

import re

import pytest
from unit.models.sampling import shipped

from rh_api.models.labels import label_of


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        ("firstImageUrl", "First frame", "首帧"),
        ("imageUrls", "Images", "图片"),
        ("imageUrl2", "Image 2", "图片2"),
        ("outputFormat", "Output format", "输出格式"),
        ("negative_prompt", "Negative prompt", "反向提示词"),
        ("enablePbr", "Enable PBR", "启用PBR"),
        ("n", "Number of results", "生成数量"),
        ("voice_id", "Voice ID", "音色ID"),
        ("permissionAllowedReaders", "Allowed readers", "可读取者"),
        ("fixCompression", "Fix compression", "修复压缩"),
        ("sourceLang", "Source language", "源语言"),
        ("isInstrumental", "Instrumental", "纯音乐"),
        ("brandNewThing", "Brand new thing", "Brand new thing"),
        ("_", "_", "_"),
    ],
)
def test_a_name_is_told_in_words(name: str, english: str, chinese: str) -> None:
    assert label_of(name, chinese=False) == english
    assert label_of(name, chinese=True) == chinese


def test_no_two_parameters_of_a_model_have_one_label() -> None:
    names = [[p.name for p in model.parameters] for model in shipped().models.values()]
    assert len(names) > 400
    for chinese in (False, True):
        for own in names:
            assert len({label_of(name, chinese=chinese) for name in own}) == len(own)


def test_nearly_all_parameters_are_told_in_chinese() -> None:
    labels = [
        label_of(p.name, chinese=True) for m in shipped().models.values() for p in m.parameters
    ]
    assert sum(re.search("[一-鿿]", label) is not None for label in labels) > 0.97 * len(labels)
