"""A program of its own: reads a PDF or a picture from standard input, makes it anew, and nothing else.

It runs in a cage, apart from the portal, with little memory and time: what it reads comes from strangers.
Usage: pdf_cage.py clean             -> the number of pages, a newline, the new PDF, each page drawn once for a trial
       pdf_cage.py render PAGE       -> the page as a JPEG
       pdf_cage.py picture KIND KEPT -> the picture as "JPEG" or "PNG", upright
       pdf_cage.py heic              -> the photo as a JPEG, upright
A refusal is one word on standard output, and exit status 1.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

MAX_PAGES = 20
LONG_SIDE = 2000  # pixels of a page's picture
TRIAL_SIDE = 100
LARGEST_SCALE = 4.0
MAX_PIXELS = 60_000_000

# All that a page needs to be seen; what is not named here goes: actions, outlines, forms, annotations, attached files,
# scripts, what programs noted for themselves.
KEPT_OF_FILE = frozenset({"/Root", "/Size", "/ID"})
KEPT_OF_ROOT = frozenset({"/Type", "/Pages", "/OCProperties"})
KEPT_OF_PAGE = frozenset(
    {"/Type", "/Parent", "/Resources", "/MediaBox", "/CropBox", "/Rotate", "/Contents", "/Group", "/UserUnit"}
)
KEPT_OF_PAGES = frozenset({"/Type", "/Parent", "/Kids", "/Count", "/Resources", "/MediaBox", "/CropBox", "/Rotate"})
# Inside what is left, in any object.
UNSEEN = frozenset({"/Metadata", "/PieceInfo", "/AA", "/OpenAction", "/AF", "/Thumb", "/OPI", "/Ref", "/LastModified"})
# Of a stream: its content lies in another file.
ELSEWHERE = frozenset({"/F", "/FFilter", "/FDecodeParms"})

# Names that only occur where a PDF acts, carries other files, or is a form of another kind. None is left by now.
ACTIVE_KEYS = frozenset(
    {"/JS", "/JavaScript", "/EmbeddedFile", "/EmbeddedFiles", "/EF", "/XFA", "/RichMediaContent", "/RichMediaSettings"}
)
ACTIVE_KINDS = ACTIVE_KEYS | {
    "/JavaScript", "/Launch", "/GoToE", "/GoToR", "/ImportData", "/SubmitForm", "/Rendition", "/Movie", "/Sound", "/PS",
    "/RichMedia", "/FileAttachment", "/Screen", "/3D",
}  # fmt: skip
KINDS = ("/S", "/Type", "/Subtype", "/Subtype2")

# Segments of a JPEG that hold pixels or say how to read them; all others tell of the camera and where it stood.
NOTES = frozenset({0xE1, *range(0xE3, 0xEE), 0xEF, 0xFE})
START_OF_SCAN = 0xDA


def clean(content: bytes) -> bytes:
    import pikepdf

    try:
        pdf = pikepdf.open(BytesIO(content))
    except pikepdf.PasswordError:
        raise SystemExit(refuse("protected")) from None
    with pdf:
        if pdf.is_encrypted:
            raise SystemExit(refuse("protected"))
        pages = len(pdf.pages)
        if not pages:
            raise SystemExit(refuse("damaged"))
        if pages > MAX_PAGES:
            raise SystemExit(refuse("too_long"))
        root: Any = pdf.Root
        if root.get("/NeedsRendering") is True:  # a form whose pages exist in one program alone
            raise SystemExit(refuse("active"))
        # What was typed into a form becomes part of the page; the form itself goes.
        pdf.generate_appearance_streams()
        pdf.flatten_annotations()
        keep_only(pdf.trailer, KEPT_OF_FILE)
        keep_only(root, KEPT_OF_ROOT)
        for page in pdf.pages:
            keep_only(page.obj, KEPT_OF_PAGE)
        for item in pdf.objects:
            strip(item, pikepdf)
        target = BytesIO()
        pdf.save(target, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    remade = target.getvalue()
    with pikepdf.open(BytesIO(remade)) as pdf:
        if any(active(part) for item in pdf.objects for part in parts(item, pikepdf)):
            raise SystemExit(refuse("active"))
    try_drawing(remade)
    return b"%d\n" % pages + remade


def keep_only(part: Any, names: frozenset[str]) -> None:
    for name in set(part.keys()) - names:
        del part[name]


def strip(item: Any, pikepdf: Any) -> None:
    """Take from one object of the file what no reader sees."""
    for part in parts(item, pikepdf):
        names = set(part.keys())
        unseen = names & (UNSEEN | ACTIVE_KEYS)
        if part.get("/Type") == "/Pages":
            unseen |= names - KEPT_OF_PAGES
        if isinstance(part, pikepdf.Stream):
            unseen |= names & ELSEWHERE
        for name in unseen:
            del part[name]
    if isinstance(item, pikepdf.Stream) and item.get("/Subtype") == "/Image":
        if int(item.get("/Width", 0)) * int(item.get("/Height", 0)) > MAX_PIXELS:
            raise SystemExit(refuse("too_large"))
        filters = item.get("/Filter")
        if filters == "/DCTDecode" or (isinstance(filters, pikepdf.Array) and list(filters) == ["/DCTDecode"]):
            photo = item.read_raw_bytes()
            item.write(
                without_notes(photo), filter=pikepdf.Name.DCTDecode, decode_parms=item.get("/DecodeParms")
            )


def parts(item: Any, pikepdf: Any) -> Iterator[Any]:
    """The dictionaries of one object: itself, and those written inside it."""
    waiting = [item]
    while waiting:
        one = waiting.pop()
        if isinstance(one, pikepdf.Array):
            waiting += [entry for entry in one if direct(entry, pikepdf)]
        elif isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
            yield one
            waiting += [one[name] for name in set(one.keys()) if direct(one[name], pikepdf)]


def direct(value: Any, pikepdf: Any) -> bool:
    """Written inside its parent: all others are objects of the file and looked at by themselves."""
    return isinstance(value, pikepdf.Object) and not value.is_indirect


def active(part: Any) -> bool:
    """Whether it could do anything but be looked at."""
    names = set(part.keys())
    return bool(names & ACTIVE_KEYS or {str(part.get(name)) for name in KINDS if name in names} & ACTIVE_KINDS)


def without_notes(photo: bytes) -> bytes:
    """A JPEG without the segments that tell where and by what it was taken; damaged ones are left to their reader."""
    kept, at = [photo[:2]], 2
    while photo[at : at + 1] == b"\xff" and len(photo) > at + 4 and photo[at + 1] != START_OF_SCAN:
        end = at + 2 + int.from_bytes(photo[at + 2 : at + 4], "big")
        if photo[at + 1] not in NOTES:
            kept.append(photo[at:end])
        at = end
    return b"".join([*kept, photo[at:]])


def try_drawing(content: bytes) -> None:
    """Every page, small: what cannot be drawn now would fail before a reviewer. Raises what the reader raises."""
    import pypdfium2

    document = pypdfium2.PdfDocument(content)
    for page in document:
        page.render(scale=min(LARGEST_SCALE, TRIAL_SIDE / max(page.get_size())))


def render(content: bytes, number: int) -> bytes:
    import pypdfium2

    document = pypdfium2.PdfDocument(content)
    page = document[number - 1]
    scale = min(LARGEST_SCALE, LONG_SIDE / max(page.get_size()))
    picture = page.render(scale=scale).to_pil().convert("RGB")
    target = BytesIO()
    picture.save(target, "JPEG", quality=85)
    return target.getvalue()


def picture(content: bytes, kind: str, kept: str) -> bytes:
    pictures = pictures_alone()
    try:
        remade: bytes = pictures.remade(content, kind, kept)
    except pictures.TooManyPixels:
        raise SystemExit(refuse("too_large")) from None
    return remade


def heic(content: bytes) -> bytes:
    try:
        import pi_heif
    except ImportError:
        raise SystemExit(refuse("absent")) from None
    photo = pi_heif.open_heif(BytesIO(content), convert_hdr_to_8bit=True)
    width, height = photo.size
    if width * height > MAX_PIXELS:
        raise SystemExit(refuse("too_large"))
    target = BytesIO()
    photo.to_pillow().convert("RGB").save(target, "JPEG", quality=92)  # without what else the file told
    return target.getvalue()


def pictures_alone() -> Any:
    """portal.files.pictures without the portal around it."""
    place = importlib.util.spec_from_file_location("pictures", Path(__file__).with_name("pictures.py"))
    assert place is not None
    assert place.loader is not None
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


def refuse(word: str) -> int:
    sys.stdout.write(word)
    return 1


def main(arguments: list[str]) -> int:
    content = sys.stdin.buffer.read()
    tasks = {"clean": clean, "heic": heic}
    try:
        if arguments[0] == "render":
            answer = render(content, int(arguments[1]))
        elif arguments[0] == "picture":
            answer = picture(content, *arguments[1:])
        else:
            answer = tasks[arguments[0]](content)
    except (Exception, MemoryError):
        return refuse("damaged")
    sys.stdout.buffer.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
