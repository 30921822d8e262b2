"""Manifest stores as trees of JUMBF boxes (ISO/IEC 19566-5), to be forged in tests."""

import struct
import zlib

PNG_START = b"\x89PNG\r\n\x1a\n"


class Box:
    """A box: `jumb` with children, of which the first describes it, or any other with bytes."""

    def __init__(self, kind, data=b"", children=None):
        self.kind, self.data, self.children = kind, data, children

    @property
    def label(self):
        if not self.children:
            return None
        return self.children[0].data[17:].split(b"\0")[0].decode()

    def relabel(self, label):
        head = self.children[0]
        rest = head.data[17:].partition(b"\0")[2]
        head.data = head.data[:17] + label.encode() + b"\0" + rest

    def find(self, label):
        """The first superbox below with a label that starts so."""
        for child in self.children or ():
            if child.label and child.label.startswith(label):
                return child
            if child.children and (found := child.find(label)):
                return found
        return None

    def drop(self, label):
        found = self.find(label)
        self.parent_of(found).children.remove(found)

    def parent_of(self, box):
        for child in self.children or ():
            if child is box:
                return self
            if child.children and (found := child.parent_of(box)):
                return found
        return None

    def tobytes(self):
        data = self.data
        if self.children is not None:
            data = b"".join(child.tobytes() for child in self.children)
        return struct.pack(">I4s", len(data) + 8, self.kind) + data


def parse(data):
    """The boxes in some bytes."""
    boxes = []
    while data:
        size, kind = struct.unpack(">I4s", data[:8])
        body, data = data[8:size], data[size:]
        boxes.append(Box(kind, children=parse(body)) if kind == b"jumb" else Box(kind, body))
    return boxes


def chunks(png):
    at = 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        at += 12 + size


def join(parts):
    """A PNG of chunks, names and bodies."""
    out = [PNG_START]
    for name, body in parts:
        out.append(struct.pack(">I", len(body)) + name + body)
        out.append(struct.pack(">I", zlib.crc32(name + body)))
    return b"".join(out)


def store_of(png):
    """Bytes of the manifest store in a PNG."""
    return dict(chunks(png))[b"caBX"]


def with_store(png, store):
    """The PNG with another manifest store in the place of its own; `None` for none."""
    parts = [(n, store if n == b"caBX" else body) for n, body in chunks(png)]
    return join([part for part in parts if part[1] is not None])
