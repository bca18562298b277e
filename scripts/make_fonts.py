"""Put the subsets of Golos Text together into the three faces that documents are set in.

A browser loads the subsets that a page needs; Typst wants one file a face. Run by hand when the font changes, in an
environment of its own with fonttools and brotli, over the unpacked npm package @fontsource/golos-text:

    python scripts/make_fonts.py PACKAGE_FOLDER
"""

import shutil
import sys
from pathlib import Path

from fontTools.merge import Merger
from fontTools.merge import Options as MergeOptions
from fontTools.subset import Options as SubsetOptions
from fontTools.subset import Subsetter
from fontTools.ttLib import TTFont

TARGET = Path(__file__).resolve().parent.parent / "static" / "fonts"
FACES = {"Regular": 400, "Medium": 500, "Bold": 700}
SUBSETS = ("latin", "latin-ext", "cyrillic", "cyrillic-ext")
NEEDED = "ňžşýäöüçŇŽŞÝÄÖÜÇёЁқғӘ₽₸№«»„“”–—−·•×…"
KEEP_FEATURES = ["kern", "mark", "mkmk", "ccmp", "locl", "tnum", "lnum", "case"]


def face(folder: Path, name: str, weight: int) -> TTFont:
    """One static face with every letter of the subsets."""
    parts = []
    for subset in SUBSETS:
        part = folder / "files" / f"golos-text-{subset}-{weight}-normal.woff2"
        plain = TARGET / f"{subset}-{weight}.part"
        font = TTFont(part, recalcTimestamp=False)
        font.flavor = None
        font.save(plain)
        parts.append(plain)
    merged = Merger(options=MergeOptions(drop_tables=["DSIG", "STAT", "meta"])).merge([str(part) for part in parts])
    # The time of merging would make each run a new file.
    merged["head"].created = merged["head"].modified = TTFont(parts[0])["head"].modified
    merged.recalcTimestamp = False
    for part in parts:
        part.unlink()
    _name(merged, name, weight)
    options = SubsetOptions(
        hinting=False,  # for screens of few pixels; paper has enough
        layout_features=KEEP_FEATURES,
        name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14, 16, 17],
        notdef_outline=True,
    )
    small = Subsetter(options)
    small.populate(unicodes=merged.getBestCmap())
    small.subset(merged)
    return merged


def _name(font: TTFont, name: str, weight: int) -> None:
    """The subsets may call themselves by their weight in several ways; Typst chooses by family and weight class."""
    table = font["name"]
    family = "Golos Text"
    regular = name in ("Regular", "Bold")
    for record in list(table.names):
        if record.nameID in (1, 2, 4, 6, 16, 17):
            table.removeNames(nameID=record.nameID)
    texts = {
        1: family if regular else f"{family} {name}",
        2: name if regular else "Regular",
        4: f"{family} {name}",
        6: f"GolosText-{name}",
    }
    if not regular:
        texts |= {16: family, 17: name}
    for number, text in texts.items():
        table.setName(text, number, 3, 1, 0x409)
    font["OS/2"].usWeightClass = weight


def main() -> None:
    folder = Path(sys.argv[1])
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, weight in FACES.items():
        font = face(folder, name, weight)
        missing = [letter for letter in NEEDED if ord(letter) not in font.getBestCmap()]
        path = TARGET / f"GolosText-{name}.ttf"
        font.save(path)
        print(f"{path.name}: {len(font.getBestCmap())} letters, {path.stat().st_size // 1024} KB, without {missing}")
    shutil.copy(folder / "LICENSE", TARGET / "OFL.txt")


if __name__ == "__main__":
    main()
