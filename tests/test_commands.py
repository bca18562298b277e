"""`make run` from the first line to the last, and how it ends where it cannot go on."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing, suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent
PATIENCE_SECONDS = 90


def neighbouring_ports():
    """Two free ports side by side: the portal's and the sandbox's."""
    while True:
        with closing(socket.socket()) as first, closing(socket.socket()) as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


class Launcher:
    """`make run` on a data folder of its own, its lines read as they come."""

    def __init__(self, data, port):
        self.port = port
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("STRIPE_", "PYTEST"))}
        for name in ("DATABASE_URL", "REDIS_URL", "MAKELEVEL", "MAKEFLAGS"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            ["make", "run", f"PORT={port}", f"PORTAL_DATA={data}"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines = []

    def read_until(self, words):
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if words in line:
                return
        pytest.fail(f"{words!r} never came:\n" + "\n".join(self.lines))

    def read_to_the_end(self):
        self.lines += self.process.stdout.read().splitlines()
        return self.process.wait(PATIENCE_SECONDS)

    def press_ctrl_c(self):
        """The terminal sends it to every process in front: make and the launcher."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.read_to_the_end()

    def descendants(self):
        parents = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = status.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(status.parent.name)] = int(fields[1])
        found, level = set(), {self.process.pid}
        while level:
            level = {pid for pid, parent in parents.items() if parent in level}
            found |= level
        return found

    def process_of(self, words):
        """The oldest process below the launcher with these words in its command: a server, not one of its workers."""
        for pid in sorted(self.descendants()):
            with suppress(FileNotFoundError, ProcessLookupError):
                if words in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "):
                    return pid
        return None

    def status(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code
        except OSError:
            return None


@pytest.fixture
def launch(tmp_path):
    started = []

    def launch(data=tmp_path / "data", port=None):
        launcher = Launcher(data, port or neighbouring_ports())
        started.append(launcher)
        return launcher

    yield launch
    for launcher in started:
        if launcher.process.poll() is None:
            os.killpg(launcher.process.pid, signal.SIGTERM)
        launcher.process.stdout.close()
        launcher.process.wait(PATIENCE_SECONDS)


def comes_true(condition):
    """Whether the condition holds before patience ends; other processes bring it about."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def gone(pids):
    return comes_true(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def test_one_command_leads_to_a_portal_that_answers_and_a_second_start_keeps_what_it_made(launch, tmp_path):
    launcher = launch()

    launcher.read_until("Ctrl-C stops it.")
    answers = [launcher.status(path) for path in ("/healthz", "/readyz", "/ru/", "/tk/", "/en/cruises")]
    other = ends_with(launch())
    below = launcher.descendants()
    launcher.press_ctrl_c()

    assert answers == [200] * 5
    assert len(other) == 1
    assert other[0].startswith("A portal already runs on the data folder")
    shown = "\n".join(launcher.lines)
    accounts = json.loads((tmp_path / "data" / "demonstration.json").read_text())
    assert f"http://127.0.0.1:{launcher.port}/" in shown
    assert f"http://127.0.0.1:{launcher.port + 1}/mail" in shown
    assert accounts
    assert all(account["email"] in shown and account["password"] in shown for account in accounts)
    assert len(below) >= 4
    assert gone(below)
    assert "Stopped." in shown
    assert "Traceback" not in shown

    kept = {name: (tmp_path / "data" / name).read_bytes() for name in ("secrets.json", "demonstration.json")}
    began = time.monotonic()
    second = launch()
    second.read_until("Ctrl-C stops it.")
    seconds = time.monotonic() - began

    assert {name: (tmp_path / "data" / name).read_bytes() for name in kept} == kept
    assert second.status("/en/cruises") == 200
    assert "Preparing the database ..." not in second.lines
    # Some three seconds where nothing else runs; the rest is for the tests beside this one.
    assert seconds < 20


def test_a_killed_process_is_started_again_and_none_goes_on_when_make_is_killed(launch):
    names = {"wsgi:app": "The web server", "portal.worker": "The worker", "sandbox:create": "The payment sandbox"}
    launcher = launch()
    launcher.read_until("Ctrl-C stops it.")
    victims = {command: launcher.process_of(command) for command in names}

    for command, name in names.items():
        os.kill(victims[command], signal.SIGKILL)
        launcher.read_until(f"{name} ended unexpectedly (signal 9)")

    assert comes_true(lambda: launcher.status("/readyz") == 200)
    assert all(comes_true(lambda c=command: launcher.process_of(c) is not None) for command in names)
    assert all(launcher.process_of(command) != victim for command, victim in victims.items())

    below = launcher.descendants()
    launcher.process.kill()

    assert gone(below)


def ends_with(launcher):
    code = launcher.read_to_the_end()
    assert code != 0
    said = [line for line in launcher.lines if not line.startswith("make: ***")]
    assert not any("Traceback" in line for line in said)
    return said


@pytest.mark.parametrize("which", [0, 1], ids=["of the portal", "of the sandbox"])
def test_a_taken_port_is_named_in_one_sentence(launch, which):
    port = neighbouring_ports()
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", port + which))
        other.listen()

        said = ends_with(launch(port=port))

    assert len(said) == 1
    assert said[0].startswith(f"Port {port + which} is taken")


def test_a_port_that_is_no_port_is_refused_in_one_sentence(launch):
    assert ends_with(launch(port="harbour")) == ["PORT is 'harbour'; it must be a number from 1 to 65534."]


def test_a_data_folder_that_cannot_be_written_is_named_in_one_sentence(launch, tmp_path):
    (tmp_path / "file").touch()

    said = ends_with(launch(data=tmp_path / "file" / "data"))

    assert len(said) == 1
    assert said[0].startswith(f"The data folder {tmp_path / 'file' / 'data'} cannot be written")


@pytest.fixture
def clone(tmp_path):
    """What the first steps need of a fresh clone, without its environment."""
    (tmp_path / "clone").mkdir()
    shutil.copytree(ROOT / "scripts", tmp_path / "clone" / "scripts")
    shutil.copy(ROOT / "requirements.txt", tmp_path / "clone")
    return tmp_path / "clone"


def prepare(clone, **environment):
    done = subprocess.run(
        [sys.executable, "scripts/prepare.py", "requirements.txt"],
        cwd=clone,
        env={"PATH": os.defpath, "HOME": str(clone), "PIP_CONFIG_FILE": os.devnull} | environment,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_a_package_index_out_of_reach_is_named_in_one_sentence_and_asked_again_next_time(clone):
    with closing(socket.socket()) as closed:  # bound, but nobody listens
        closed.bind(("127.0.0.1", 0))
        index = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        answers = [prepare(clone, PIP_INDEX_URL=index, PIP_RETRIES="0", PIP_NO_CACHE_DIR="1") for _ in range(2)]

    sentence = "The Python packages could not be installed: the package index does not answer"
    assert [code for code, _, _ in answers] == [1, 1]
    assert [said[-1].startswith(sentence) for _, said, _ in answers] == [True, True]
    assert [errors for _, _, errors in answers] == ["", ""]
    assert answers[1][1][0] == "Installing packages ..."  # the environment itself was good and is kept


def test_an_environment_left_half_made_is_made_afresh(clone):
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").write_text("no program")

    _, said, errors = prepare(clone, PIP_NO_INDEX="1")

    assert said[:2] == ["Creating the virtual environment ...", "Installing packages ..."]
    assert errors == ""


def test_a_python_that_is_too_old_is_named_in_one_sentence(clone):
    old = "import sys; sys.version_info = (3, 9, 18); sys.argv = ['prepare.py', 'requirements.txt']; "
    old += "sys.version = '3.9.18 (main)'; sys.path.insert(0, 'scripts'); import prepare; sys.exit(prepare.main())"

    done = subprocess.run(
        [sys.executable, "-c", old], cwd=clone, env={"PATH": str(clone)}, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert done.stdout == "Python 3.11 or newer is needed; this is 3.9.18.\n"
    assert done.stderr == ""
