"""Everything that the documentation shows is tried.

```flow     a complete program: it must compile, and if it has test blocks, they must pass
```case     behind a program: its input and what it prints, in the form of a case (tests/README.md), with
            `---` instead of `#---`; it is run without and with a state directory
```console  commands behind `$ ` and what they print; `…` stands for any text, alone on a line for
            any lines; run in order, in one shell per document, in a copy of the examples
```sh       commands that are not run here (make, git clone)
"""

import re
import shutil

from .base import EXAMPLES, ROOT, TESTS, Failure, Test, run
from .blocks import has_tests, run_passing
from .case import Case
from .flows import points_of, run_straight

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def discover(tools):
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")),
                 *sorted(EXAMPLES.glob("*/README.md")), *sorted(ROOT.glob("*/README.md"))]
    documents = list(dict.fromkeys(documents)) + sorted((TESTS / "canary").glob("docs_*.md"))
    tests = []
    for path in documents:
        if not path.exists():
            continue
        text, is_canary = path.read_text(), path.parent.name == "canary"
        name = str(path.relative_to(ROOT))
        for line, program, case in programs_of(text):
            if case is None:
                tests.append(Test("docs", f"{name}:{line} compiles", lambda p=program, n=name:
                                  check_program(tools, p, n), is_canary))
            else:
                tests.append(Test("docs", f"{name}:{line} runs", lambda p=program, c=case, n=name:
                                  run_program(tools, p, c, n), is_canary))
        blocks = [m.group(2) for m in FENCE.finditer(text) if m.group(1) == "console"]
        if blocks:
            tests.append(Test("docs", f"{name} commands", lambda p=path, b=blocks:
                              check_commands(tools, p, b), is_canary))
        if not is_canary:
            tests.append(Test("docs", f"{name} links", lambda p=path, t=text: check_links(p, t)))
    return tests + discover_help(tools)


def programs_of(text):
    """[(line of the program, program, text of its case or None)]"""
    programs, fences = [], list(FENCE.finditer(text))
    for fence, behind in zip(fences, [*fences[1:], None]):
        if fence.group(1) != "flow":
            continue
        is_run = behind and behind.group(1) == "case"
        programs.append((text.count("\n", 0, fence.start()) + 2, fence.group(2), behind.group(2) if is_run else None))
    if sum(case is not None for *_, case in programs) != sum(fence.group(1) == "case" for fence in fences):
        raise Failure("a case does not stand behind a program")
    return programs


def run_program(tools, program, case, name):
    """Runs it without a state directory, which a case of several steps needs, and with one."""
    box = tools.sandbox(f"docs {name}")
    box.write("shown.flow", program + re.sub(r"^---", "#---", case, flags=re.MULTILINE))
    shown = Case(box.path / "shown.flow")
    for label, point in points_of(tools, shown):
        if label in ("plain", "state"):
            run_straight(tools, shown, label, point)


def check_program(tools, program, name):
    box = tools.sandbox(f"docs {name}")
    box.write("shown.flow", program)
    result = run([tools.flowcc, "shown.flow", "-o", "shown"], box.path, tools)
    if result.code != 0 or result.err:
        raise Failure(f"the program does not compile without a message\n{program}\n" + result.describe())
    if has_tests(program):
        run_passing(tools, "shown.flow", program)


def check_links(path, text):
    """Links to files of the repository lead somewhere."""
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", FENCE.sub("", text)):
        if not (path.parent / target).exists():
            raise Failure(f"{path.name} links to {target}, which does not exist")


def discover_help(tools):
    """The help of each operator (syntax, what it does, an example) has an example that compiles."""
    if not tools.flowcc.exists():
        return []
    rows = (ROOT / "compiler" / "ops" / "ops.def").read_text()
    return [Test("docs", f"flowcc help op {name}", lambda n=name: check_help(tools, n))
            for name in re.findall(r"^OP\((\w+)\)", rows, re.MULTILINE)]


def check_help(tools, name):
    result = run([tools.flowcc, "help", "op", name], ROOT, tools)
    if result.code != 0:
        raise Failure(result.describe())
    _, _, program = result.out.decode().split("\n\n", 2)
    check_program(tools, program, f"help op {name}")


def parse_commands(blocks):
    """[(command, expected output)]"""
    commands = []
    for block in blocks:
        for line in block.splitlines():
            if line.startswith("$ "):
                commands.append([line[2:], []])
            elif (line.startswith("> ") or line == ">") and commands and not commands[-1][1]:
                commands[-1][0] += "\n" + line[2:]
            elif commands:
                commands[-1][1].append(line)
            elif line:
                raise Failure(f"output before the first command: {line}")
    return commands


def pattern_of(lines):
    text = ""
    for line in lines:
        text += "(?:.*\n)*" if line.strip() == "…" else re.escape(line).replace("…", ".*") + "\n"
    return re.compile(text)


def check_commands(tools, path, blocks):
    box = tools.sandbox(f"docs {path.stem}")
    shutil.copytree(EXAMPLES, box.path / "examples")
    folder = box.path
    if EXAMPLES in path.parents:
        folder = box.path / path.relative_to(ROOT).parent
    commands = parse_commands(blocks)
    mark = "--end-of-command--"
    script = "exec 2>&1\n" + "".join(f"{command}\ncode=$?; echo; echo '{mark}'; (exit $code)\n" for command, _ in commands)
    result = run(["bash", "-c", script], folder, tools)
    parts = result.out.decode().split(f"\n{mark}\n")
    if len(parts) != len(commands) + 1:
        raise Failure("the shell did not come to its end\n" + result.describe())
    for (command, lines), actual in zip(commands, parts):
        if actual and not actual.endswith("\n"):
            actual += "\n"
        while lines and not lines[-1].strip():
            lines.pop()
        if not pattern_of(lines).fullmatch(actual):
            raise Failure(f"{path.relative_to(ROOT)}\n$ {command}\n--- shown\n" + "\n".join(lines)
                          + f"\n--- what it prints\n{actual}")
