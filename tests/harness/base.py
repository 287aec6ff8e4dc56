"""What every suite uses: the built tools, a working directory per test, runs with a time limit."""

import difflib
import hashlib
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
EXAMPLES = ROOT / "examples"

# A test that needs longer than this hangs; sanitizers are about ten times slower.
TIMEOUT_S = {"release": 60, "clang": 60, "debug": 120, "cover": 240, "asan": 300, "tsan": 300}

# Memory of one process: a test that runs away ends alone, not with the machine. (Sanitizers need a
# large part of the address space for themselves.)
DATA_BYTES = 4 << 30

# A file system in memory, and the room that tests want there.
MEMORY, MEMORY_BYTES = Path("/dev/shm"), 2 << 30

SANITIZER_CC = {
    "asan": "-fsanitize=address,undefined -fno-sanitize-recover=undefined",
    "tsan": "-fsanitize=thread",
    "cover": "--coverage",
}


class Failure(Exception):
    """A test's own verdict. Its text says what was expected and what came instead."""


class Skip(Exception):
    """The machine cannot run this test; the text says why."""


class Result:
    """What a program did: exit code (negative: ended by that signal), stdout and stderr as bytes."""

    def __init__(self, argv, code, out, err):
        self.argv, self.code, self.out, self.err = argv, code, out, err

    def describe(self):
        text = f"$ {shlex.join(str(a) for a in self.argv)}\nexit code {self.code}\n"
        for name, data in (("stdout", self.out), ("stderr", self.err)):
            if data:
                text += f"--- {name}\n{show(data)}"
        return text


def show(data, limit=4000):
    text = data.decode("utf-8", "backslashreplace").replace("\0", "\\0")
    if len(text) > limit:
        text = text[: limit // 2] + "\n[…]\n" + text[-limit // 2 :]
    return text if text.endswith("\n") or not text else text + "\n"


def diff(expected, actual, name):
    """A unified diff of two byte strings, or an empty string if they are equal."""
    if expected == actual:
        return ""
    lines = difflib.unified_diff(
        show(expected, 1 << 20).splitlines(True), show(actual, 1 << 20).splitlines(True),
        f"{name} (expected)", f"{name} (actual)")
    text = "".join(lines) or f"{name}: the same lines, but other bytes: {expected!r} and {actual!r}\n"
    return text if len(text) < 6000 else text[:6000] + "\n[…]\n"


class Tools:
    """The build under test."""

    def __init__(self, mode, is_full=False, is_bless=False, seed=1):
        self.mode, self.is_full, self.is_bless, self.seed = mode, is_full, is_bless, seed
        self.out = ROOT / "build" if mode == "release" else ROOT / "build" / mode
        self.work = ROOT / "build" / mode
        self.flowcc = self.out / "flowcc"
        self.crashpoint, self.trace = (self.work / "tests" / f"{name}.so" for name in ("crashpoint", "trace"))
        self.timeout_s = TIMEOUT_S[mode]
        self.env = dict(os.environ, NO_COLOR="1", LC_ALL="C.UTF-8")
        self.env["PATH"] = f"{self.out}:{self.env['PATH']}"
        for name in ("FLOWCC_LIB", "CFLAGS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
            self.env.pop(name, None)
        if mode in SANITIZER_CC:
            compiler = "clang" if mode == "tsan" else "cc"
            self.env["CC"] = f"{compiler} {SANITIZER_CC[mode]}"
            self.env["ASAN_OPTIONS"] = "handle_segv=2:detect_leaks=1"
        elif mode == "clang":
            self.env["CC"] = "clang"
        self.data_bytes = DATA_BYTES if mode not in ("asan", "tsan") else None
        self.can_crash = self.crashpoint.exists() and mode not in ("asan", "tsan", "cover")
        self._scratch = tempfile.TemporaryDirectory(prefix="flowcc-test-", ignore_cleanup_errors=True)
        self.scratch = Path(self._scratch.name)
        self.env["FLOWCC_CACHE"] = str(self.scratch / "cache")
        self._memory = None
        self._builds, self._lock, self._count = {}, threading.Lock(), 0
        self.tried = Counter()

    def close(self):
        self._scratch.cleanup()
        if self._memory is not None:
            self._memory.cleanup()

    def sandbox(self, name, folder=None):
        """A directory for a test, in the scratch directory or another one."""
        with self._lock:
            self._count += 1
            number = self._count
        path = (folder or self.scratch) / f"{number:04}-{re.sub('[^A-Za-z0-9]+', '-', name)[:60]}"
        path.mkdir()
        return Sandbox(self, path)

    def memory(self):
        """A scratch directory in memory, for tests with thousands of runs that would only wait for the disk;
        the usual one if there is no room."""
        with self._lock:
            if self._memory is None and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES:
                self._memory = tempfile.TemporaryDirectory(prefix="flowcc-test-", dir=MEMORY,
                                                           ignore_cleanup_errors=True)
        return Path(self._memory.name) if self._memory is not None else self.scratch

    def count(self, what):
        """Counts something that was tried; the runner says at the end how often each was."""
        with self._lock:
            self.tried[what] += 1

    def compile(self, text, file_name, *options):
        """Compiles a program once per run of the tests. Returns the path of the executable."""
        key = hashlib.sha256(repr((text, file_name, options)).encode()).hexdigest()[:16]
        with self._lock:
            build = self._builds.setdefault(key, {"lock": threading.Lock()})
        with build["lock"]:
            if "result" not in build:
                folder = self.scratch / f"program-{key}"
                folder.mkdir()
                (folder / file_name).write_text(text)
                binary = folder / Path(file_name).stem
                result = run([self.flowcc, file_name, "-o", binary.name, *options], folder, self)
                build["result"], build["binary"] = result, binary
        if build["result"].code != 0:
            raise Failure("the program does not compile\n" + build["result"].describe())
        return build["binary"]


def limit(process, tools):
    """Limits the memory of a process that has begun."""
    if tools.data_bytes:
        try:
            resource.prlimit(process.pid, resource.RLIMIT_DATA, (tools.data_bytes, tools.data_bytes))
        except (ProcessLookupError, PermissionError):
            pass  # it has ended, or is another user's by now


def run(argv, cwd, tools, stdin=b"", env=None, timeout_s=None):
    """Runs a program to its end in a process group of its own."""
    argv = [str(a) for a in argv]
    process = subprocess.Popen(
        argv, cwd=cwd, env={**tools.env, **(env or {})}, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    limit(process, tools)
    try:
        out, err = process.communicate(stdin, timeout_s or tools.timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        raise Failure(f"no end after {timeout_s or tools.timeout_s} s\n"
                      + Result(argv, None, out, err).describe()) from None
    return Result(argv, process.returncode, out, err)


class Sandbox:
    """A directory for one test, with the steps that tests are made of. Every step that does not do
    what it should raises Failure."""

    def __init__(self, tools, path):
        self.tools, self.path = tools, path

    def write(self, name, data):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def append(self, name, data):
        with open(self.path / name, "ab") as file:
            file.write(data if isinstance(data, bytes) else data.encode())

    def read(self, name):
        path = self.path / name
        if not path.is_file():
            raise Failure(f"{name} does not exist")
        return path.read_bytes()

    def remove(self, name):
        path = self.path / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def compile(self, text, name="flow", *options):
        """Compiles the text of a flow to the executable ./NAME (built once per run of the tests)."""
        binary = self.tools.compile(text, f"{name}.flow", *options)
        target = self.path / name
        target.unlink(missing_ok=True)
        os.symlink(binary, target)
        return target

    def run(self, *argv, exit=0, stdin=b"", env=None, timeout_s=None):
        """Runs a command here; `exit` is the expected exit code, or None for any."""
        if isinstance(stdin, str):
            stdin = stdin.encode()
        result = run(argv, self.path, self.tools, stdin, env, timeout_s)
        if exit is not None and result.code != exit:
            raise Failure(f"expected exit code {exit}\n" + result.describe())
        return result

    def start(self, *argv, env=None):
        return Running(self, argv, env)


class Running:
    """A program that runs while the test goes on. Use as a context manager: it is killed at the end."""

    def __init__(self, box, argv, env=None):
        self.box, self.argv = box, [str(a) for a in argv]
        self._files = [tempfile.TemporaryFile(dir=box.tools.scratch) for _ in range(2)]
        self.process = subprocess.Popen(
            self.argv, cwd=box.path, env={**box.tools.env, **(env or {})}, stdin=subprocess.DEVNULL,
            stdout=self._files[0], stderr=self._files[1], start_new_session=True)
        limit(self.process, box.tools)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for file in self._files:
            file.close()

    def output(self):
        texts = []
        for file in self._files:
            texts.append(os.pread(file.fileno(), 1 << 26, 0))
        return Result(self.argv, self.process.poll(), *texts)

    def wait_for(self, condition, what, timeout_s=20):
        """Waits until the condition holds; the program must not end before."""
        limit = time.monotonic() + timeout_s * (10 if self.box.tools.mode in SANITIZER_CC else 1)
        while not condition():
            if self.process.poll() is not None and not condition():
                raise Failure(f"the program ended before {what}\n" + self.output().describe())
            if time.monotonic() > limit:
                raise Failure(f"waited in vain for {what}\n" + self.output().describe())
            time.sleep(0.01)

    def end(self, number, exit=0, timeout_s=20):
        """Sends a signal, waits for the end and returns the result."""
        self.process.send_signal(number)
        try:
            self.process.wait(timeout_s * (10 if self.box.tools.mode in SANITIZER_CC else 1))
        except subprocess.TimeoutExpired:
            raise Failure(f"still running {timeout_s} s after signal {number}\n"
                          + self.output().describe()) from None
        result = self.output()
        if exit is not None and result.code != exit:
            raise Failure(f"expected exit code {exit}\n" + result.describe())
        return result


def check_equal(expected, actual, name="output"):
    if isinstance(expected, str):
        expected = expected.encode()
    if isinstance(actual, str):
        actual = actual.encode()
    text = diff(expected, actual, name)
    if text:
        raise Failure(text)


def check_match(patterns, text, name="stderr"):
    """Each pattern (a regular expression) must be found, in this order."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    position = 0
    for pattern in patterns:
        found = re.compile(pattern, re.MULTILINE).search(text, position)
        if not found:
            raise Failure(f"{name} has no match (in this order) for: {pattern}\n--- {name}\n{text}")
        position = found.end()


class Test:
    """One thing that passes or fails. A canary is a test that must fail."""

    def __init__(self, suite, name, function, is_canary=False):
        self.suite, self.name, self.function, self.is_canary = suite, name, function, is_canary

    @property
    def full_name(self):
        return f"{self.suite}: {self.name}"
