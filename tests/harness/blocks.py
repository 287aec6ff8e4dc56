"""The suite of test blocks: what `flowcc test` says, and the test blocks of the examples and templates.

A file of tests/blocks is a flow with test blocks, and behind it

    #--- args WORD…   arguments of `flowcc test`, in front of the file or, from `--` on, behind it
    #--- exit N       its exit code; 0 if it is not given
    #--- expect       what it prints, stderr behind stdout; times and numbers of crashes are N
"""

import re
import shlex

from .base import EXAMPLES, ROOT, TESTS, Failure, Test, diff, run

SECTION = re.compile(rb"^#--- (args|exit|expect)(.*)\n", re.MULTILINE)


def discover(tools):
    paths = [(p, False) for p in sorted((TESTS / "blocks").glob("*.flow"))]
    paths += [(p, True) for p in sorted((TESTS / "canary").glob("blocks_*.flow"))]
    tests = [Test("blocks", p.stem, lambda p=p: run_golden(tools, p), c) for p, c in paths]
    templates = (ROOT / "stdlib" / "templates").glob("*/*.flow")
    for path in [*sorted(EXAMPLES.glob("*/*.flow")), *sorted(templates)]:
        if has_tests(path.read_text()):
            tests.append(Test("blocks", f"example {path.stem}", lambda p=path: run_passing(
                tools, p.name, p.read_text(), "--crash-at=every")))
    return tests


def has_tests(program):
    return re.search(r"^test \"", program, re.MULTILINE) is not None


def play(tools, box, *args):
    """Runs `flowcc test`; it must leave nothing behind, neither here nor among temporary files."""
    temporary = box.path / "temporary"
    temporary.mkdir()
    before = sorted(box.path.rglob("*"))
    result = run([tools.flowcc, "test", *args], box.path, tools, env={"TMPDIR": str(temporary)})
    left = sorted(set(box.path.rglob("*")) - set(before))
    if left:
        raise Failure(f"left behind: {', '.join(map(str, left))}\n" + result.describe())
    tools.count("runs of flowcc test")
    return result


def run_passing(tools, name, program, *args):
    box = tools.sandbox(f"blocks {name}")
    box.write(name, program)
    result = play(tools, box, *args, name)
    if result.code != 0 or result.err:
        raise Failure(result.describe())


def normalised(output):
    output = re.sub(rb"\(\d+ ms(, \d+ crash(es)?)?\)$",
                    lambda m: b"(N ms" + (b", N crashes)" if m.group(1) else b")"), output, flags=re.MULTILINE)
    output = re.sub(rb'("crashes": )\d+(, "ms": )[0-9.]+', rb"\1N\2N", output)
    output = re.sub(rb"system call \d+", b"system call N", output)
    return re.sub(rb"\(\d+\.\d s\)$", b"(N s)", output, flags=re.MULTILINE)


def run_golden(tools, path):
    data = path.read_bytes()
    sections = list(SECTION.finditer(data))
    program, args, code, expected = data, [], 0, b""
    for section in reversed(sections):
        word, value = section.group(1), section.group(2).strip().decode()
        if word == b"args":
            args = shlex.split(value)
        elif word == b"exit":
            code = int(value)
        else:
            expected = data[section.end():]
    program = data[:sections[0].start()] if sections else data
    before, behind = (args[:args.index("--")], args[args.index("--"):]) if "--" in args else (args, [])
    box = tools.sandbox(f"blocks {path.stem}")
    box.write(path.name, program)
    result = play(tools, box, *before, path.name, *behind)
    output = normalised(result.out + result.err)
    if tools.is_bless:
        head = program + (f"#--- args {shlex.join(args)}\n".encode() if args else b"")
        head += f"#--- exit {result.code}\n".encode() if result.code != 0 else b""
        path.write_bytes(head + b"#--- expect\n" + output)
        return
    text = diff(expected, output, path.name)
    if text:
        raise Failure(text)
    if result.code != code:
        raise Failure(f"expected exit code {code}\n" + result.describe())
