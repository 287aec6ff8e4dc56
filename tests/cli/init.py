"""flowcc init: every template is written, formatted, and does what its README shows."""

import os
import re

from harness.base import ROOT, Failure, check_equal, check_match
from harness.docs import FENCE, parse_commands, pattern_of

TEMPLATES = sorted(path.name for path in (ROOT / "stdlib" / "templates").iterdir())


def init(box, *args, **options):
    return box.run(box.tools.flowcc, "init", *args, **options)


def play(box, name):
    """The commands of the README, in order."""
    out = init(box, name).out.decode()
    folder = ROOT / "stdlib" / "templates" / name
    for path in sorted(folder.iterdir()):
        check_equal(path.read_bytes(), box.read(f"{name}/{path.name}"), path.name)
        if f"{name}/{path.name}\n" not in out:
            raise Failure(f"`flowcc init {name}` does not name {path.name}\n{out}")
    text = (folder / "README.md").read_text()
    commands = parse_commands([block for language, block in FENCE.findall(text) if language == "console"])
    check_match([rf"^Now:  cd {name} && {re.escape(commands[0][0])}$"], out, "stdout")
    for command, lines in commands:
        result = box.run("sh", "-c", f"cd {name} && {command}")
        printed = (result.out + result.err).decode()
        if not pattern_of(lines).fullmatch(printed):
            raise Failure(f"{name}: {command}\n--- shown\n" + "\n".join(lines) + f"\n--- what it prints\n{printed}")
    box.run(box.tools.flowcc, "fmt", "--check", f"{name}/{name}.flow")
    result = box.run(box.tools.flowcc, "check", f"{name}/{name}.flow")
    check_equal(b"", result.err, "warnings")


def test_list(box):
    text = init(box).out
    check_equal(text, init(box, "--help").out, "flowcc init --help")
    check_equal("\n".join(TEMPLATES), "\n".join(re.findall(r"^  (\w+) +\w", text.decode(), re.MULTILINE)), "templates")
    check_equal("", " ".join(os.listdir(box.path)), "files")


def test_nothing_is_written_over(box):
    box.write("count/words.txt", "mine\n")
    check_match(["count/words.txt is there already", "flowcc init count DIR"], init(box, "count", exit=64).err)
    check_equal("words.txt", " ".join(os.listdir(box.path / "count")), "files")
    check_equal("mine\n", box.read("count/words.txt"), "count/words.txt")
    init(box, "count", "elsewhere")
    check_match(["elsewhere/"], init(box, "count", "elsewhere", exit=64).err)
    box.write("file", "")
    check_match(["cannot write file"], init(box, "count", "file", exit=74).err)


def test_slips(box):
    check_match(["did you mean `count`"], init(box, "cuont", exit=64).err)
    check_match(["flowcc init lists them"], init(box, "nothing", exit=64).err)
    check_match(["TEMPLATE"], init(box, "count", "a", "b", exit=64).err)


def discover(tools):
    del tools
    return [(name, lambda box, n=name: play(box, n)) for name in TEMPLATES]
