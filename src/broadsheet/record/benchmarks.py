"""The well-known benchmarks, and finding their names in a text whichever way they are spelled."""

import re
from collections.abc import Iterator
from typing import Final

# The capitals and digits of a text, its words still apart, are a tenth of it: what has one is looked for there.
# The three letters that stay were found by trial: they tell the names (Waymo, Big) from the words that begin
# sentences (We, By), so that a fifth less is looked for.
_LOWER: Final = b"abcdefhijlmnopqrstuvwxz"
_APART: Final = bytes(byte if byte < 128 and chr(byte).isalnum() else 32 for byte in range(256))


def capitals(text: str) -> bytes:
    """Give what is left of a text without its lower-case letters but g, k and y; marks become blanks."""
    return text.encode("ascii", "replace").translate(_APART, _LOWER)


# Name, and how it is written: several are common words in lower case, so that case counts and words are whole.
_BENCHMARKS: Final = {
    "ADE20K": r"ADE-?20[Kk]", "AGIEval": r"AGIEval", "AIME": r"AIME", "AISHELL": r"AISHELL(?:-\d)?",
    "AlpacaEval": r"AlpacaEval", "ARC": r"ARC(?:-(?:AGI|[CcEe]\w*))?", "Arena-Hard": r"Arena-?Hard",
    "Atari": r"Atari(?:[- ]\d+\w?)?", "AudioSet": r"AudioSet", "BBH": r"BBH|B(?:IG|ig)-?[Bb]ench(?:[- ]Hard)?",
    "BEIR": r"BEIR", "BoolQ": r"BoolQ", "CelebA": r"CelebA(?:-HQ)?", "ChartQA": r"ChartQA", "CheXpert": r"CheXpert",
    "CIFAR-10": r"(?:Split[- ])?CIFAR[- ]?10(?!\d)(?:-LT|-C)?",
    "CIFAR-100": r"(?:Split[- ])?CIFAR[- ]?(?:10 ?/ ?|10[- ]and[- ])?-?100(?:-LT|-C)?", "CityPersons": r"CityPersons",
    "Cityscapes": r"Cityscapes", "COCO": r"(?:MS-?|MS )?COCO", "Common Voice": r"Common[ ]?Voice",
    "CommonsenseQA": r"CommonsenseQA|CSQA", "Cora": r"Cora", "CrowdHuman": r"CrowdHuman",
    "CUB-200": r"CUB(?:-?200)?(?:-2011)?", "D4RL": r"D4RL", "DAVIS": r"DAVIS(?:[- ]?\d+)?", "DocVQA": r"DocVQA",
    "DomainBed": r"DomainBed", "DomainNet": r"DomainNet", "Ego4D": r"Ego4D",
    "EPIC-Kitchens": r"EPIC-?K(?:itchens?|ITCHENS?)(?:[- ]?\d+)?", "Fashion-MNIST": r"[Ff]ashion[- ]?MNIST",
    "FFHQ": r"FFHQ", "GenEval": r"GenEval", "GLUE": r"GLUE", "GPQA": r"GPQA", "GQA": r"GQA", "GSM8K": r"GSM-?8[Kk]",
    "HellaSwag": r"Hella[Ss]wag", "HotpotQA": r"Hotpot-?QA", "HumanEval": r"HumanEval\+?", "IFEval": r"IF-?Eval",
    "ImageNet": r"(?:mini-?|[Tt]iny[- ]?)?[Ii]mage[Nn]et(?:-?\d+[Kk]?)?", "iNaturalist": r"iNaturalist|iNat",
    "Kinetics": r"Kinetics(?:-?\d+)?", "KITTI": r"KITTI", "LAMBADA": r"LAMBADA", "LibriSpeech": r"Libri[Ss]peech",
    "LiveCodeBench": r"LiveCodeBench", "LongBench": r"LongBench", "LSUN": r"LSUN", "LVIS": r"LVIS",
    "MATH": r"MATH(?:-?500)?", "MathVista": r"MathVista", "MBPP": r"MBPP\+?", "MedMNIST": r"MedMNIST",
    "MIMIC": r"MIMIC(?:-(?:III|IV|CXR))?", "MMBench": r"MMBench", "MMLU": r"MMLU(?:-Pro)?", "MMMU": r"MMMU",
    "MNIST": r"MNIST", "ModelNet40": r"ModelNet-?40", "MS MARCO": r"MS[ -]?MARCO", "MSR-VTT": r"MSR-?VTT",
    "MT-Bench": r"MT-?[Bb]ench", "MTEB": r"MTEB", "MuJoCo": r"Mu[Jj]o[Cc]o", "MultiNLI": r"MultiNLI|MNLI",
    "MultiPL-E": r"MultiPL-E", "Natural Questions": r"Natural[ -]?Questions", "nuScenes": r"nuScenes",
    "Office-Home": r"Office-?Home", "OGB": r"OGB\w*", "OSWorld": r"OSWorld",
    "PASCAL VOC": r"(?:PASCAL|Pascal)(?:[- ]VOC)?|VOC ?(?:2007|2012|07|12)",
    "Penn Treebank": r"Penn [Tt]ree[Bb]ank|PTB", "PIQA": r"PIQA", "Places365": r"Places-?365", "QM9": r"QM9",
    "ScanNet": r"ScanNet", "ScienceQA": r"ScienceQA", "ShapeNet": r"ShapeNet",
    "Something-Something": r"Something-Something", "SQuAD": r"SQuAD", "STL-10": r"STL-?10", "SUPERB": r"SUPERB",
    "SuperGLUE": r"Super-?GLUE", "SVHN": r"SVHN", "SWE-bench": r"SWE-?[Bb]ench", "T2I-CompBench": r"T2I-CompBench\+*",
    "TextVQA": r"TextVQA", "THUMOS14": r"THUMOS(?:['’-]?14)?", "TriviaQA": r"TriviaQA", "TruthfulQA": r"TruthfulQA",
    "UCF101": r"UCF-?101", "VBench": r"VBench", "VQA": r"VQA(?:-?v2)?", "Waymo": r"Waymo", "WebArena": r"WebArena",
    "WikiText": r"Wiki[Tt]ext(?:-?\d+)?", "WILDS": r"WILDS", "WinoGrande": r"Wino[Gg]rande",
    "WMT": r"WMT(?:['’ -]?\d+)?", "YouTube-VOS": r"You[Tt]ube-?VOS",
}  # fmt: skip
# The words that begin a name in each spelling, where that is not the name itself, with the marks that divide words.
_BEGINNINGS: Final = {
    "AIME": "AIME AIME24 AIME25", "Arena-Hard": "Arena ArenaHard", "BBH": "BBH BIG BIGBench Big BigBench",
    "CelebA": "CelebA", "CIFAR-10": "CIFAR CIFAR10", "CIFAR-100": "CIFAR CIFAR10 CIFAR100", "COCO": "COCO MSCOCO",
    "Common Voice": "Common CommonVoice", "CommonsenseQA": "CommonsenseQA CSQA", "CUB-200": "CUB CUB200",
    "DAVIS": "DAVIS DAVIS16 DAVIS17", "EPIC-Kitchens": "EPIC EPICKitchens", "Fashion-MNIST": "MNIST FashionMNIST",
    "GSM8K": "GSM8K GSM8k GSM", "HellaSwag": "HellaSwag Hellaswag", "HotpotQA": "HotpotQA Hotpot",
    "IFEval": "IFEval IF", "ImageNet": "ImageNet Imagenet ImageNet1K ImageNet1k TinyImageNet",
    "Kinetics": "Kinetics Kinetics400", "LibriSpeech": "LibriSpeech Librispeech", "MATH": "MATH MATH500",
    "ModelNet40": "ModelNet40 ModelNet", "MS MARCO": "MARCO MSMARCO", "MSR-VTT": "MSR MSRVTT",
    "MT-Bench": "MT MTBench", "MuJoCo": "MuJoCo Mujoco", "MultiNLI": "MultiNLI MNLI",
    "Natural Questions": "Natural NaturalQuestions", "Office-Home": "Office OfficeHome", "OGB": "OGB OGBN OGBG",
    "PASCAL VOC": "PASCAL Pascal VOC VOC2007 VOC2012", "Penn Treebank": "Penn PTB", "Places365": "Places365 Places",
    "STL-10": "STL STL10", "SuperGLUE": "SuperGLUE Super", "SWE-bench": "SWE", "T2I-CompBench": "T2I",
    "THUMOS14": "THUMOS THUMOS14", "UCF101": "UCF101 UCF", "VQA": "VQA VQAv2",
    "WikiText": "WikiText Wikitext WikiText103 WikiText2", "WinoGrande": "WinoGrande Winogrande",
    "WMT": "WMT WMT14 WMT15 WMT16 WMT17 WMT18 WMT19 WMT20", "YouTube-VOS": "YouTube Youtube YouTubeVOS",
}  # fmt: skip
_WRITTEN: Final = {name: re.compile(rf"(?:{how})(?!\w)") for name, how in _BENCHMARKS.items()}
_LOOKED_FOR: Final[dict[bytes, list[tuple[str, str]]]] = {}
for _name in _BENCHMARKS:
    for _word in _BEGINNINGS.get(_name, re.split(r"\W", _name)[0]).split():
        _LOOKED_FOR.setdefault(capitals(_word), []).append((_word, _name))
_CAPITALS_LOOKED_FOR: Final = frozenset(_LOOKED_FOR)


def benchmarks(text: str, left: bytes) -> tuple[str, ...]:
    """Find well-known benchmarks by any of their spellings, in the order in which the text names them.

    left: the `capitals` of the text.
    """
    places: dict[str, int] = {}
    for there in _CAPITALS_LOOKED_FOR.intersection(left.split()):
        for word, name in _LOOKED_FOR[there]:
            if name not in places and word in text:
                places.update((name, place) for place in _where_written(text, name))
    return tuple(sorted(places, key=lambda name: (places[name], name))) if places else ()


def _where_written(text: str, name: str) -> Iterator[int]:
    """Give the first place of a benchmark in a text where it is a word of its own."""
    for match in _WRITTEN[name].finditer(text):
        before = text[match.start() - 1 : match.start()]
        if not before or not (before.isalnum() or before in "-_"):
            yield match.start()
            return
