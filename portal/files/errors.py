"""Why a file is not taken, in words that say what to do instead."""

from flask_babel import lazy_gettext as _l

from portal.kernel.errors import Refused


class FileEmpty(Refused):
    message = _l("This file is empty. Please choose it again.")


class FileTooLarge(Refused):
    message = _l("This file is larger than 15 MB. Please take a smaller photo or scan it at a lower resolution.")


class KindNotTaken(Refused):
    message = _l(
        "This is not a JPEG, PNG, WebP, HEIC or PDF file. Please save the document as one of these and try again."
    )


class Infected(Refused):
    message = _l(
        "The virus scanner found something dangerous in this file, so it was not kept. Please take a new photo of the"
        " document, and have the device checked from which the file comes."
    )


class PhoneFormat(Refused):
    message = _l(
        "Photos in this format of telephones cannot be opened here. Please send it as JPEG: on an iPhone choose"
        " Settings, Camera, Formats, Most Compatible, or take a screenshot of the photo."
    )


class PictureTooLarge(Refused):
    message = _l("This picture has more than 60 million pixels. Please take it at a lower resolution.")


class FileDamaged(Refused):
    message = _l("This file is damaged or was not uploaded whole. Please try again or take a new photo.")


class PdfProtected(Refused):
    message = _l("This PDF is protected by a password. Please save it without one, or upload a photo of the document.")


class PdfTooLong(Refused):
    message = _l("This PDF has more than 20 pages. Please upload only the pages that are asked for.")


class PdfActive(Refused):
    message = _l(
        "This PDF shows its pages only in the program it was made for. Please print it to a new PDF, or upload a photo"
        " of the document."
    )


class TooBusy(Refused):
    message = _l("Please wait a few minutes and try again. Nothing is lost.")
