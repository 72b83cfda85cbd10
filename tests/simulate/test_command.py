import subprocess
import sys


def run(*arguments):
    command = [sys.executable, "-m", "devmind.simulate", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_writes_a_company(tmp_path):
    """
    The command writes the folder and prints what is in it.
    """
    folder = tmp_path / "simulated"

    done = run(str(folder), "--seed", "3", "--projects", "1", "--builds", "8")

    assert done.returncode == 0
    assert "simulated-company/shop" in done.stdout
    assert (folder / "shop" / "runs" / "page-0001.json").is_file()


def test_the_command_says_what_is_wrong(tmp_path):
    """
    A folder with something in it is refused with exit code 2 and one sentence.
    """
    (tmp_path / "precious").write_text("x")

    done = run(str(tmp_path))

    assert done.returncode == 2
    assert "Give one that is empty" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_help_teaches():
    """
    The help says what it makes, and that it is simulated.
    """
    done = run("--help")

    assert done.returncode == 0
    assert "simulated" in done.stdout
    assert "--seed" in done.stdout
