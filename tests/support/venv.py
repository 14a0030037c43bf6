"""Installs a server that nobody here wrote into a virtual environment, once, and prints its Python.

Usage: python3 venv.py FOLDER [--again]; what is installed into a folder that is called some-server is listed in
some_server.txt. Ends with 3 where this Python is too old for it, and with 2 and the reason where the installation fails.
Many may call it at once: one installs, the others wait. What failed a short while ago is not tried again by each of them:
they say the same reason; --again tries it.
"""

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import time

OLDEST = (3, 11)
# Seconds for an installation that may never end.
PATIENCE = 300
# Seconds in which a failed installation is not tried again: as long as a test run may take.
FAILED = 600


def run(*words):
    """Whether a command succeeded, and what it said."""
    try:
        done = subprocess.run(
            [str(word) for word in words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"it took longer than {PATIENCE} seconds"
    return done.returncode == 0, done.stdout.strip()


def install(folder, listed):
    """None, or why it failed."""
    python = folder / "bin" / "python3"
    pins = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement", listed]
    made, said = run(sys.executable, "-m", "venv", folder)
    if made:
        installed, said = run(python, "-m", "pip", *pins)
        return None if installed else said
    # Debian keeps ensurepip in another package; the system's pip can fill an environment without one.
    shutil.rmtree(folder, ignore_errors=True)
    bare, _ = run(sys.executable, "-m", "venv", "--without-pip", folder)
    filled, more = run(sys.executable, "-m", "pip", "--python", python, *pins) if bare else (False, "")
    return None if filled else f"{said}\n{more}\nDebian and Ubuntu have what is missing in python3-venv"


def failed_before(failed):
    """The reason why it failed a short while ago, or None."""
    try:
        age = time.time() - failed.stat().st_mtime
        return failed.read_text() if 0 <= age < FAILED else None
    except OSError:
        return None


def main():
    if sys.version_info < OLDEST:
        print("Python %d.%d or newer is needed" % OLDEST)
        return 3
    folder = pathlib.Path(sys.argv[1]).absolute()
    listed = pathlib.Path(__file__).with_name(folder.name.replace("-", "_") + ".txt")
    folder.parent.mkdir(parents=True, exist_ok=True)
    stamp = folder / "installed.txt"
    failed = folder.with_name(f"{folder.name}.failed")
    wanted = "%s\n%s\n%s" % (sys.version, folder, listed.read_text())
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            before = None if "--again" in sys.argv[2:] else failed_before(failed)
            if before is not None:
                print(before)
                return 2
            shutil.rmtree(folder, ignore_errors=True)
            why = install(folder, listed)
            if why is not None:
                shutil.rmtree(folder, ignore_errors=True)
                why = " ".join(why.split())
                failed.write_text(f"{folder.name} cannot be installed into {folder}: {why}")
                print(f"{folder.name} cannot be installed into {folder}: {why}")
                return 2
            failed.unlink(missing_ok=True)
            half = folder / "installed.half"
            half.write_text(wanted)
            os.replace(half, stamp)
    print(folder / "bin" / "python3")
    return 0


if __name__ == "__main__":
    sys.exit(main())
