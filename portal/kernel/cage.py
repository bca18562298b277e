"""Runs one of our programs on what a stranger sent, apart from the portal, with bounded memory and time.

Started as a program itself (`cage.py MEMORY_BYTES CPU_SECONDS PROGRAM TASK…`) it takes the bounds upon itself and then
becomes PROGRAM, which cannot loosen them.
"""

from __future__ import annotations

import contextlib
import runpy
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TOOK_TOO_LONG = -9  # as of every process that was killed


@dataclass(frozen=True)
class Cage:
    """A program with its bounds: memory counts addresses, in bytes; time is that of the processor and of the clock."""

    program: Path
    memory_bytes: int
    cpu_seconds: int
    seconds: float

    def work(self, *task: str, content: bytes) -> tuple[int, bytes]:
        """Give it `content` on its standard input; its exit status, TOOK_TOO_LONG perhaps, and what it wrote."""
        bounds = (str(self.memory_bytes), str(self.cpu_seconds))
        command = [sys.executable, "-I", __file__, *bounds, str(self.program), *task]
        try:
            done = subprocess.run(command, input=content, capture_output=True, timeout=self.seconds)
        except subprocess.TimeoutExpired:
            return TOOK_TOO_LONG, b""
        return done.returncode, done.stdout


def bound(memory_bytes: int, cpu_seconds: int) -> None:
    """As far as the system lets us; no file is written, nor a picture of the memory when it ends badly."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    bound(int(sys.argv[1]), int(sys.argv[2]))
    program = sys.argv[3]
    del sys.argv[1:4]
    runpy.run_path(program, run_name="__main__")
