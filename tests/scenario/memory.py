"""What a program allocates: nothing per row once it is warm, and what is forgotten is used again."""

import json
from pathlib import Path

from harness.base import Failure, Skip, check_equal

COUNTER = Path(__file__).with_name("allocations.c")

# Values of every kind, short and long; a visit that ends is forgotten with all it has.
VISITS = """\
record Event { user: string, page: string, number: int }
record Visit {
  pages:    list[string] = []
  numbers:  list[int] = []
  by_page:  map[string, list[int]] = []
  distinct: set[int] = []
  last:     string? = none
}
source events: Event = file("events.jsonl", jsonl)
events
  |> key by user
  |> state visit: Visit {
       emit f"{key} {page} {len(visit.pages)} {sum(visit.numbers)}"
       match page {
         "end" => { forget }
         "half" => {
           for i in range(0, len(visit.numbers) / 2) { visit.numbers.pop_first() }
           visit.pages.clear()
         }
         else => {
           visit.pages.push(page)
           visit.numbers.push(number)
           visit.by_page[page].push(number)
           visit.distinct.add(number)
           visit.last = page
         }
       }
     }
  |> into stdout
"""
USERS, PAGES = 40, 30


def events(rounds):
    """In each round users come, read pages in turn, and leave."""
    for round_number in range(rounds):
        for number in range(PAGES):
            for user in range(USERS):
                name = f"user {user}" + ", whose name is long" * (user % 2)
                page = ("half" if number % 10 == 9 else "end" if number == PAGES - 2 else
                        f"/page/number/{(number + user) % 7}" if number % 3 == 0 else f"/{number}")
                if number < PAGES - 1:
                    yield {"user": name, "page": page, "number": number * user}


def allocations(box, rounds):
    """How often memory was asked for, and the most that was in use."""
    box.write("events.jsonl", "".join(json.dumps(event) + "\n" for event in events(rounds)))
    env = {"LD_PRELOAD": str(box.path / "allocations.so"), "ALLOCATIONS_FILE": str(box.path / "counts")}
    # How far workers get ahead of each other, and whether an epoch closes, would depend on the machine.
    result = box.run("./visits", "--workers", "1", "--snapshot-interval", "1h", env=env)
    check_equal(rounds * USERS * (PAGES - 1), result.out.count(b"\n"), "the number of lines")
    return [int(word) for word in (box.path / "counts").read_text().split()]


def test_forgotten_rows_give_their_memory_to_others(box):
    if not box.tools.can_crash:
        raise Skip("a library cannot be loaded before a sanitizer")
    box.compile(VISITS, "visits")
    box.run("cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", "allocations.so", COUNTER)
    few, many = allocations(box, 20), allocations(box, 80)
    if few != many:
        raise Failure(f"{few} allocations and bytes for 20 rounds, {many} for 80")
