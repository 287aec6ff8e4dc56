"""flowcc check: what bounds the memory of each state."""

import json

from harness.base import check_equal

FLOW = """\
enum Kind { order, payment }
record Event { user: string, kind: Kind, id: int, paid: bool, at: timestamp }
record Cart { ids: list[int] = [], open: set[int] = [], note: string = "", kinds: set[Kind] = [], last: list[int] = [] }
source events: Event = file("events.jsonl", jsonl) |> time by at
step daily() = |> state day: map[string, list[int]] = [] { day[it.user].push(it.id) }
sink out = file("out.jsonl", jsonl)
events
  |> key by user
  |> state cart: Cart {
       cart.ids.push(id)
       cart.open.add(id)
       if paid { cart.open.delete(id) }
       match kind {
         order   => cart.kinds.add(kind)
         payment => { for n in range(0, 2) { cart.note ++= "x" } }
       }
       cart.last.push(id)
       if len(cart.last) > 3 { cart.last = [] }
       emit cart.ids
     }
  |> into out
events |> key by "ALL" |> state total: int = 0 { total += 1; emit total } |> into out
events |> key by kind, paid |> state many: list[int] = [] { many.push(id) } on end { emit many } |> into out
events |> key by user |> state seen: list[int] = [] expires 1h { seen.push(id); emit seen } |> into out
events |> key by id |> state open: timestamp? = none { open = at; emit open } on at open { forget } |> into out
events |> key by at, user |> state few: int = 0 { few += 1; if few > 3 { forget }; emit few } |> into out
events |> key by user |> filter paid |> daily()
events |> daily() named all
"""


def test_text(box):
    box.write("f.flow", FLOW)
    said = box.run(box.tools.flowcc, "check", "f.flow").out.decode()
    check_equal("""\
what its states keep in memory:
  cart       unbounded  one value for each `user`, and nothing drops one
                        and nothing is taken out of `cart.ids`, `cart.note`
  total      bounded    one value: all items have the same key
  many       bounded    at most 4 values: there are no more keys
                        and nothing is taken out of `many`
  seen       bounded    one value for each `user`, which goes when the key `expires`
                        and nothing is taken out of `seen`
  open       depends    one value for each `id`, until `forget` in `on at` drops it
  few        depends    one value for each `at, user`, until `forget` in its block drops it
  daily.day  unbounded  one value for each `user`, and nothing drops one
                        and nothing is taken out of `day`, `day[…]`
  all.day    bounded    one value: all items have the same key
                        and nothing is taken out of `day`, `day[…]`
""", said[said.index("what its"):], "stdout")


def test_json(box):
    box.write("f.flow", FLOW)
    rows = map(json.loads, box.run(box.tools.flowcc, "check", "f.flow", "--message-format=json").out.splitlines())
    found = {row["state"]: (row["memory"], row["only_grows"]) for row in rows if "state" in row}
    check_equal(("unbounded", ["cart.ids", "cart.note"]).__repr__(), repr(found["cart"]))
    check_equal(("depends", []).__repr__(), repr(found["open"]))


def test_nothing_is_said_without_states(box):
    box.write("f.flow", "source words: string = file(\"words.txt\", text)\nwords |> into stdout\n")
    check_equal("flow f, with a state directory (-d DIR), after a crash:\n  words -> stdout  at least once  "
                "lines since the last commit come again; after an ordinary stop none do\n",
                box.run(box.tools.flowcc, "check", "f.flow").out, "stdout")


TIMES = """\
record Event { user: string, id: int, at: timestamp }
source a: Event = file("a.jsonl", jsonl) |> time by at
source b: Event = file("b.jsonl", jsonl) |> time by at
sink out = file("out.jsonl", jsonl)
a |> key by user |> window sliding 10s every 5s |> aggregate count() named windows |> into out
a |> key by user |> window count 3 |> aggregate count() named threes |> into out
a |> window tumbling 1m |> aggregate count() named all |> into out
a |> key by user |> aggregate count() named running |> into out
a |> join b on a.id == b.id within 1m named near |> into out
a |> join b on a.id == b.id unbounded named pairs |> into out
a |> lookup b on user == b.user named latest |> into out
"""


def test_windows_and_joins(box):
    """What only waits for time to pass is bounded by it; the rest grows with the number of keys."""
    box.write("f.flow", TIMES)
    said = box.run(box.tools.flowcc, "check", "f.flow").out.decode()
    check_equal("""\
what its states keep in memory:
  windows  bounded    one value for each `user` with an open window
  threes   unbounded  one value for each `user`, and nothing drops one
  all      bounded    one value: all items have the same key
  running  unbounded  one value for each `user`, and nothing drops one
  near     bounded    one value for each key while a partner may come
  pairs    unbounded  one value for each key, and nothing drops one
  latest   unbounded  one value for each key, and nothing drops one
""", said[said.index("what its"):], "stdout")
