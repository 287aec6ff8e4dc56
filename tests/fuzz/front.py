"""The front end under mutants of programs: no crash, no endless loop, and none of the rules of front.h broken.

Here is what every fuzzer of the front end starts from, and the short run that belongs to the tests. The long
ones are campaign.py's.
"""

import re
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))
from harness.base import Failure  # noqa: E402

ROOT = TESTS.parent
CORPUS = TESTS / "fuzz" / "corpus"

# Where the words of the language stand: tokens, keywords and foreign ones, types, functions, connectors.
TABLES = ("front/parse.y", "front/words.c", "front/check_type.c", "front/check_words.c", "front/builtin.c",
          "front/builtin.def", "front/aggregates.def", "io/connectors.def", "io/formats.def", "ops/ops.def")
MUTANTS, MUTANTS_FULL = 3000, 100000


def words():
    """The words and operators of the language, and literals of each kind."""
    found = {"0", "1", "-1", "1.5", "1h30m", "10s", "@2024-01-01", '""', '"a"', 'f"{it}"', 'f"{', "`a`", "\\n",
             "9223372036854775807", "it", "# x", "## x", "|> ", "( )", "[ ]", "{ }", "=> "}
    for name in TABLES:
        text = (ROOT / "compiler" / name).read_text()
        found |= set(re.findall(r'"([A-Za-z_]{1,16}|[^A-Za-z_\s"\\%`$]{1,3})"', text))
        found |= {row.lower() for row in re.findall(r"^[A-Z]+\((\w+)", text, re.MULTILINE)}
    return sorted(found)


def programs():
    """(name, text) of every program that the tests, the examples and the documentation have."""
    for folder in ("tests/run", "tests/diag", "tests/dump", "examples", "stdlib"):
        for path in sorted((ROOT / folder).rglob("*.flow")):
            yield f"{path.parent.name}-{path.name}", re.split(r"^#---", path.read_text(), flags=re.MULTILINE)[0]
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for number, text in enumerate(re.findall(r"^```flow\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)):
            yield f"{path.stem}-{number}.flow", text


def write_seeds(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in programs():
        (folder / name).write_text(text)


def run_mutants(box, count, *options):
    write_seeds(box.path / "seeds")
    box.write("words", "\n".join(words()) + "\n")
    files = sorted((box.path / "seeds").iterdir()) + sorted(CORPUS.iterdir())
    box.write("files", "".join(f"{path}\n" for path in files))
    result = box.run(box.tools.work / "tests" / "mutate", *options, "words", "files", count, box.tools.seed, exit=None,
                     timeout_s=600)
    if result.code != 0:
        crash = box.path / "crash.flow"
        text = crash.read_bytes().decode(errors="backslashreplace") if crash.exists() else "no input was kept"
        raise Failure(f"{result.describe()}\n--- crash.flow\n{text}")


def test_front_end(box):
    run_mutants(box, MUTANTS_FULL if box.tools.is_full else MUTANTS)
