"""What is taken in, what is made of it, and what is refused."""

from io import BytesIO

import pikepdf
import pytest
from PIL import Image

from portal.files import intake
from portal.files.errors import (
    FileDamaged,
    FileEmpty,
    FileTooLarge,
    KindNotTaken,
    PdfActive,
    PdfProtected,
    PdfTooLong,
    PictureTooLarge,
)
from portal.files.intake import MAX_BYTES, examine, page_picture
from portal.files.pictures import KEPT_SIDE
from tests.files import uploads

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", FileEmpty),
        (b"\xff\xd8\xff" + b"0" * MAX_BYTES, FileTooLarge),
        (b"a text that is only named passport.jpg", KindNotTaken),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", KindNotTaken),
        (b"GIF89a" + b"0" * 100, KindNotTaken),
        (b"\0\0\0\x18ftypheic" + b"0" * 100, FileDamaged),
        (b"\0\0\0\x18ftypavif" + b"0" * 100, FileDamaged),
        (uploads.heic()[:400], FileDamaged),
        (uploads.webp()[:2000], FileDamaged),
        (b"\xff\xd8\xff" + b"0" * 1000, FileDamaged),
        (uploads.jpeg()[:4000], FileDamaged),
        (uploads.png()[:9000], FileDamaged),
        (uploads.png_that_unpacks_to(60_000, 60_000), PictureTooLarge),
        (b"%PDF-1.7\nnothing follows", FileDamaged),
        (uploads.pdf()[:200], FileDamaged),
        (uploads.pdf(pages=21), PdfTooLong),
        (uploads.pdf_with_password(), PdfProtected),
        (uploads.pdf_that_only_one_program_shows(), PdfActive),
        (uploads.pdf_of(uploads.jpeg(), (60_000, 60_000)), PictureTooLarge),
        (uploads.pdf_that_unpacks_to(1500), FileDamaged),
        (uploads.webp_that_claims(16_000, 16_000), PictureTooLarge),
        (uploads.webp_that_claims(100, 100), FileDamaged),
        (uploads.jpeg_of_many_scans(), FileDamaged),
    ],
    ids=[
        "empty",
        "16 MB",
        "text",
        "svg",
        "gif",
        "not a heic after all",
        "not an avif after all",
        "truncated heic",
        "truncated webp",
        "not a jpeg after all",
        "truncated jpeg",
        "truncated png",
        "bomb",
        "head of a pdf",
        "truncated pdf",
        "21 pages",
        "password",
        "form of one program",
        "bomb in a pdf",
        "pdf that unpacks to 1.5 GB",
        "webp bomb",
        "head of a webp",
        "thousands of scans",
    ],
)
def test_a_file_that_is_not_taken_says_why(content, refusal):
    with pytest.raises(refusal):
        examine(content)


def test_a_photo_loses_place_and_metadata_and_stands_upright():
    examined = examine(uploads.jpeg((640, 400), orientation=6, gps=True))

    picture = Image.open(BytesIO(examined.content))
    assert (examined.media_type, examined.pages) == ("image/jpeg", 1)
    assert picture.size == (400, 640)
    assert dict(picture.getexif()) == {}
    assert b"Exif" not in examined.content


def test_a_photo_of_a_telephone_is_kept_as_jpeg_without_its_place():
    examined = examine(uploads.heic())

    picture = Image.open(BytesIO(examined.content))
    assert (examined.media_type, picture.format, picture.size) == ("image/jpeg", "JPEG", (64, 40))
    assert picture.getpixel((10, 20))[0] > 150 > picture.getpixel((10, 20))[1]
    assert min(picture.getpixel((50, 20))) > 240
    assert dict(picture.getexif()) == {}


def test_a_webp_picture_is_kept_as_jpeg():
    examined = examine(uploads.webp() + b"<script>alert(1)</script>")

    assert (examined.media_type, Image.open(BytesIO(examined.content)).format) == ("image/jpeg", "JPEG")
    assert b"<script>" not in examined.content


def test_an_avif_picture_is_kept_as_jpeg():
    examined = examine(uploads.avif())

    picture = Image.open(BytesIO(examined.content))
    assert (examined.media_type, picture.format, picture.size) == ("image/jpeg", "JPEG", (64, 40))


def test_a_large_picture_is_made_anew_apart_and_comes_out_the_same(monkeypatch):
    content = uploads.jpeg((640, 400), orientation=6, gps=True)
    here = examine(content).content

    monkeypatch.setattr(intake, "LARGE_PIXELS", 1000)

    assert examine(content).content == here


def test_what_is_hidden_behind_a_picture_does_not_survive():
    hidden = b"PK\x03\x04<script>alert(1)</script>"

    examined = examine(uploads.jpeg() + hidden)

    assert hidden not in examined.content


def test_what_is_hidden_behind_a_pdf_does_not_survive():
    hidden = b"<html><script>alert(1)</script></html>"

    examined = examine(uploads.pdf() + hidden)

    assert hidden not in examined.content
    assert examined.pages == 1


@pytest.mark.parametrize(
    "content",
    [uploads.pdf_with_script(), uploads.pdf_that_launches(), uploads.pdf_with_attachment()],
    ids=["script", "launch", "attachment"],
)
def test_a_pdf_that_could_act_becomes_one_that_is_only_looked_at(content):
    examined = examine(content)

    with pikepdf.open(BytesIO(examined.content)) as document:
        left = set().union(*(item.keys() for item in document.objects if isinstance(item, pikepdf.Dictionary)))
    assert examined.pages == 1
    assert left <= {"/Type", "/Pages", "/Kids", "/Count", "/Parent", "/MediaBox", "/Contents", "/Resources"}


def test_a_photo_in_a_pdf_loses_its_place_and_keeps_its_pixels():
    photo = uploads.jpeg((640, 400), gps=True)
    assert b"Exif" in photo

    examined = examine(uploads.pdf_of(photo))

    assert b"Exif" not in examined.content
    assert b"taken at home" not in examined.content
    page = Image.open(BytesIO(page_picture(examined.content, 1)))
    assert page.convert("L").getextrema()[0] < 100


def test_a_pdf_loses_its_author_and_links_that_act_on_opening():
    def sign(document):
        document.docinfo["/Author"] = "somebody"
        document.Root.OpenAction = pikepdf.Array([document.pages[0].obj, pikepdf.Name.Fit])

    examined = examine(uploads.pdf(sign, pages=2))

    with pikepdf.open(BytesIO(examined.content)) as document:
        assert "/Info" not in document.trailer
        assert "/OpenAction" not in document.Root
    assert examined.pages == 2


def test_a_transparent_picture_lies_on_white():
    examined = examine(uploads.png(mode="RGBA"))

    picture = Image.open(BytesIO(examined.content))
    assert picture.mode == "RGB"
    assert picture.getpixel((0, 0)) == (255, 255, 255)


def test_a_very_large_photo_is_kept_as_large_as_anybody_needs():
    examined = examine(uploads.png((KEPT_SIDE + 1000, 300)))

    assert max(Image.open(BytesIO(examined.content)).size) == KEPT_SIDE


def test_the_same_file_gives_the_same_copy():
    content = uploads.jpeg()

    assert examine(content).sha256 == examine(content).sha256


def test_a_page_of_a_pdf_becomes_a_picture():
    examined = examine(uploads.pdf(pages=2))

    picture = Image.open(BytesIO(page_picture(examined.content, 2)))

    assert picture.format == "JPEG"
    assert picture.height > picture.width
