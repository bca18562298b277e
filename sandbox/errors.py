"""How the API says no: Stripe's error object with its type, code and parameter."""

from typing import Any


class ApiError(Exception):
    """An answer other than success; becomes `{"error": {...}}` with the HTTP status."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
        status: int = 400,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"code": code, "message": message, "param": param, "type": kind}

    def body(self) -> dict[str, Any]:
        return {"error": {name: value for name, value in self.error.items() if value is not None}}


class InvalidParameter(ApiError):
    """A parameter that does not fit: the request never began, so its idempotency key stays free."""


def missing(kind: str, identifier: str, param: str | None = None) -> ApiError:
    """No such object. `param` is the parameter that named it, or the id in the address."""
    return ApiError(
        f"No such {kind}: '{identifier}'", code="resource_missing", param=param, status=400 if param else 404
    )
