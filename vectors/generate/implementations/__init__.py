"""The independent implementations that have to agree on every generated vector.

Four code bases with no common origin: OpenSSL (through pyca/cryptography), Botan, libgcrypt and nettle. Each class has
`name` and, for what it implements, methods that take and return bytes. GnuTLS is none of them: its ciphers are nettle's
or, on x86, the assembly that OpenSSL has too.
"""

from .botan import Botan
from .libgcrypt import Libgcrypt
from .nettle import Nettle
from .openssl import OpenSsl


class Disagreement(Exception):
    """Two implementations gave different answers, or fewer than three gave one."""


IMPLEMENTATIONS = [OpenSsl(), Botan(), Libgcrypt(), Nettle()]


def agreed(operation, *arguments):
    """The answer of every implementation that has `operation`, and their names; at least three must answer.

    `operation` is the name of a method, or a construction: a function of an implementation and `arguments` that is
    made of the implementation's methods, so that each computes all of it itself.
    """
    if callable(operation):
        answers = {library.name: operation(library, *arguments) for library in IMPLEMENTATIONS}
    else:
        answers = {
            library.name: getattr(library, operation)(*arguments)
            for library in IMPLEMENTATIONS
            if hasattr(library, operation)
        }
    if len(answers) < 3 or len(set(answers.values())) != 1:
        raise Disagreement(f"{operation}{tuple(str(a)[:64] for a in arguments)}: {answers}"[:2000])
    return next(iter(answers.values())), list(answers)
