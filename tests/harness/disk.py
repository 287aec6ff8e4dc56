"""What may be left of the files of a program after a power loss.

A trace (crash/trace.c) says in order what a program did to its files and what it made durable. The Disk
replays it up to some record, and then writes out one of the many states in which a disk may be that lost its
power there: what was made durable is there; each other sector of a file holds any of the values that it had
since; each name in a directory that was not synced is there or not.

    disk = Disk(folder)                       # as it is now, all of it durable
    … the program runs there, traced …
    records, end = read_trace(path)
    for record in records:
        disk.change(record)
        disk.settle(record)
    disk.write_image(other_folder, Loss("torn", random.Random(7)))

The model is as harsh as POSIX lets file systems be: nothing is durable unless it was asked for, a write
through O_DSYNC makes no other write durable, and nothing reaches the disk in order. It trusts in two
things: a sector of 512 bytes is written as a whole, and so is a rename.
"""

import struct

SECTOR = 512
SECTORS_OF_PAGE = 8
ZEROS = bytes(SECTOR)
RECORD = struct.Struct("<QQQQII")


class Record:
    """A line of the trace; trace.c says what the fields mean."""

    def __init__(self, kind, inode, other, offset, name, data):
        self.kind, self.inode, self.other, self.offset = kind, inode, other, offset
        self.name, self.data = name, data


def read_trace(path, start=0):
    """The records from a byte of the file on, and where the file ends."""
    records, data = [], path.read_bytes() if path.exists() else b""
    while start < len(data):
        kind, inode, other, offset, name_length, data_length = RECORD.unpack_from(data, start)
        middle = start + RECORD.size + name_length
        name = data[start + RECORD.size : middle].decode()
        start = middle + data_length
        records.append(Record(chr(kind), inode, other, offset, name, data[middle:start]))
    return records, start


class Loss:
    """Which of the values that something may have is found after the power loss. A value is a pair of the
    number of the record that made it, and itself; the first one is durable, the last one the newest.

    name      data                   sizes of files   names
    all       durable                durable          durable
    none      newest                 newest           newest: as after a kill
    names     newest                 newest           durable
    some      newest                 newest           any
    data      durable                newest           newest
    torn      each sector any        any              any
    pages     each page any          any              any
    late      changed lately: the    newest           newest
              newest; else durable
    """

    NAMES = ("all", "none", "names", "some", "data", "torn", "pages", "late")

    def __init__(self, name, rng):
        self.name, self.rng = name, rng
        self.unit = SECTORS_OF_PAGE if name == "pages" else 1
        self.keeps_data = name in ("none", "names", "some")

    def __str__(self):
        return f"loss of {self.name}"

    def limit(self, numbers):
        """The number of a record: what later ones wrote to this unit is lost. `numbers`: those that did."""
        if self.name == "late":
            return max(numbers) if max(numbers) >= self.latest else -1
        if self.name in ("torn", "pages"):
            return self.rng.choice([-1, *numbers])
        return max(numbers) if self.keeps_data else -1

    def size(self, versions):
        if self.name in ("torn", "pages"):
            return self.rng.choice(versions)[1]
        return versions[0 if self.name == "all" else -1][1]

    def keeps_name(self):
        if self.name in ("some", "torn", "pages"):
            return self.rng.random() < 0.5
        return self.name in ("none", "data", "late")

    def begin(self, last):
        """`last`: the number of the last record."""
        self.latest = self.rng.randrange(max(1, last - 6), last + 1)


class File:
    """Sectors, and the size, each with the versions that may be on the disk."""

    def __init__(self, data=b""):
        self.sizes = [(0, len(data))]
        self.sectors = {}
        self.dirty = set()
        for number in range((len(data) + SECTOR - 1) // SECTOR):
            part = data[number * SECTOR : (number + 1) * SECTOR]
            self.sectors[number] = [(0, part.ljust(SECTOR, b"\0"))]

    def newest(self, number):
        return self.sectors[number][-1][1] if number in self.sectors else ZEROS

    def change(self, number, stamp, data):
        self.sectors.setdefault(number, [(0, ZEROS)]).append((stamp, data))
        self.dirty.add(number)

    def write(self, offset, data, stamp):
        at = 0
        while at < len(data):
            number, inside = divmod(offset + at, SECTOR)
            part = data[at : at + SECTOR - inside]
            old = self.newest(number)
            self.change(number, stamp, old[:inside] + part + old[inside + len(part) :])
            at += len(part)
        if offset + len(data) > self.sizes[-1][1]:
            self.sizes.append((stamp, offset + len(data)))

    def truncate(self, size, stamp):
        number, inside = divmod(size, SECTOR)
        if inside:
            self.change(number, stamp, self.newest(number)[:inside].ljust(SECTOR, b"\0"))
        for n in [n for n in self.sectors if n >= number + bool(inside)]:
            self.change(n, stamp, ZEROS)
        self.sizes.append((stamp, size))

    def sync(self, first=0, last=None):
        """Makes sectors durable, and the size."""
        for n in [n for n in self.dirty if first <= n and (last is None or n <= last)]:
            self.sectors[n] = [(0, self.newest(n))]
            self.dirty.remove(n)
        self.sizes = [(0, self.sizes[-1][1])]

    def image(self, loss):
        size = loss.size(self.sizes)
        data = bytearray((size + SECTOR - 1) // SECTOR * SECTOR)
        limits = {}
        for n in self.dirty:
            limits.setdefault(n // loss.unit, set()).update(stamp for stamp, _ in self.sectors[n][1:])
        limits = {unit: loss.limit(sorted(numbers)) for unit, numbers in sorted(limits.items())}
        for n, versions in self.sectors.items():
            if n * SECTOR < size:
                limit = limits.get(n // loss.unit, -1)
                found = [value for stamp, value in versions if stamp <= limit]
                data[n * SECTOR : (n + 1) * SECTOR] = found[-1] if found else versions[0][1]
        return bytes(data[:size])


class Disk:
    """The files below a folder. `ignored`: classes of syncs that are taken as if the program had forgotten
    them, to see that this would be noticed: "sink" and "store" for fdatasync of files, "meta" for writes
    through O_DSYNC, "names" for directories."""

    def __init__(self, folder, ignored=()):
        self.folder, self.ignored = folder, frozenset(ignored)
        self.files, self.folders, self.pending = {}, {}, []
        self.names = {}  # inode -> the last name that it had
        self.stamp = 0
        self.root = self.adopt_folder(folder)

    def adopt_folder(self, path):
        inode = path.stat().st_ino
        self.folders[inode] = {}
        for child in path.iterdir():
            self.folders[inode][child.name] = self.adopt_path(child)
        return inode

    def adopt_path(self, path):
        if path.is_dir():
            return self.adopt_folder(path)
        inode = path.stat().st_ino
        self.files[inode], self.names[inode] = File(path.read_bytes()), path.name
        return inode

    def adopt(self, name):
        """A file or folder was put here, or taken away, by another hand than the program's, and lasts."""
        path = self.folder / name
        if path.parent.exists() and path.parent.stat().st_ino not in self.folders:
            self.adopt(str(path.parent.relative_to(self.folder)))
        elif path.exists():
            self.folders[path.parent.stat().st_ino][path.name] = self.adopt_path(path)
        elif path.parent.exists():
            self.folders[path.parent.stat().st_ino].pop(path.name, None)

    def change(self, record):
        """The change that a record of the trace tells of. settle() makes durable what it made durable; when
        the power goes between the two, the call has not returned."""
        self.stamp += 1
        file, kind = self.files.get(record.inode), record.kind
        if kind in "wd" and file:
            file.write(record.offset, record.data, self.stamp)
        elif kind == "t" and file:
            file.truncate(record.offset, self.stamp)
        elif kind == "c":
            self.files[record.inode] = File()
            self.rename([(record.other, record.name, record.inode)])
        elif kind == "m":
            self.folders[record.inode] = {}
            self.rename([(record.other, record.name, record.inode)])
        elif kind == "u":
            self.rename([(record.other, record.name, None)])
        elif kind == "r":
            old, new = record.name.split("\0")
            self.rename([(record.other, old, None), (record.offset, new, record.inode)])

    def rename(self, entries):
        for folder, name, inode in entries:
            self.names[inode] = name
        self.pending.append(entries)

    def settle(self, record):
        file = self.files.get(record.inode)
        if record.kind == "d" and file and "meta" not in self.ignored:
            file.sync(record.offset // SECTOR, (record.offset + len(record.data) - 1) // SECTOR)
        elif record.kind == "s" and file:
            is_store = self.names[record.inode].startswith("data.mdb")
            if ("store" if is_store else "sink") not in self.ignored:
                file.sync()
        elif record.kind == "s" and record.inode in self.folders and "names" not in self.ignored:
            waiting, self.pending = self.pending, []
            for entries in waiting:
                if any(folder == record.inode for folder, _, _ in entries):
                    enter(self.folders, entries)
                else:
                    self.pending.append(entries)

    def write_image(self, target, loss):
        """Writes what may be left to a folder, which is there and is empty."""
        loss.begin(self.stamp)
        folders = {inode: dict(names) for inode, names in self.folders.items()}
        for entries in self.pending:
            if loss.keeps_name():
                enter(folders, entries)
        self.write_folder(target, folders, self.root, loss)

    def write_folder(self, target, folders, inode, loss):
        for name, child in sorted(folders[inode].items()):
            if child in folders:
                (target / name).mkdir()
                self.write_folder(target / name, folders, child, loss)
            elif name == "lock.mdb":  # LMDB writes it through a memory map, which leaves no trace
                (target / name).write_bytes(loss.rng.randbytes(self.files[child].sizes[-1][1]))
            else:
                (target / name).write_bytes(self.files[child].image(loss))


def enter(folders, entries):
    for folder, name, inode in entries:
        if folder in folders:
            if inode is None:
                folders[folder].pop(name, None)
            else:
                folders[folder][name] = inode
