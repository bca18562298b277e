"""Files as people and as attackers make them."""

from __future__ import annotations

import struct
import zlib
from base64 import b64decode
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pikepdf
from PIL import Image

NORTH = 1  # GPSLatitudeRef
GPS = 0x8825
ORIENTATION = 0x0112
# Made once by a program that writes the format, since what the project uses only reads it.
HEIC = (
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAb5tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "ADRpbG9jAAAAAERAAAIAAQAAAAAB4gABAAAAAAAAAFsAAgAAAAACPQABAAAAAAAAADYAAAA4aWluZgAAAAAAAgAAABVpbmZlAgAA"
    "AAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAA"
    "kAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq"
    "5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xh"
    "cAAAAEAAAAABAAAAKAAAAAEAAAAAAAAAAv///+gAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAA"
    "ABppcmVmAAAAAAAAAA5jZHNjAAIAAQABAAAAmW1kYXQAAABXKAGvWOb06r//5/D//q5Mh8u7/1f/4hD1Xuu0/6HXVpX2zv+D1Cmh"
    "8+RVQD6e067hRd+/0A+4pLMiUA9UY9r+i6WTHl57vpf9ZrSM+jT9MFhVnvm9hd+8AAAABkV4aWYAAE1NACoAAAAIAAGIJQAEAAAA"
    "AQAAABoAAAAAAAEAAQACAAAAAk4AAAAAAAAA"
)


def jpeg(size: tuple[int, int] = (640, 400), *, orientation: int | None = None, gps: bool = False) -> bytes:
    exif = Image.Exif()
    if orientation:
        exif[ORIENTATION] = orientation
    if gps:
        exif.get_ifd(GPS)[NORTH] = "N"
    return _saved(Image.effect_noise(size, 40).convert("RGB"), "JPEG", exif=exif)


def png(size: tuple[int, int] = (640, 400), mode: str = "RGB") -> bytes:
    """Noise, or nothing at all where the mode has transparency."""
    return _saved(Image.effect_noise(size, 40).convert("RGB") if mode == "RGB" else Image.new(mode, size), "PNG")


def webp(size: tuple[int, int] = (640, 400)) -> bytes:
    return _saved(Image.effect_noise(size, 40).convert("RGB"), "WEBP")


def heic() -> bytes:
    """64 by 40 pixels, the left half red, the right one white, with a position on the earth."""
    return b64decode(HEIC)


def avif(size: tuple[int, int] = (64, 40)) -> bytes:
    return _saved(Image.effect_noise(size, 40).convert("RGB"), "AVIF")


def webp_that_claims(width: int, height: int) -> bytes:
    """A head without a picture."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + (10).to_bytes(4, "little") + bytes(4) + sides
    return b"RIFF" + (4 + len(chunk)).to_bytes(4, "little") + b"WEBP" + chunk


def jpeg_of_many_scans(scans: int = 5000) -> bytes:
    """Built up in so many steps, each over the whole picture: small to send and slow to open."""
    whole = _saved(Image.new("L", (2000, 2000), 90), "JPEG", progressive=True)
    first = whole.index(b"\xff\xda")
    return whole[:-2] + whole[first:-2] * (scans // whole.count(b"\xff\xda")) + whole[-2:]


def png_that_unpacks_to(width: int, height: int) -> bytes:
    """A few kilobytes that claim to be a picture of any size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * (width // 8 + 1) * min(height, 500))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def pdf(change: Callable[[pikepdf.Pdf], Any] | None = None, *, pages: int = 1, **saving: Any) -> bytes:
    document = pikepdf.new()
    for _ in range(pages):
        document.add_blank_page(page_size=(300, 420))
    if change:
        change(document)
    target = BytesIO()
    document.save(target, **saving)
    return target.getvalue()


def pdf_with_password() -> bytes:
    return pdf(encryption=pikepdf.Encryption(owner="owner", user="user"))


def pdf_with_script() -> bytes:
    def add(document: pikepdf.Pdf) -> None:
        document.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")

    return pdf(add)


def pdf_that_launches() -> bytes:
    def add(document: pikepdf.Pdf) -> None:
        document.pages[0].obj.AA = pikepdf.Dictionary(O=pikepdf.Dictionary(S=pikepdf.Name.Launch, F="cmd.exe"))

    return pdf(add)


def pdf_that_only_one_program_shows() -> bytes:
    def add(document: pikepdf.Pdf) -> None:
        document.Root.NeedsRendering = True
        document.Root.AcroForm = pikepdf.Dictionary(XFA=document.make_stream(b"<xdp/>"), Fields=pikepdf.Array())

    return pdf(add)


def pdf_of(photo: bytes, size: tuple[int, int] = (640, 400)) -> bytes:
    """A photo on one page, as programs that scan with a telephone make it: the JPEG as the camera wrote it."""

    def add(document: pikepdf.Pdf) -> None:
        picture = document.make_stream(
            photo,
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Image,
            Width=size[0],
            Height=size[1],
            ColorSpace=pikepdf.Name.DeviceRGB,
            BitsPerComponent=8,
            Filter=pikepdf.Name.DCTDecode,
            Metadata=document.make_stream(b"<x:xmpmeta>taken at home</x:xmpmeta>"),
        )
        page = document.pages[0].obj
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=picture))
        page.Contents = document.make_stream(b"q 300 0 0 420 0 0 cm /Im0 Do Q")

    return pdf(add)


def pdf_that_unpacks_to(megabytes: int) -> bytes:
    """A page whose drawing is nothing but spaces, packed a thousand to one: one packed megabyte again and again."""
    size, pack = megabytes * 1024 * 1024, zlib.compressobj(9, zlib.DEFLATED, -15)
    block = pack.compress(b" " * 1024 * 1024) + pack.flush(zlib.Z_FULL_FLUSH)
    # Adler-32 of so many spaces, without looking at each.
    sums = (1 + 32 * size) % 65521, (size + 32 * size * (size + 1) // 2) % 65521
    packed = b"\x78\xda" + block * megabytes + b"\x03\x00" + (sums[1] << 16 | sums[0]).to_bytes(4, "big")

    def add(document: pikepdf.Pdf) -> None:
        document.pages[0].obj.Contents = pikepdf.Stream(document, packed, Filter=pikepdf.Name.FlateDecode)

    return pdf(add)


def pdf_with_attachment() -> bytes:
    def add(document: pikepdf.Pdf) -> None:
        document.attachments["tool.exe"] = b"MZ"

    return pdf(add)


def _saved(picture: Image.Image, kind: str, **how: Any) -> bytes:
    target = BytesIO()
    picture.save(target, kind, **how)
    return target.getvalue()
