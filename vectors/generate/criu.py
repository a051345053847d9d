"""What CRIU's pull request 2297 writes: protobuf entries, small ghost files and memory pages."""

import hmac

from aead import opened
from messages import REPEATED, flipped, must_refuse, repeated
from model import GENERATED, OWN_LICENCE, File, Stream

CHUNK = PAGE = 4096
NONCE, TAG = 12, 16
SOURCE_NOTE = "The format is checkpoint-restore/criu, pull request 2297, commit d4b1c376ac."


def entry(library, key, iv, msg):
    """Size, ciphertext, tag, nonce; of nothing only the size."""
    if not msg:
        return bytes(4)
    return len(msg).to_bytes(4, "little") + library.chacha20_poly1305(key, iv, b"", msg) + iv


def raw(library, key, iv, msg):
    """For each chunk: tag, nonce, length, ciphertext."""
    framed = b""
    for number, start in enumerate(range(0, len(msg), CHUNK)):
        nonce, chunk = iv[number * NONCE : (number + 1) * NONCE], msg[start : start + CHUNK]
        sealed = library.chacha20_poly1305(key, nonce, b"", chunk)
        framed += sealed[-TAG:] + nonce + len(chunk).to_bytes(8, "little") + sealed[:-TAG]
    return framed


def pages(library, key, mac_key, iv, addresses, pid, msg):
    """The ciphertext of all pages, then the digest: the XOR of the pages' codes."""
    ct = b"".join(library.xts(key, iv, msg[at : at + PAGE]) for at in range(0, len(msg), PAGE))
    return ct + _digest(library.hmac_sha256, mac_key, addresses, pid, ct)


def _digest(mac, mac_key, addresses, pid, ct):
    digest = 0
    for number, at in enumerate(range(0, len(ct), PAGE)):
        address = addresses[number * 8 : number * 8 + 8]
        digest ^= int.from_bytes(mac(mac_key, ct[at : at + PAGE] + address + pid), "big")
    return digest.to_bytes(32, "big")


def _open_entry(key, framed):
    size = int.from_bytes(framed[:4], "little")
    if len(framed) != (4 if size == 0 else 4 + size + TAG + NONCE):
        return None
    return opened("chacha20_poly1305", key, framed[-NONCE:], b"", framed[4:-NONCE], b"") if size else b""


def _open_raw(key, framed):
    msg = b""
    while framed:
        head, framed = framed[: TAG + NONCE + 8], framed[TAG + NONCE + 8 :]
        size = int.from_bytes(head[TAG + NONCE :], "little")
        if len(head) < TAG + NONCE + 8 or size > min(len(framed), CHUNK):
            return None
        chunk = opened("chacha20_poly1305", key, head[TAG : TAG + NONCE], b"", framed[:size], head[:TAG])
        if chunk is None:
            return None
        msg, framed = msg + chunk, framed[size:]
    return msg


def write_entry():
    name = "criu-pr2297-entry"
    file = File(f"{name}-messages", name, GENERATED, OWN_LICENCE, [
        SOURCE_NOTE + " An entry is its size (32 bits, little-endian), the ciphertext of ChaCha20-Poly1305 without"
        " associated data, the tag and the nonce; of size 0 it is the size alone.",
        "framed is one whole entry: octets beyond it must be refused.",
        REPEATED,
    ])
    stream = Stream(name)
    key = stream.take(32)
    group = {"keySize": 256, "ivSize": 96, "key": key}

    def add(comment, flags, length):
        iv, (msg, values) = stream.take(NONCE), repeated(stream, length)
        framed = file.agreed(entry, key, iv, msg)
        file.add(group, comment, flags, iv=iv, **values, framed=framed)
        return framed

    for length in (0, 1, 2, 3, 4, 12, 15, 16, 17, 28, 31, 32, 33, 63, 64, 65, 127, 128, 129, 191, 192, 255, 256, 257,
                   320, 511, 512, 513, 1023, 1024, 1025, 2047, 4095, 4096, 4097, 12288):
        add(f"{length} bytes", ["EmptyEntry"] if length == 0 else [], length)

    for length in (1, 45, 300):
        framed = add(f"the entry of {length} bytes that the invalid ones were made from", [], length)
        end = len(framed)

        def refuse(comment, flag, changed):
            must_refuse(_open_entry(key, changed), comment)
            file.add(group, f"{length} bytes: {comment}", [flag], "invalid", msg=b"", framed=changed)

        for size in sorted({0, length - 1, length + 1, length + TAG, length + TAG + NONCE, 0x7FFF_FFFF, 0xFFFF_FFFF}):
            refuse(f"the size says {size}", "ModifiedSize", size.to_bytes(4, "little") + framed[4:])
        refuse("the size is big-endian", "ModifiedSize", length.to_bytes(4, "big") + framed[4:])
        for at in sorted({0, length // 2, length - 1}):
            refuse(f"bit 0 of ciphertext byte {at} changed", "ModifiedCiphertext", flipped(framed, 4 + at))
        for at in (0, 7, 15):
            refuse(f"bit 0 of tag byte {at} changed", "ModifiedTag", flipped(framed, end - NONCE - TAG + at))
        for at in (0, 11):
            refuse(f"bit 0 of nonce byte {at} changed", "ModifiedNonce", flipped(framed, end - NONCE + at))
        refuse("tag and nonce have changed places", "ModifiedTag",
               framed[:-NONCE - TAG] + framed[-NONCE:] + framed[-NONCE - TAG : -NONCE])
        for cut, meaning in (
            (1, "the last byte is"),
            (NONCE, "the nonce is"),
            (NONCE + TAG, "tag and nonce are"),
            (NONCE + TAG + 1, "tag, nonce and the last byte of ciphertext are"),
            (end - 4, "all but the size is"),
        ):
            refuse(f"{meaning} missing", "Truncated", framed[:-cut])
        refuse("half of the size is missing", "Truncated", framed[:2])
        refuse("one byte follows", "ModifiedSize", framed + b"\0")
    refuse("nothing at all", "Truncated", b"")
    file.write()


def write_raw():
    name = "criu-pr2297-raw"
    file = File(f"{name}-messages", name, GENERATED, OWN_LICENCE, [
        SOURCE_NOTE + " Each chunk of at most 4096 bytes is its tag, its nonce, its length (64 bits, little-endian) and"
        " its ciphertext, of ChaCha20-Poly1305 without associated data. iv has the nonces of all chunks.",
        "Nothing in the format binds the order or the number of the chunks, so there is no invalid case of those.",
        REPEATED,
    ])
    stream = Stream(name)
    key = stream.take(32)
    group = {"keySize": 256, "key": key}

    def add(comment, flags, length):
        iv, (msg, values) = stream.take(NONCE * -(-length // CHUNK)), repeated(stream, length)
        framed = file.agreed(raw, key, iv, msg)
        file.add(group, comment, flags, iv=iv, **values, framed=framed)
        return framed

    for length in (0, 1, 2, 16, 63, 64, 65, 256, 512, 1024, 4095, 4096, 4097, 5000, 8191, 8192, 8193, 12287):
        add(f"{length} bytes", ["EmptyEntry"] if length == 0 else [], length)

    for length in (45, 4100):
        framed = add(f"the file of {length} bytes that the invalid ones were made from", [], length)
        begins = TAG + NONCE + 8
        last = (length // CHUNK) * (begins + CHUNK)
        final = length % CHUNK

        def refuse(comment, flag, changed):
            must_refuse(_open_raw(key, changed), comment)
            file.add(group, f"{length} bytes: {comment}", [flag], "invalid", msg=b"", framed=changed)

        def resized(size):
            return framed[: last + TAG + NONCE] + size + framed[last + begins :]

        refuse("bit 0 of the last tag's last byte changed", "ModifiedTag", flipped(framed, last + TAG - 1))
        refuse("bit 0 of the last ciphertext byte changed", "ModifiedCiphertext", flipped(framed, len(framed) - 1))
        refuse("bit 0 of the first ciphertext byte changed", "ModifiedCiphertext", flipped(framed, begins))
        refuse("the length of the last chunk is too small", "ModifiedSize", resized((final - 1).to_bytes(8, "little")))
        refuse("the last byte is missing", "Truncated", framed[:-1])
        refuse("the ciphertext of the last chunk is missing", "Truncated", framed[: last + begins])
        refuse("one byte follows", "ModifiedSize", framed + b"\0")
        if last:
            continue
        refuse("bit 0 of the tag's first byte changed", "ModifiedTag", flipped(framed, 0))
        for at in (0, 11):
            refuse(f"bit 0 of nonce byte {at} changed", "ModifiedNonce", flipped(framed, TAG + at))
        for size in (0, final + 1, CHUNK, 1 << 62, 1 << 63, (1 << 64) - 1):
            refuse(f"the length says {size}", "ModifiedSize", resized(size.to_bytes(8, "little")))
        refuse("the length is big-endian", "ModifiedSize", resized(final.to_bytes(8, "big")))
        refuse("the chunk ends within its length", "Truncated", framed[: TAG + NONCE + 4])
        refuse("the chunk ends within its tag", "Truncated", framed[:8])
    file.write()


def write_pages():
    name = "criu-pr2297-pages"
    file = File(f"{name}-messages", name, GENERATED, OWN_LICENCE, [
        SOURCE_NOTE + " Every page is an AES-256-XTS data unit of 4096 bytes under the same tweak (iv). Its code is"
        " HMAC-SHA-256 under macKey over its ciphertext, address and pid; digest is the XOR of all codes.",
        "As the digest is an XOR, it cannot tell the order of pages that take their addresses with them, nor pages that"
        " occur an even number of times; neither is an invalid case.",
        REPEATED,
    ])
    stream = Stream(name)
    key, mac_key, iv = stream.take(64), stream.take(32), stream.take(16)
    group = {"keySize": 512, "ivSize": 128, "digestSize": 256, "key": key, "macKey": mac_key, "iv": iv}

    def add(comment, flags, addresses, pid, msg, values):
        addresses, pid = b"".join(a.to_bytes(8, "little") for a in addresses), pid.to_bytes(4, "little")
        sealed = file.agreed(pages, key, mac_key, iv, addresses, pid, msg)
        valid = {"addresses": addresses, "pid": pid, "ct": sealed[:-32], "digest": sealed[-32:]}
        file.add(group, comment, flags, **(valid | values))
        return valid

    base = 0x7FFF_1234_5000
    for count, first, pid in (
        (1, 0, 0),
        (1, 0x40_0000, 1),
        (1, (1 << 64) - PAGE, 0x7FFF_FFFF),
        (1, 1 << 32, 0xFFFF_FFFF),
        (2, base, 0),
        (3, base, 4711),
        (31, base, 0),
    ):
        addresses = range(first, first + count * PAGE, PAGE)
        add(f"{count} pages from {first:#x}, pid {pid:#x}", [], addresses, pid, *repeated(stream, count * PAGE))
    for comment, addresses in (
        ("two pages of zeros", (base, base + PAGE)),
        ("two pages of zeros at one address, whose codes cancel out", (base, base)),
        ("three pages of zeros at one address", (base, base, base)),
    ):
        length = len(addresses) * PAGE
        add(comment, ["EqualPages"], addresses, 0, bytes(length), {"msg": b"\0", "msgLength": length})
    add("pages that are not in the order of their addresses", [], (base + PAGE, base), 0, *repeated(stream, 2 * PAGE))

    msg, values = repeated(stream, 2 * PAGE)
    two = add("the two pages that invalid ones were made from", [], (base, base + PAGE), 4711, msg, values)
    moved = msg[PAGE:] + msg[:PAGE]
    add("the same pages in the other order: the digest is the same", ["MovedPages"], (base + PAGE, base), 4711, moved,
        {"msg": moved})
    one = add("the page that invalid ones were made from", [], (base,), 4711, *repeated(stream, PAGE))

    def refuse(valid, comment, flag, **changed):
        values = valid | changed
        of = (values[name] for name in ("addresses", "pid", "ct"))
        held = _digest(lambda key, msg: hmac.digest(key, msg, "sha256"), mac_key, *of)
        must_refuse(None if held != values["digest"] else b"", comment)
        file.add(group, comment, [flag], "invalid", msg=b"", **values)

    addresses, _, ct, _ = two.values()
    refuse(two, "the pages have changed places", "MovedPages", ct=ct[PAGE:] + ct[:PAGE])
    refuse(two, "the addresses have changed places", "ModifiedAddress", addresses=addresses[8:] + addresses[:8])
    refuse(two, "the first page stands twice", "ModifiedCiphertext", ct=ct[:PAGE] * 2)
    refuse(two, "the second page and its address are missing", "Truncated", ct=ct[:PAGE], addresses=addresses[:8])
    refuse(two, "bit 0 of the second address changed", "ModifiedAddress", addresses=flipped(addresses, 8))
    for at in (PAGE - 1, PAGE, 2 * PAGE - 1):
        refuse(two, f"bit 0 of ciphertext byte {at} changed", "ModifiedCiphertext", ct=flipped(ct, at))

    addresses, pid, ct, digest = one.values()
    for at in (0, PAGE - 1):
        refuse(one, f"a page: bit 0 of ciphertext byte {at} changed", "ModifiedCiphertext", ct=flipped(ct, at))
    for at in (0, 1, 4, 7):
        changed = flipped(addresses, at)
        refuse(one, f"a page: bit 0 of byte {at} of the address changed", "ModifiedAddress", addresses=changed)
    refuse(one, "a page: the address is big-endian", "ModifiedAddress", addresses=addresses[::-1])
    for at in (0, 3):
        refuse(one, f"a page: bit 0 of byte {at} of the pid changed", "ModifiedPid", pid=flipped(pid, at))
    refuse(one, "a page: the pid is 0", "ModifiedPid", pid=bytes(4))
    refuse(one, "a page: the pid is big-endian", "ModifiedPid", pid=pid[::-1])
    for at in (0, 31):
        refuse(one, f"a page: bit 0 of digest byte {at} changed", "ModifiedTag", digest=flipped(digest, at))
    refuse(one, "a page: a digest of zeros", "ModifiedTag", digest=bytes(32))
    file.write()


def write():
    write_entry()
    write_raw()
    write_pages()
