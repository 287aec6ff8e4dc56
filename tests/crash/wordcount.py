"""Word count over a directory to which files come: killed while they do, run with other numbers of workers, and
with so many words that an epoch repeats all of them. `make crash` plays this with millions of words."""

import json
import random
import time
from collections import Counter

from harness.base import Failure
from harness.words import FAST, check_counts, counts, lines, put


def start(box, dictionary):
    """A directory for the words, in memory, and the words."""
    box = box.tools.sandbox("words", box.tools.memory())
    box.compile(FAST, "wordcount")
    (box.path / "inputs").mkdir()
    return box, [f"w{n}" for n in range(dictionary)]


def test_killed_at_random_while_a_writer_drops_files(box):
    """Case 3c: no count above the truth at any time, exact counts at the end, no line twice."""
    rng = random.Random(box.tools.seed)
    size, rounds = (100_000, 5) if box.tools.is_full else (3000, 1)
    box, dictionary = start(box, size)
    for round in range(rounds):
        truth = Counter()
        for kill in range(rng.randrange(3, 11)):
            box.tools.count("kills at random moments")
            for n in range(3):
                words = rng.choices(dictionary, k=max(size, 20_000))
                truth.update(words)
                put(box, f"inputs/{rng.randrange(1000)}-{kill}-{n}.csv", words)
            with box.start("./wordcount", "-w", str(1 + kill % 4), "-d", "db", "-s", "10ms") as program:
                words = rng.choices(dictionary, k=max(size, 20_000))
                truth.update(words)
                time.sleep(rng.random() * 0.15)
                put(box, f"inputs/while-{kill}.csv", words)
                time.sleep(rng.random() * 0.15)
                program.process.kill()
                program.process.wait()
            for word, count in (json.loads(line).values() for line in lines(box)[:-1]):
                if count > truth[word]:
                    raise Failure(f"{word} is reported {count} times and was there {truth[word]} times")
        box.run("./wordcount", "-d", "db", "--once")
        if counts(box) != truth:
            wrong = {w: (counts(box).get(w), truth[w]) for w in truth if counts(box).get(w) != truth[w]}
            raise Failure(f"(reported, truth) of {len(wrong)} words: {list(wrong.items())[:10]}")
        twice = [line for line, n in Counter(lines(box)).items() if n > 1]
        if twice:
            raise Failure(f"{len(twice)} lines are there more than once: {twice[:5]}")
        for name in ("db", "inputs", "result.jsonlines"):
            box.remove(name)
        (box.path / "inputs").mkdir()
    box.remove("")


def test_other_numbers_of_workers(box):
    """Case 3d: 1000 words, 50 times each, in every round."""
    rng = random.Random(box.tools.seed)
    box, dictionary = start(box, 1000)
    for round, workers in enumerate((8, 4, 8, 4, 8), 1):
        words = dictionary * 50
        rng.shuffle(words)
        put(box, f"inputs/{round}.csv", words)
        box.run("./wordcount", "-w", workers, "-d", "db", "-s", "5ms", "--once")
        check_counts(box, dict.fromkeys(dictionary, 50 * round))
    box.remove("")


def test_only_changed_words_are_reported(box):
    """Case 3f: no line of a later round is about a word that did not change since the line before about it."""
    rng = random.Random(box.tools.seed)
    added = 5_000_000 if box.tools.is_full else 50_000
    box, dictionary = start(box, 10_000)
    truth, seen, done = Counter(), {}, 0
    for round in range(3):
        words = rng.choices(dictionary, k=added)
        truth.update(words)
        put(box, f"inputs/{round}.csv", words)
        box.run("./wordcount", "-w", 2 + round, "-d", "db", "-s", "20ms", "--once", timeout_s=300)
        reported = [json.loads(line).values() for line in lines(box)]
        for word, count in reported[done:]:
            if count <= seen.get(word, 0):
                raise Failure(f"round {round + 1}: {word} is reported with {count} behind {seen[word]}")
            seen[word] = count
        done = len(reported)
        check_counts(box, dict(truth))
    box.remove("")
