"""Writes decode.json, show.json and images/: what CRIT prints for the golden set and for one image of every kind that it
reads, with every field filled. Needs pycriu (the Debian package python3-pycriu)."""

import io
import json
import struct
from pathlib import Path

import pycriu
from google.protobuf.descriptor import FieldDescriptor as FD
from pycriu.images import images, magic, opts_pb2, pb

HERE = Path(__file__).parent
SERVICE = ("STATS", "IRMAP_CACHE")
# CRIT's names of the same magic number, and the name of such a file.
FILES = {"PAGEMAP": "pagemap-9.img", "STATS": "stats-restore", "IRMAP_CACHE": "irmap-cache"}


def number(field, turn):
    """A value for a number: with named and unnamed bits for flags, known and unknown for names."""
    options = field.GetOptions().Extensions[opts_pb2.criu]
    if options.flags:
        return (0x41000003, 0)[turn]
    if options.dict:
        return (1, 99)[turn]
    if options.dev or options.odev:
        return (0x00800103, 0x12345678)[turn]
    signed = field.type in (FD.TYPE_INT32, FD.TYPE_INT64, FD.TYPE_SINT32, FD.TYPE_SINT64)
    if signed and turn:
        return -field.number
    wide = field.type in (FD.TYPE_UINT64, FD.TYPE_FIXED64)
    return (0xFEDCBA9876543210 if wide else 0x76543210) + field.number if turn else field.number


def value(field, turn):
    if field.type == FD.TYPE_BOOL:
        return turn == 0
    if field.type == FD.TYPE_STRING:
        return ("text of %s" % field.name, "")[turn]
    if field.type == FD.TYPE_BYTES:
        return (b"\0bytes of a = b\xff", bytes(range(128, 256)))[turn]
    if field.type == FD.TYPE_ENUM:
        return field.enum_type.values[-1 if turn else 0].number
    return number(field, turn)


def fill(message, turn, depth=0):
    for field in message.DESCRIPTOR.fields:
        repeated = field.label == FD.LABEL_REPEATED
        if field.type == FD.TYPE_MESSAGE:
            if depth > 6 or (field.message_type == message.DESCRIPTOR and depth > 1):
                continue
            for _ in range(2 if repeated else 1):
                one = getattr(message, field.name)
                fill(one.add() if repeated else one, turn, depth + 1)
        elif repeated and field.GetOptions().Extensions[opts_pb2.criu].ipadd:
            getattr(message, field.name).extend((0x0100007F,) if turn == 0 else (0xB80D0120, 0, 0, 0x01000000))
        elif repeated:
            getattr(message, field.name).extend([value(field, 0), value(field, turn)])
        else:
            setattr(message, field.name, value(field, turn))


def framed(message):
    data = message.SerializeToString()
    return struct.pack("i", len(data)) + data


def filled(kind, turn):
    message = kind()
    fill(message, turn)
    return message


def entries(name, kind):
    """The bytes of two entries, each with what follows it."""
    out = b""
    for turn in range(2):
        message = filled(kind, turn)
        behind = b""
        if name in ("PIPES_DATA", "FIFO_DATA"):
            message.bytes, behind = 5 * (1 - turn), b"piped"[: 5 * (1 - turn)]
        elif name == "SK_QUEUES":
            message.length, behind = 100, b"packet" * 16 + b"last"
        elif name == "TCP_STREAM":
            message.inq_len, message.outq_len, behind = 3, 4 * turn, b"in:" + b"out:" * turn
        elif name == "IPCNS_SEM":
            message.nsems, behind = 3, struct.pack("4H", 1, 2, 65535, 0)
        elif name == "IPCNS_SHM":
            message.in_pagemaps, message.size, behind = False, 5, b"shmem\0\0\0"
        elif name == "IPCNS_MSG":
            message.qnum = turn
            if turn:
                text = pb.ipc_msg(mtype=7, msize=5)
                behind = framed(text) + b"hello\0\0\0"
        elif name == "BPFMAP_DATA":
            message.keys_bytes, message.values_bytes, behind = 4, 2, b"keysva"
        out += framed(message) + behind
        if name in ("STATS", "INVENTORY"):
            break
    return out


def ghost(chunks):
    head = filled(pb.ghost_file_entry, 0)
    head.chunks = chunks
    if not chunks:
        return framed(head) + b"content of a deleted file" * 4
    return framed(head) + b"".join(framed(pb.ghost_chunk_entry(len=3, off=o)) + b"abc" for o in (0, 4096))


def made():
    """Every kind that CRIT reads."""
    for name, handler in sorted(images.handlers.items()):
        if name not in magic.by_name:
            continue
        start = struct.pack("I", magic.by_name[name])
        if name != "INVENTORY":
            first = "IMG_SERVICE" if name in SERVICE else "IMG_COMMON"
            start = struct.pack("I", magic.by_name[first]) + start
        if name == "PAGEMAP":
            body = framed(pb.pagemap_head(pages_id=9))
            body += framed(pb.pagemap_entry(vaddr=0x10000, nr_pages=2, flags=4))
            body += framed(pb.pagemap_entry(vaddr=0x20000, nr_pages=1, in_parent=True, flags=1))
            body += framed(pb.pagemap_entry(vaddr=0x30000, nr_pages=1, flags=2))
        elif name == "GHOST_FILE":
            yield "ghost-chunks.img", start + ghost(True)
            body = ghost(False)
        else:
            body = entries(name, handler.payload)
        yield FILES.get(name, "%s.img" % name.lower().replace("_", "-")), start + body


def main():
    files = {}
    for path in sorted((HERE.parent / "criu-4.1.1-plain").iterdir()):
        if not path.name.startswith("pages-"):
            files["criu-4.1.1-plain/" + path.name] = path.read_bytes()
    (HERE / "images").mkdir(exist_ok=True)
    for name, data in made():
        (HERE / "images" / name).write_bytes(data)
        files["crit/images/" + name] = data
    for form, pretty in (("decode", False), ("show", True)):
        shown = {name: pycriu.images.load(io.BytesIO(data), pretty) for name, data in files.items()}
        (HERE / (form + ".json")).write_text(json.dumps(shown, separators=(",", ":")) + "\n")


main()
