"""The word count of the examples, over a directory to which a test adds files, with a poll that tests can wait for."""

import json

from .base import EXAMPLES, Failure

PROGRAM = (EXAMPLES / "wordcount" / "wordcount.flow").read_text()
FAST = PROGRAM.replace("poll: 1s", "poll: 20ms")
RESULT = "result.jsonlines"


def put(box, name, words, header="word\n"):
    """A file appears whole, as one that is moved into the directory does."""
    box.write("new", header + "".join(f"{word}\n" for word in words))
    (box.path / name).parent.mkdir(exist_ok=True)
    (box.path / "new").rename(box.path / name)


def lines(box):
    path = box.path / RESULT
    return path.read_text().splitlines() if path.exists() else []


def counts(box):
    """The last count of each word."""
    return {row["word"]: row["count"] for row in map(json.loads, lines(box))}


def check_counts(box, expected):
    if counts(box) != expected:
        raise Failure(f"the counts are {counts(box)}, not {expected}")
