"""A process's token tells whether it is alive, however it ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from taxi_assets.storage.processes import home_name, is_alive, process_token

PROGRAM = """
import sys
from pathlib import Path
from taxi_assets.storage.processes import process_token
print(process_token(Path(sys.argv[1])), flush=True)
sys.stdin.readline()
sys.exit(sys.argv[2] or None)
"""


@contextmanager
def other_process(home: Path, says: str = "") -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that has a token, which is given too, and that ends when it is spoken to."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(home), says],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def files_below(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file()]


def test_this_process_is_alive(tmp_path: Path) -> None:
    assert is_alive(tmp_path, process_token(tmp_path))


def test_this_process_is_alive_also_when_it_is_asked_again(tmp_path: Path) -> None:
    token = process_token(tmp_path)
    assert [is_alive(tmp_path, token) for _ in range(3)] == [True] * 3


def test_a_process_has_one_token_in_a_home(tmp_path: Path) -> None:
    assert process_token(tmp_path) == process_token(tmp_path)


def test_a_process_has_another_token_in_another_home(tmp_path: Path) -> None:
    tokens = {home: process_token(home) for home in (tmp_path / "one", tmp_path / "two")}
    assert len(set(tokens.values())) == 2
    assert all(is_alive(home, token) for home, token in tokens.items())


def test_a_token_is_of_its_home_only(tmp_path: Path) -> None:
    assert not is_alive(tmp_path / "two", process_token(tmp_path / "one"))


def test_a_token_that_nobody_has_is_not_alive(tmp_path: Path) -> None:
    process_token(tmp_path)
    assert not is_alive(tmp_path, "0123456789abcdef0123456789abcdef")
    assert not is_alive(tmp_path, "")


def test_asking_in_a_home_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    assert not is_alive(tmp_path / "home", "0123456789abcdef0123456789abcdef")
    assert not (tmp_path / "home").exists()


def test_another_process_that_lives_is_alive(tmp_path: Path) -> None:
    with other_process(tmp_path) as (_, token):
        assert token != process_token(tmp_path)
        assert is_alive(tmp_path, token)


def test_a_stopped_process_is_alive(tmp_path: Path) -> None:
    with other_process(tmp_path) as (process, token):
        process.send_signal(signal.SIGSTOP)
        assert is_alive(tmp_path, token)
        process.send_signal(signal.SIGCONT)


def test_a_killed_process_is_not_alive(tmp_path: Path) -> None:
    with other_process(tmp_path) as (process, token):
        process.kill()
        process.wait()
        assert not is_alive(tmp_path, token)


def test_a_killed_process_that_nobody_waited_for_is_not_alive(tmp_path: Path) -> None:
    with other_process(tmp_path) as (process, token):
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not is_alive(tmp_path, token)


def test_of_a_killed_process_no_file_stays_once_it_was_asked_for(tmp_path: Path) -> None:
    with other_process(tmp_path) as (process, token):
        process.kill()
        process.wait()
        assert files_below(tmp_path)
        is_alive(tmp_path, token)
        assert files_below(tmp_path) == []
        assert not is_alive(tmp_path, token)


def test_a_process_that_ended_is_not_alive_and_leaves_no_file(tmp_path: Path) -> None:
    with other_process(tmp_path) as (process, token):
        process.communicate("end\n")
        assert process.returncode == 0
        assert files_below(tmp_path) == []
        assert not is_alive(tmp_path, token)


def test_a_process_that_failed_leaves_no_file(tmp_path: Path) -> None:
    with other_process(tmp_path, "a fault") as (process, _):
        process.communicate("end\n")
        assert process.returncode == 1
        assert files_below(tmp_path) == []


def test_asking_for_a_dead_process_leaves_the_living_alive(tmp_path: Path) -> None:
    with other_process(tmp_path) as (_, living), other_process(tmp_path) as (process, dead):
        process.kill()
        process.wait()
        assert not is_alive(tmp_path, dead)
        assert is_alive(tmp_path, living)


def test_a_token_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    tokens: list[str] = []
    thread = Thread(target=lambda: tokens.append(process_token(tmp_path)))
    thread.start()
    thread.join()
    assert is_alive(tmp_path, tokens[0])
    assert process_token(tmp_path) == tokens[0]


def test_a_forked_child_that_ends_does_not_end_its_parent(tmp_path: Path) -> None:
    program = """
import os, sys
from pathlib import Path
from taxi_assets.storage.processes import is_alive, process_token
home = Path(sys.argv[1])
token = process_token(home)
if child := os.fork():
    os.waitpid(child, 0)
    print(is_alive(home, token))
"""
    answer = subprocess.run([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, check=True, text=True)
    assert answer.stdout == "True\n"


def test_the_name_of_a_home_tells_its_machine_and_folder(tmp_path: Path) -> None:
    assert home_name(tmp_path) == home_name(Path(str(tmp_path)))
    assert home_name(tmp_path) != home_name(tmp_path / "other")
    assert str(tmp_path) in home_name(tmp_path)
    assert os.uname().nodename in home_name(tmp_path)
