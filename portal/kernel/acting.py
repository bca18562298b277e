"""Who acts now: set for each request and for the worker, so that no service can forget to say it."""

from contextvars import ContextVar

acting: ContextVar[str] = ContextVar("acting", default="system")
