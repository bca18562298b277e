"""A program of its own: reads a PDF or a HEIC photo from standard input, makes it anew, and nothing else.

It runs in a cage, apart from the portal, with little memory and time: what it reads comes from strangers.
Usage: pdf_cage.py clean        -> the number of pages, a newline, the new PDF
       pdf_cage.py render PAGE  -> the page as a JPEG
       pdf_cage.py heic         -> the photo as a JPEG, upright
A refusal is one word on standard output, and exit status 1.
"""

import sys
from io import BytesIO
from typing import Any

MAX_PAGES = 20
LONG_SIDE = 2000  # pixels of a page's picture
LARGEST_SCALE = 4.0
MAX_PIXELS = 60_000_000
# Names that only occur where a PDF acts, carries other files, or is a form of another kind.
ACTIVE_KEYS = frozenset(
    {"/JS", "/JavaScript", "/EmbeddedFile", "/EmbeddedFiles", "/EF", "/XFA", "/RichMediaContent", "/RichMediaSettings"}
)
ACTIVE_ACTIONS = frozenset(
    {"/JavaScript", "/Launch", "/GoToE", "/GoToR", "/ImportData", "/SubmitForm", "/Rendition", "/Movie", "/Sound"}
)

# What no reader sees: what runs at opening, who wrote it, what programs noted for themselves.
UNSEEN = frozenset({"/OpenAction", "/AA", "/Names", "/Metadata", "/AcroForm", "/PieceInfo", "/Info"})


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
        if any(active(item, pikepdf) for item in pdf.objects):
            raise SystemExit(refuse("active"))
        # What was typed into a form becomes part of the page; the form itself goes.
        pdf.generate_appearance_streams()
        pdf.flatten_annotations()
        for part in (pdf.Root, *(page.obj for page in pdf.pages), pdf.trailer):
            for name in UNSEEN & set(part.keys()):
                del part[name]
        target = BytesIO()
        pdf.save(target, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return b"%d\n" % pages + target.getvalue()


def active(item: Any, pikepdf: Any) -> bool:
    """Whether this object, or one written inside it, could do anything but be looked at."""
    waiting = [item]
    while waiting:
        one = waiting.pop()
        if isinstance(one, pikepdf.Array):
            waiting += [entry for entry in one if direct(entry, pikepdf)]
        elif isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
            keys = set(one.keys())
            if keys & ACTIVE_KEYS:
                return True
            if {str(one.get(name)) for name in ("/S", "/Type", "/Subtype") if name in keys} & (
                ACTIVE_ACTIONS | ACTIVE_KEYS | {"/RichMedia", "/FileAttachment", "/Screen", "/3D"}
            ):
                return True
            waiting += [one[name] for name in keys if direct(one[name], pikepdf)]
    return False


def direct(value: Any, pikepdf: Any) -> bool:
    """Written inside its parent: all others are objects of the file and looked at by themselves."""
    return isinstance(value, pikepdf.Object) and not value.is_indirect


def render(content: bytes, number: int) -> bytes:
    import pypdfium2

    document = pypdfium2.PdfDocument(content)
    page = document[number - 1]
    scale = min(LARGEST_SCALE, LONG_SIDE / max(page.get_size()))
    picture = page.render(scale=scale).to_pil().convert("RGB")
    target = BytesIO()
    picture.save(target, "JPEG", quality=85)
    return target.getvalue()


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


def refuse(word: str) -> int:
    sys.stdout.write(word)
    return 1


def main(arguments: list[str]) -> int:
    content = sys.stdin.buffer.read()
    try:
        if arguments[0] == "heic":
            answer = heic(content)
        else:
            answer = clean(content) if arguments[0] == "clean" else render(content, int(arguments[1]))
    except (Exception, MemoryError):
        return refuse("damaged")
    sys.stdout.buffer.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
