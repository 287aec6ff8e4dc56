"""Random programs (fuzz/typed.py) as cases, for tests that play every case they get."""

import random
import threading

from fuzz.typed import Program

from .base import Failure, run
from .case import Case

# Programs that run once or twice over few records are compiled quickly, not well.
QUICK = ("-O", "0")

# A program that grows its state without an end is no use as a test.
LIMITS = ["prlimit", "--as=1000000000", "--cpu=1"]
OUTPUT_BYTES = range(200, 300_000)


class Generated:
    """The n-th of the random programs that say something, made when it is first asked for: seeds whose program
    is refused, fails at once or prints nothing are left out."""

    def __init__(self, tools, lines, first_seed=1):
        self.tools, self.lines, self.seed = tools, lines, first_seed - 1
        self.found, self.lock = [], threading.Lock()
        self.folder = tools.scratch / f"generated-{lines}"

    def case(self, number):
        with self.lock:
            self.folder.mkdir(exist_ok=True)
            while len(self.found) <= number:
                self.seed += 1
                path = make(self.tools, self.seed, self.lines, self.folder)
                if path is not None:
                    self.found.append(path)
        return Case(self.found[number])


def make(tools, seed, lines, folder):
    """Writes the case of one seed, with the output of an undisturbed run. Returns its path, or None."""
    rng = random.Random(seed)
    program = Program(rng)
    if seed % 3:  # only files show that no line is there twice
        program.text = program.text.replace("into stdout", "into main") + 'sink main = file("main.jsonl", jsonl)\n'
        program.sinks[0] = "main"
    args = (["--epoch-records", "5"] if program.has_epochs else []) + (
        ["--at-end", "flush"] if program.has_end else [])
    inputs = {f"{name}.jsonl": "".join(program.input_lines(lines)) for name in program.sources}
    box = tools.sandbox(f"generated {seed}")
    for name, text in inputs.items():
        box.write(name, text)
    try:
        binary = tools.compile(program.text, f"generated{seed}.flow", *QUICK)
    except Failure:
        return None  # constants are combined at random: some programs divide by zero for all to see
    result = run([*LIMITS, binary, "-w", "1", *args], box.path, tools)
    outputs = {"stdout": result.out} if result.out else {}
    for sink in program.sinks:
        if (box.path / f"{sink}.jsonl").exists() and f"into {sink}\n" in program.text:
            outputs[f"{sink}.jsonl"] = box.read(f"{sink}.jsonl")
    if result.code not in (0, 65, 70) or sum(map(len, outputs.values())) not in OUTPUT_BYTES:
        return None
    text = program.text
    for name, data in inputs.items():
        text += f"#--- input {name}\n{data}"
    text += f"#--- args {' '.join(args)}\n" * bool(args) + f"#--- exit {result.code}\n"
    for name, data in outputs.items():
        unordered = " unordered" * (name.removesuffix(".jsonl") in program.unordered)
        text += f"#--- expect {name}{unordered}\n" + data.decode()
    path = folder / f"generated{seed}.flow"
    path.write_text(text)
    return path
