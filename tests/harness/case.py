"""Case files: a program, then sections that begin with `#---`. See tests/README.md."""

import datetime
import re
import shlex

from .base import Failure

CONTENT = ("input", "append", "stdin", "program", "expect", "match")
FORM = re.compile(r"^#--- *(\w+)(.*)$")


def split_lines(text):
    """Lines with their ends; unlike str.splitlines() only at newlines."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


class Section:
    """`#--- word args [escaped] [< file]` and the lines below it."""

    def __init__(self, line, number):
        match = FORM.match(line)
        self.line, self.number, self.lines = line, number, []
        self.word, rest = match.group(1), match.group(2)
        self.file = None
        if self.word in CONTENT and " < " in rest:
            rest, self.file = rest.split(" < ")
            self.file = self.file.strip()
        self.args = shlex.split(rest) if self.word != "replace" else [rest.strip()]
        self.is_escaped = self.word in CONTENT and "escaped" in self.args
        if self.is_escaped:
            self.args.remove("escaped")

    def content(self, folder):
        if self.file:
            return (folder / self.file).read_bytes()
        text = "".join(self.lines)
        if self.is_escaped:
            return unescape(text.removesuffix("\n"))
        return text.encode()


ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}


def unescape(text):
    """`\\n \\r \\t \\0 \\\\ \\xHH` in a section that is `escaped`, for bytes that an editor would not keep."""
    def byte(match):
        code = match.group(1)
        return bytes([int(code[1:], 16)]) if code[:1] == b"x" else ESCAPES[code]
    return re.sub(rb"\\(x[0-9a-fA-F]{2}|[nrt0\\])", byte, text.encode())


UNITS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}


def clock(start, step):
    """The value of FLOW_CLOCK for `2024-01-01T00:00:00Z 10s`."""
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h|d)", step).groups()
    since_1970 = datetime.datetime.fromisoformat(start.replace("Z", "+00:00")).timestamp()
    return f"{round(since_1970 * 1_000_000)}+{int(number) * UNITS[unit]}"


class Step:
    """One run of the program: what is changed before it, how it is called, what it must do."""

    def __init__(self):
        self.changes = []      # (word, path, bytes), in order
        self.program = None    # new text, or None: as before
        self.replacements = [] # (old, new)
        self.args, self.stdin, self.exit = [], b"", 0
        self.env = {}
        self.expects = {}      # "stdout", "stderr" or a file name -> bytes
        self.unordered = set() # names of files whose lines may come in any order
        self.patterns = []     # regular expressions for stderr
        self.sections = {}     # name -> Section of an expect, for bless


class Case:
    def __init__(self, path):
        self.path, self.folder = path, path.parent
        self.program_lines, self.sections = [], []
        for number, line in enumerate(split_lines(path.read_text()), 1):
            if FORM.match(line):
                self.sections.append(Section(line, number))
            else:
                (self.sections[-1].lines if self.sections else self.program_lines).append(line)
        self.name = path.stem
        self.file_name = path.name
        self.text = "".join(self.program_lines)
        self.flags = set()
        self.steps = [Step()]
        for section in self.sections:
            self._read(section)

    def _fail(self, section, why):
        raise Failure(f"{self.path}:{section.number}: {why}: {section.line.strip()}")

    def _read(self, section):
        step, word, args = self.steps[-1], section.word, section.args
        if word in ("input", "append") and len(args) == 1:
            step.changes.append((word, args[0], section.content(self.folder)))
        elif word == "remove" and len(args) == 1:
            step.changes.append((word, args[0], b""))
        elif word == "stdin":
            step.stdin = section.content(self.folder)
        elif word == "program":
            step.program = section.content(self.folder).decode()
            if section.file and len(self.steps) == 1:
                self.file_name = section.file
        elif word == "replace" and " => " in args[0]:
            step.replacements.append(tuple(args[0].split(" => ")))
        elif word == "args":
            step.args = args
        elif word == "clock" and len(args) == 2:
            step.env["FLOW_CLOCK"] = clock(*args)
        elif word == "exit" and len(args) == 1:
            step.exit = int(args[0])
        elif word == "expect" and len(args) == 1:
            step.expects[args[0]] = section.content(self.folder)
            step.sections[args[0]] = section
        elif word == "expect" and len(args) == 2 and args[1] == "unordered":
            step.expects[args[0]] = section.content(self.folder)
            step.sections[args[0]] = section
            step.unordered.add(args[0])
        elif word == "match" and args == ["stderr"]:
            step.patterns += [line for line in section.content(self.folder).decode().splitlines() if line]
        elif word == "only" and set(args) <= {"plain", "state", "epochs", "no-kill"}:
            self.flags |= set(args)
        elif word == "step":
            self.steps.append(Step())
        else:
            self._fail(section, "not a section that is known")

    @property
    def looks_at_epochs(self):
        """Flows whose meaning depends on where epochs end keep the epochs that their case gives."""
        return re.search(r"\bon epoch\b|\bepoch\(\)|\bnow\(\)|\bexpires\b|\bon at\b", self.text + "".join(
            s.program or "" for s in self.steps)) is not None

    def bless(self, actual):
        """Writes what came out as the new expectation. `actual`: {(step, name): bytes}."""
        for (index, name), data in actual.items():
            section = self.steps[index].sections.get(name)
            if section is None:
                continue
            if section.file:
                (self.folder / section.file).write_bytes(data)
            elif not section.is_escaped:
                section.lines = split_lines(data.decode())
        text = "".join(self.program_lines)
        for section in self.sections:
            text += section.line + "".join(section.lines)
        self.path.write_text(text)
