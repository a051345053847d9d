"""Plaintexts that stand in a file in short, and what is done to sealed messages to make them invalid."""

# An odd number, so that no two of as many blocks in sequence are equal.
PERIOD = 37
REPEATED = f"To keep the file small a plaintext is {PERIOD} bytes over and over (msg and msgLength)."


def repeated(stream, length):
    """A plaintext, and the values that stand for it in the file."""
    if length <= PERIOD:
        msg = stream.take(length)
        return msg, {"msg": msg}
    part = stream.take(PERIOD)
    return (part * (length // PERIOD + 1))[:length], {"msg": part, "msgLength": length}


def flipped(octets, position):
    """`octets` with the lowest bit of one of them changed."""
    changed = bytearray(octets)
    changed[position] ^= 1
    return bytes(changed)


def must_refuse(opened, comment):
    """Ends the run if a case that is to be invalid can be opened: `opened` is its plaintext, or None."""
    if opened is not None:
        raise SystemExit(f"{comment}: is to be invalid and can be opened")
