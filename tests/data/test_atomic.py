import errno
import os
import signal
import subprocess
import sys

import pytest

from ctrmoe.data.atomic import atomic_file, atomic_folder
from ctrmoe.schema import SchemaError


def test_file_appears_only_when_the_block_ends(tmp_path):
    path = tmp_path / "deep" / "a.txt"

    with atomic_file(path) as partial:
        partial.write_text("x")
        assert not path.exists()

    assert path.read_text() == "x"
    assert os.listdir(path.parent) == ["a.txt"]


def test_file_keeps_the_old_one_on_an_error(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    with pytest.raises(KeyboardInterrupt), atomic_file(path) as partial:
        partial.write_text("new")
        raise KeyboardInterrupt

    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_folder_appears_only_when_the_block_ends(tmp_path):
    with atomic_folder(tmp_path / "out") as partial:
        (partial / "part").mkdir()
        (partial / "part" / "a.txt").write_text("x")
        assert not (tmp_path / "out").exists()

    assert (tmp_path / "out" / "part" / "a.txt").read_text() == "x"
    assert os.listdir(tmp_path) == ["out"]


def test_folder_may_exist_when_it_is_empty(tmp_path):
    (tmp_path / "out").mkdir()

    with atomic_folder(tmp_path / "out") as partial:
        (partial / "a.txt").write_text("x")

    assert os.listdir(tmp_path / "out") == ["a.txt"]


def test_folder_leaves_nothing_on_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "out") as partial:
        (partial / "a.txt").write_text("x")
        raise ZeroDivisionError

    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("is_file", [True, False])
def test_folder_that_holds_something_is_refused(tmp_path, is_file):
    path = tmp_path / "out"
    if is_file:
        path.write_text("x")
    else:
        path.mkdir()
        (path / "a.txt").write_text("x")

    with pytest.raises(SchemaError, match="out must be empty or not exist"), atomic_folder(path):
        pytest.fail("the block must not run")


def test_folder_overwrites_what_a_killed_process_left(tmp_path):
    script = (
        "import sys, time\n"
        "from ctrmoe.data.atomic import atomic_folder\n"
        "with atomic_folder(sys.argv[1]) as partial:\n"
        "    (partial / 'stale').write_text('x')\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, tmp_path / "out"], stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "out").exists()

    with atomic_folder(tmp_path / "out") as partial:
        (partial / "a.txt").write_text("x")

    assert os.listdir(tmp_path) == ["out"]
    assert os.listdir(tmp_path / "out") == ["a.txt"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_is_a_sentence(tmp_path, number):
    with pytest.raises(SchemaError, match="disk is full: .*a.txt was not written"):
        with atomic_file(tmp_path / "a.txt"):
            raise OSError(number, os.strerror(number))

    assert os.listdir(tmp_path) == []


def test_place_below_a_file_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("x")

    with pytest.raises(SchemaError, match="a.txt can't be written: "):
        with atomic_file(tmp_path / "file" / "a.txt"):
            pytest.fail("the block must not run")


def test_other_errors_of_the_system_pass_through(tmp_path):
    with pytest.raises(OSError, match="Input/output"), atomic_file(tmp_path / "a.txt"):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
