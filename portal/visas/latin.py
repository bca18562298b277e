"""Whether two Latin spellings can be of one name: Russian and Turkmen names are written by several rules.

Pure. Used to compare what was typed with what a passport says, never to write a name for anybody.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import cache

# ICAO 9303 part 3 (Russian passports since 2014), GOST R 52535.1-2006, GOST 7.79-2000 system B, and what came before.
RUSSIAN = {
    "а": "A", "б": "B", "в": "V|W", "г": "G|H", "д": "D", "е": "E|YE|IE|JE", "ё": "E|YO|IO|JO|YE|IE", "ж": "ZH|J",
    "з": "Z", "и": "I|Y", "й": "I|Y|J|", "к": "K|C", "л": "L", "м": "M", "н": "N", "о": "O", "п": "P", "р": "R",
    "с": "S|SS", "т": "T", "у": "U|OU", "ф": "F|PH", "х": "KH|H|X", "ц": "TS|TC|CZ|C|TZ", "ч": "CH|TCH",
    "ш": "SH", "щ": "SHCH|SHH|SCH|SHTCH", "ъ": "IE|", "ы": "Y|I", "ь": "|Y|I", "э": "E|EH", "ю": "IU|YU|JU",
    "я": "IA|YA|JA",
}  # fmt: skip
PAIRS = {"кс": "KS|X", "ий": "II|IY|IJ|Y|I", "ый": "YI|YY|YJ|Y|I", "ье": "IE|YE|E|JE", "ия": "IIA|IYA|IA|IJA|YA"}
# The A to Z of the machine-readable zone for letters of Turkmen and of its neighbours.
TURKMEN = {
    "ä": "A|AE|E", "ç": "C|CH", "ž": "Z|ZH|J", "ň": "N|NG", "ö": "O|OE", "ş": "S|SH", "ü": "U|UE", "ý": "Y|I|J",
    "ı": "I|Y", "ğ": "G|GH", "ə": "A|E|AE", "j": "J|DJ|DZH|DZ", "w": "W|V", "y": "Y|I", "h": "H|KH",
}  # fmt: skip
SPELLINGS = RUSSIAN | TURKMEN

# Latin spellings of one Russian letter, brought to one sign; the longest first.
FOLDS = [
    (re.compile(pattern), sign)
    for pattern, sign in (
        ("SHCH|SHH|SCH", "щ"),
        ("KH", "H"),
        ("ZH", "ж"),
        ("TCH|CH", "ч"),
        ("TS|TC|TZ|CZ", "ц"),
        ("SH", "ш"),
        ("X", "KS"),
        ("W", "V"),
        ("[IYJ]+U", "ю"),
        ("[IYJ]+A", "я"),
        ("[IYJ]*E|[IYJ]+O", "е"),
        ("[IYJ]+", "и"),
    )
]


class Agreement(StrEnum):
    SAME = "same"
    VARIANT = "variant"  # one name, spelled by another rule
    DIFFERENT = "different"


def as_in_mrz(name: str) -> str:
    """Capitals A to Z and single spaces: hyphens part words, apostrophes and accents fall away."""
    apart = unicodedata.normalize("NFD", name.upper())
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^A-Z ]", "", re.sub(r"[-‐–.,/]", " ", plain)).split())


def names_agree(typed: str, read: str, local: str | None = None, *, truncated: bool = False) -> Agreement:
    """How the name read from a passport fits the typed one.

    local: as the passenger writes it, in Russian or Turkmen; by it spellings are known as variants for certain.
    truncated: the passport's line was too short, so that the name read may be only the beginning.
    """
    ours, theirs = as_in_mrz(typed), as_in_mrz(read)
    if ours == theirs or (truncated and theirs and ours.startswith(theirs)):
        return Agreement.SAME
    if _joined(ours) == _joined(theirs) or _folded(ours) == _folded(theirs):
        return Agreement.VARIANT
    if local and may_spell(theirs, local, truncated=truncated) and may_spell(ours, local):
        return Agreement.VARIANT
    return Agreement.DIFFERENT


def may_spell(latin: str, local: str, *, truncated: bool = False) -> bool:
    """Whether `latin` is one of the spellings of a Russian or Turkmen name; truncated: or the beginning of one."""
    letters = _joined(as_in_mrz(latin))
    source = re.sub(r"[^\w]", "", local.lower())
    lengths = range(1, len(source) + 1) if truncated else (len(source),)
    return bool(letters) and any(_pattern(source[:length]).fullmatch(letters) for length in lengths)


@cache
def _pattern(source: str) -> re.Pattern[str]:
    parts, place = [], 0
    while place < len(source):
        pair = source[place : place + 2]
        if pair in PAIRS:
            apart = "".join(f"(?:{SPELLINGS[letter]})" for letter in pair)
            parts.append(f"(?:{PAIRS[pair]}|{apart})")
            place += 2
        else:
            letter = source[place]
            parts.append(f"(?:{SPELLINGS.get(letter) or re.escape(as_in_mrz(letter))})")
            place += 1
    return re.compile("".join(parts))


def _joined(name: str) -> str:
    return name.replace(" ", "")


def _folded(name: str) -> str:
    folded = _joined(name)
    for pattern, sign in FOLDS:
        folded = pattern.sub(sign, folded)
    return folded
