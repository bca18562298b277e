"""How YooKassa says no: its error object."""

import uuid
from typing import Any


class YooKassaError(Exception):
    """An answer other than success, with its HTTP status."""

    def __init__(self, code: str, description: str, *, parameter: str | None = None, status: int = 400) -> None:
        super().__init__(description)
        self.status = status
        self.error = {"code": code, "description": description, "parameter": parameter}

    def body(self) -> dict[str, Any]:
        given = {name: value for name, value in self.error.items() if value is not None}
        return {"type": "error", "id": str(uuid.uuid4())} | given


def invalid(parameter: str, description: str) -> YooKassaError:
    return YooKassaError("invalid_request", description, parameter=parameter)


def missing(kind: str) -> YooKassaError:
    return YooKassaError("not_found", f"{kind} doesn't exist or access denied", status=404)
