"""The suites that compare what the compiler prints with a file: diag and dump."""

from .base import TESTS, Failure, Test, diff, run

MARK = "#--- expect"
DUMPS = ("tokens", "ast", "graph", "plan", "c")


def discover_diag(tools):
    def test(path, is_canary=False):
        return Test("diag", path.stem, lambda: run_diag(tools, path), is_canary)
    # known_bad: messages that could be better; each file says how.
    return [test(p) for p in sorted((TESTS / "diag").rglob("*.flow"))] \
        + [test(p, True) for p in sorted((TESTS / "canary").glob("diag_*.flow"))]


def run_diag(tools, path):
    """A program that the compiler refuses or warns about, then its messages, byte for byte."""
    data = path.read_bytes()
    program, mark, expected = data.partition(MARK.encode() + b"\n")
    if not mark and not tools.is_bless:
        raise Failure(f"{path.name} has no line `{MARK}`")
    box = tools.sandbox(f"diag {path.stem}")
    box.write(path.name, program)
    result = run([tools.flowcc, path.name, "--stop-after=check"], box.path, tools)
    if tools.is_bless:
        path.write_bytes(program + MARK.encode() + b"\n" + result.err)
        return
    if result.out:
        raise Failure("messages belong on stderr\n" + result.describe())
    text = diff(expected, result.err, path.name)
    if text:
        raise Failure(text)
    wanted = 1 if b"error[" in expected else 0
    if result.code != wanted:
        raise Failure(f"expected exit code {wanted}\n" + result.describe())


def discover_dump(tools):
    tests = []
    for folder, is_canary in ((TESTS / "dump", False), (TESTS / "canary" / "dump", True)):
        for path in sorted(folder.glob("*.flow")):
            for dump in DUMPS:
                golden = path.with_suffix(f".{dump}")
                if golden.exists():
                    tests.append(Test("dump", golden.name, lambda p=path, d=dump, g=golden:
                                      run_dump(tools, p, d, g), is_canary))
    return tests


def run_dump(tools, path, dump, golden):
    box = tools.sandbox(f"dump {golden.name}")
    box.write(path.name, path.read_bytes())
    result = run([tools.flowcc, path.name, f"--dump={dump}"], box.path, tools)
    if result.code != 0:
        raise Failure(result.describe())
    if tools.is_bless:
        golden.write_bytes(result.out)
        return
    text = diff(golden.read_bytes(), result.out, golden.name)
    if text:
        raise Failure(text)
