"""The tasks of models: output types, search words in both languages, and groups."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from ..errors import BadInput
from ..graph.nearest import listed, nearest

# task: (output type, more English words, Chinese words)
_TASKS: dict[str, tuple[str, str, str]] = {
    "text-to-image": ("image", "t2i", "文生图"),
    "image-to-image": ("image", "i2i edit", "图生图 图片编辑 参考生图"),
    "image-upscale": ("image", "enhance", "图片放大 高清 修复"),
    "image-edit-layers": ("image", "layer decomposition", "图层分解"),
    "text-to-video": ("video", "t2v", "文生视频"),
    "image-to-video": ("video", "i2v", "图生视频"),
    "start-end-to-video": ("video", "first last frame transition", "首尾帧 转场"),
    "reference-to-video": ("video", "r2v", "参考生视频"),
    "multimodal-video": ("video", "omni reference", "多模态 全能参考"),
    "image-audio-to-video": ("video", "avatar digital human", "数字人 对口型"),
    "motion-control": ("video", "motion transfer", "动作控制 动作迁移"),
    "video-edit": ("video", "video to video", "视频编辑"),
    "video-restyle": ("video", "style", "视频风格"),
    "video-extend": ("video", "extension", "视频延长 续写"),
    "video-upscale": ("video", "enhance", "视频放大 高清"),
    "video-frame-rate": ("video", "fps interpolation", "补帧"),
    "video-denoise": ("video", "", "视频降噪"),
    "video-translate": ("video", "dub", "视频翻译 配音"),
    "subtitle-erase": ("video", "remove", "去字幕"),
    "video-other": ("video", "tools", "视频工具"),
    "lip-sync": ("video", "", "对口型"),
    "lip-sync-prepare": ("text", "identify face", "对口型 人脸识别"),
    "create-character": ("text", "upload", "角色"),
    "create-element": ("text", "upload subject", "主体"),
    "text-to-speech": ("audio", "tts voice", "语音合成 配音"),
    "voice-clone": ("audio", "", "声音克隆"),
    "voice-design": ("audio", "", "音色设计"),
    "audio-to-audio": ("audio", "separate vocals", "音频处理 人声分离"),
    "audio-prepare": ("text", "preprocess", "音频预处理"),
    "video-to-audio": ("audio", "extract", "提取音频"),
    "text-to-audio": ("audio", "sound effect", "音效"),
    "text-to-music": ("audio", "song", "音乐 歌曲"),
    "text-to-lyrics": ("text", "song", "歌词"),
    "text-to-3d": ("3d", "model", "文生3D"),
    "image-to-3d": ("3d", "model", "图生3D"),
    "multi-image-to-3d": ("3d", "model", "多图生3D"),
    "text-to-world": ("3d", "scene", "文生世界"),
    "image-to-world": ("3d", "scene", "图生世界"),
    "multi-image-to-world": ("3d", "scene", "多图生世界"),
    "video-to-world": ("3d", "scene", "视频生世界"),
    "text-to-text": ("text", "llm chat", "文本生成"),
    "image-to-text": ("text", "vision caption", "图片理解 反推"),
    "video-to-text": ("text", "vision", "视频理解"),
    "audio-to-text": ("text", "transcribe recognize", "音频理解 识别"),
    "prompt-enhance": ("text", "rewrite", "提示词优化"),
    "upload-asset": ("text", "", "上传素材"),
    "other": ("", "", ""),
}

TASKS = tuple(_TASKS)

GROUPS = MappingProxyType(
    {
        "RHTextToImage": ("text-to-image",),
        "RHImageToImage": ("image-to-image", "image-edit-layers"),
        "RHUpscaleImage": ("image-upscale",),
        "RHTextToVideo": ("text-to-video",),
        "RHImageToVideo": ("image-to-video", "start-end-to-video", "image-audio-to-video"),
        "RHReferenceToVideo": ("reference-to-video", "multimodal-video", "motion-control"),
        "RHEditVideo": (
            "video-edit",
            "video-extend",
            "video-restyle",
            "video-translate",
            "subtitle-erase",
            "lip-sync",
            "video-other",
        ),
        "RHUpscaleVideo": ("video-upscale", "video-frame-rate", "video-denoise"),
        "RHSpeech": ("text-to-speech", "voice-clone", "voice-design"),
        "RHMusic": (
            "text-to-music",
            "text-to-audio",
            "audio-to-audio",
            "video-to-audio",
            "text-to-lyrics",
        ),
        "RH3D": (
            "image-to-3d",
            "text-to-3d",
            "multi-image-to-3d",
            "image-to-world",
            "text-to-world",
            "multi-image-to-world",
            "video-to-world",
        ),
        "RHTextAndVision": (
            "text-to-text",
            "image-to-text",
            "video-to-text",
            "audio-to-text",
            "prompt-enhance",
        ),
    }
)
"""Node class to the tasks that it offers, those it is named after first."""

# Aliases of tasks in the documentation's tree and in endpoints.
_OTHER_NAMES = {
    "image-edit": "image-to-image",
    "edit": "image-to-image",
    "image-to-image-flux": "image-to-image",
    "reference-to-image": "image-to-image",
    "image-tools": "image-upscale",
    "image-enhance": "image-upscale",
    "video-to-video": "video-edit",
    "edit-video": "video-edit",
    "video-fps-increase": "video-frame-rate",
    "video-frame-interpolation": "video-frame-rate",
    "video-subtitle-erase": "subtitle-erase",
    "video-transition": "start-end-to-video",
    "start-to-end": "start-end-to-video",
    "avatar-video": "image-audio-to-video",
    "digital-human": "image-audio-to-video",
    "video-tools": "video-other",
    "video-effects": "video-other",
    "video-draft-enhance": "video-upscale",
    "lip-sync-video": "lip-sync",
    "upload-character": "create-character",
    "speech": "text-to-speech",
    "music-generation": "text-to-music",
    "song-extend": "text-to-music",
    "lyrics-generation": "text-to-lyrics",
    "upload-file": "upload-asset",
}


def task_of(*names: str) -> str:
    """The first task that a name equals, else that a name contains; `other` if none does.

    Names are parts of the documentation's tree and segments of an endpoint.
    """
    words = [name.strip().lower() for name in names if name]
    for word in words:
        if word in _TASKS or word in _OTHER_NAMES:
            return _OTHER_NAMES.get(word, word)
    longest_first = sorted([*_TASKS, *_OTHER_NAMES], key=len, reverse=True)
    for word in words:
        for task in longest_first:
            if task != "other" and "-" in task and task in word:
                return _OTHER_NAMES.get(task, task)
    return "other"


def output_of(task: str) -> str:
    """A task's output type: image, video, audio, text, 3d; "" if that is not known."""
    return _TASKS[task][0] if task in _TASKS else ""


def words_of(task: str) -> str:
    """A task's words in both languages, for a search."""
    _, english, chinese = _TASKS.get(task, ("", "", ""))
    return f"{task} {english} {chinese}"


def tasks_of(word: str) -> Iterable[str]:
    """The tasks of a word: of a task, or of a node class for several (`RHSpeech`).

    Raises BadInput for a word that names none.
    """
    tasks = GROUPS.get(word) or (task_of(word),)
    if tasks == ("other",) and word != "other":
        near = listed(nearest(word, [*TASKS, *GROUPS]))
        raise BadInput("error.model_task", value=word[:100], near=near)
    return tasks


def title_of(task: str, *, chinese: bool) -> str:
    """A task's display name: `image to video`, or its Chinese name."""
    words = _TASKS[task][2].split() if chinese and task in _TASKS else []
    return words[0] if words else task.replace("-", " ")
