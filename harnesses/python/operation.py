"""One operation of an algorithm: which values a request gives it, and which ones it answers."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

# The members of a request that are text. Integers are integers; everything else is octets in hexadecimal.
TEXT = {"hash", "mgfHash", "jwk", "jwe", "privateOptions", "publicOptions"}


class Unsupported(Exception):
    """The library has no such algorithm, key size or length."""


class Operation(NamedTuple):
    """`run` takes the values named in `given` and returns those named in `answered`, as a tuple if there are several.

    `sizes` has the lengths in bytes that the algorithm fixes.
    """

    run: Callable
    given: str
    answered: str
    sizes: Mapping[str, int] = {}

    def answer(self, request):
        results = self.run(*[self.value(request, name) for name in self.given.split()])
        names = self.answered.split()
        if len(names) == 1:
            results = (results,)
        return {name: octets.hex() for name, octets in zip(names, results)}

    def value(self, request, name):
        if name not in request:
            raise ValueError(f"the request has no {name}")
        value = request[name]
        if name in TEXT or isinstance(value, int):
            return value
        value = bytes.fromhex(value)
        if len(value) != self.sizes.get(name, len(value)):
            reason = f"{name} has {len(value)} bytes, not {self.sizes[name]}"
            # A tag of another length does not hold; any other length is one that is not offered.
            raise ValueError(reason) if name == "tag" else Unsupported(reason)
        return value
