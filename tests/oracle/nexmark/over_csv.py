"""A flow of examples/nexmark with the events in a CSV file for its source, in the order of that file.

One source reads the file, as a tagged enum of all fields, and a stream takes the place of each source of the flow:

    source bids: Bid = nexmark(events: events) |> time by dateTime lag 4s
    stream bids = csv_events |> flat_map match it { bid x => [Bid(price: x.price)], else => [] } |> time by dateTime lag 4s

Its test blocks are left out, as they feed the sources.
"""

import re
from typing import NamedTuple

FIELDS = {
    "person": "id: int, name: string, email: string, creditCard: string, city: string, state: string, "
              "dateTime: timestamp unit ms, extra: string",
    "auction": "id: int, itemName: string, description: string, initialBid: int, reserve: int, "
               "dateTime: timestamp unit ms, expires: timestamp unit ms, seller: int, category: int, extra: string",
    "bid": "auction: int, bidder: int, price: int, dateTime: timestamp unit ms, extra: string, channel: string, url: string",
}
LETTERS = {"person": "P", "auction": "A", "bid": "B"}


class Field(NamedTuple):
    name: str
    column: str


def with_channels(text):
    """The text of events.flow with what bids have besides: `replaced` reads that."""
    last = 'extra: string) from "B"'
    if last not in text:
        raise ValueError("events.flow declares bids in another way")
    return text.replace(last, last.replace(")", ", channel: string, url: string)"))


def parts_of(text):
    """What stands between the commas and line ends that are in no brackets."""
    parts, depth = [""], 0
    for c in re.sub(r"#.*", "", text):
        depth += (c in "([{") - (c in ")]}")
        if depth == 0 and c in ",\n":
            parts.append("")
        else:
            parts[-1] += c
    return [part.strip() for part in parts if part.strip()]


def fields_of(text):
    fields = []
    for part in parts_of(text):
        name, rest = part.split(":", 1)
        renamed = re.search(r'from "(\w+)"', rest)
        fields.append(Field(name.strip(), renamed.group(1) if renamed else name.strip()))
    return fields


def values(fields):
    return ", ".join(f"{field.name}: x.{field.column}" for field in fields)


def body_of(text, kind, name):
    """What is declared as `record NAME { … }` or `enum NAME { … }`, or None."""
    found = re.search(rf"^{kind} {name}\b[^{{]*\{{(.*?)\}}", text, re.DOTALL | re.MULTILINE)
    return found.group(1) if found else None


def kind_of(fields):
    """The events that have all these fields; of a record only one kind has."""
    return [kind for kind, columns in FIELDS.items()
            if {field.column for field in fields} <= {column.name for column in fields_of(columns)}]


def arms(text, item):
    """For each kind of event the item that it becomes."""
    record = body_of(text, "record", item)
    if record is not None:
        fields = fields_of(record)
        return {kind: f"{item}({values(fields)})" for kind in kind_of(fields)}
    variants = {}
    for part in parts_of(body_of(text, "enum", item)):
        name, inside = re.match(r"(\w+)\((.*)\)", part, re.DOTALL).groups()
        variants[name] = f"{item}.{name}({values(fields_of(inside))})"
    return variants


def replaced(text, path):
    """The text of the flow with the file for what its sources make."""
    def stream(found):
        name, item = found.groups()
        cases = [f"{kind} x => [{value}]" for kind, value in arms(text, item).items()]
        cases += ["else => []"] if len(cases) < len(FIELDS) else []
        return f"stream {name} = csv_events |> flat_map match it {{ {', '.join(cases)} }}"

    text = re.split(r'^test "', text, flags=re.MULTILINE)[0]
    text, count = re.subn(r"^source (\w+): (\w+) = nexmark\(events: events\)", stream, text, flags=re.MULTILINE)
    if count == 0:
        raise ValueError("the flow has no source of events")
    variants = " ".join(f'{kind}({fields}) from "{LETTERS[kind]}"\n' for kind, fields in FIELDS.items())
    return f"""{text}
enum CsvEvent tagged "kind" {{
{variants}}}
source csv_events: CsvEvent = file("{path}", csv(header: false))
"""
