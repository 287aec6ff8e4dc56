"""Events in CSV as tables of SQLite, and what queries make of them."""

import csv
import re
import sqlite3
from datetime import datetime, timedelta, timezone

from . import queries

COLUMNS = {
    "P": ("person", "id, name, email, creditCard, city, state, dateTime, extra"),
    "A": ("auction", "id, itemName, description, initialBid, reserve, dateTime, expires, seller, category, extra"),
    "B": ("bid", "auction, bidder, price, dateTime, extra, channel, url"),
}
START_MS = 1_436_918_400_000  # the time of the first event
TEXTS = {"name", "email", "creditCard", "city", "state", "itemName", "description", "extra", "channel", "url"}


def time(ms):
    """As JSON has it: 2015-07-15T00:00:00.005Z, without a fraction that is zero."""
    at = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=ms)
    fraction = f".{ms % 1000:03}" if ms % 1000 else ""
    return at.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def decimal(units, scale):
    return f"{units // 10 ** scale}.{units % 10 ** scale:0{scale}}"


def channel_id(url):
    found = re.search("(&|^)channel_id=([^&]*)", url)
    return found.group(2) if found else None


def folder(url, place):
    parts = url.split("/")
    return parts[place] if place < len(parts) else None


FUNCTIONS = {
    "time": time, "decimal": decimal, "channel_id": channel_id, "folder": folder,
    "hour": lambda ms: ms // 3_600_000 % 24, "clock": lambda ms: time(ms)[11:16], "day": lambda ms: time(ms)[:10],
    "ratio": lambda total, count: repr(total / count),
}


def side_input(folder):
    """The pairs of key and value that q13 joins."""
    with (folder / "side_input.csv").open() as rows:
        return [(row["key"], row["value"]) for row in csv.DictReader(rows)]


def load(lines, side_input):
    """A database of the events in the lines, and of pairs of key and value."""
    db = sqlite3.connect(":memory:")
    for name, function in FUNCTIONS.items():
        db.create_function(name, function.__code__.co_argcount, function, deterministic=True)
    rows = {"P": [], "A": [], "B": []}
    for number, (kind, *fields) in enumerate(csv.reader(lines)):
        rows[kind].append((number, *fields))
    for kind, (table, columns) in COLUMNS.items():
        names = columns.split(", ")
        typed = ", ".join(f"{n} {'TEXT' if n in TEXTS else 'INTEGER'}" for n in names)
        db.execute(f"CREATE TABLE {table} (number INTEGER PRIMARY KEY, {typed})")
        db.executemany(f"INSERT INTO {table} VALUES (?{', ?' * len(names)})", rows[kind])
    db.execute("CREATE TABLE side_input (key INTEGER PRIMARY KEY, value TEXT)")
    db.executemany("INSERT INTO side_input VALUES (?, ?)", side_input)
    db.execute("CREATE INDEX bid_time ON bid (dateTime)")
    db.execute("CREATE INDEX bid_auction ON bid (auction)")
    db.execute("CREATE INDEX auction_id ON auction (id)")
    db.execute("CREATE INDEX auction_seller ON auction (seller)")
    return db


def answer(db, name):
    """The rows of a query as a list of dicts, in the order of the input or in none."""
    cursor = db.execute(queries.QUERIES[name])
    columns = [column[0] for column in cursor.description]
    return [dict(zip(columns, row)) for row in cursor]
