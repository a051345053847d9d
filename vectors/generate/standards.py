"""The vectors that standards print, and the choice of NIST's that stands beside them."""

import dataclasses

import cavp


@dataclasses.dataclass
class Ieee1619:
    """A vector of IEEE 1619, annex B.

    `message` None: the ciphertext of the data unit before. The annex encrypts units 0 to ff in a chain, each unit's
    ciphertext being the next one's plaintext, and prints units 0 to 2 and fd to ff.
    """

    number: int
    key: bytes
    number_octets: str
    message: bytes | None
    ciphertext_begins: bytes


def _ieee(number, key1, key2, number_octets, message, ciphertext):
    return Ieee1619(number, bytes.fromhex(key1 + key2), number_octets, message, bytes.fromhex(ciphertext))


_E128, _PI128 = "27182818284590452353602874713526", "31415926535897932384626433832795"
_E256 = _E128 + "62497757247093699959574966967627"
_PI256 = "3141592653589793238462643383279502884197169399375105820974944592"
_FALLING, _FALLING2 = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0", "bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0"
_RISING = bytes(range(256)) * 2

IEEE_1619 = {
    128: [
        _ieee(2, "11" * 16, "22" * 16, "3333333333", b"\x44" * 32,
              "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0"),
        _ieee(3, _FALLING, "22" * 16, "3333333333", b"\x44" * 32,
              "af85336b597afc1a900b2eb21ec949d292df4c047e0b21532186a5971a227a89"),
        _ieee(4, _E128, _PI128, "00", _RISING, "27a7479befa1d476489f308cd4cfa6e2a96e4bbe3208ff25287dd3819616e89c"),
        _ieee(5, _E128, _PI128, "01", None, "264d3ca8512194fec312c8c9891f279f"),
        _ieee(6, _E128, _PI128, "02", None, "fa762a3680b76007928ed4a4f49a9456"),
        _ieee(7, _E128, _PI128, "fd", None, "d55f684f81f4426e9fde92a5ff02df2a"),
        _ieee(8, _E128, _PI128, "fe", None, "72efc1ebfe1ee25975a6eb3aa8589dda2b261f1c85bdab442a9e5b2dd1d7c395"),
        _ieee(9, _E128, _PI128, "ff", None, "3260ae8dad1f4a32c5cafe3ab0eb95549d461a67ceb9e5aa2d3afb62dece0553"),
        _ieee(15, _FALLING, _FALLING2, "9a78563412", bytes(range(17)), "6c1625db4671522d3d7599601de7ca09ed"),
        _ieee(16, _FALLING, _FALLING2, "9a78563412", bytes(range(18)), "d069444b7a7e0cab09e24447d24deb1fedbf"),
        _ieee(17, _FALLING, _FALLING2, "9a78563412", bytes(range(19)), "e5df1351c0544ba1350b3363cd8ef4beedbf9d"),
        _ieee(18, _FALLING, _FALLING2, "9a78563412", bytes(range(20)), "9d84c813f719aa2c7be3f66171c7c5c2edbf9dac"),
        _ieee(19, "e0e1e2e3e4e5e6e7e8e9eaebecedeeef", "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf", "21436587a9", _RISING,
              "38b45812ef43a05bd957e545907e223b954ab4aaf088303ad910eadf14b42be6"),
    ],
    256: [
        _ieee(10, _E256, _PI256, "ff", _RISING, "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b"),
        _ieee(11, _E256, _PI256, "ffff", _RISING, "77a31251618a15e6b92d1d66dffe7b50b50bad552305ba0217a610688eff7e11"),
        _ieee(12, _E256, _PI256, "ffffff", _RISING, "e387aaa58ba483afa7e8eb469778317e"),
        _ieee(13, _E256, _PI256, "ffffffff", _RISING, "bf53d2dade78e822a4d949a9bc6766b0"),
        _ieee(14, _E256, _PI256, "ffffffffff", _RISING, "64497e5a831e4a932c09be3e5393376d"),
    ],
}

_SP_800_38A_KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
_SP_800_38A_MESSAGE = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)


def _rfc_3686(number, key, iv, message, ciphertext):
    return (f"RFC 3686, test vector {number}", *map(bytes.fromhex, (key, iv, message, ciphertext)))


CTR = [
    (
        "SP 800-38A, F.5.5",
        _SP_800_38A_KEY,
        bytes(range(0xF0, 0x100)),
        _SP_800_38A_MESSAGE,
        bytes.fromhex(
            "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
            "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6"
        ),
    ),
    _rfc_3686(7, "776beff2851db06f4c8a0542c8696f6c6a81af1eec96b4d37fc1d689e6c1c104",
              "00000060db5672c97aa8f0b200000001", "53696e676c6520626c6f636b206d7367",
              "145ad01dbf824ec7560863dc71e3e0c0"),
    _rfc_3686(8, "f6d66d6bd52d59bb0796365879eff886c66dd51a5b6a99744b50590c87a23884",
              "00faac24c1585ef15a43d87500000001", bytes(range(32)).hex(),
              "f05e231b3894612c49ee000b804eb2a9b8306b508f839d6a5530831d9344af1c"),
    _rfc_3686(9, "ff7a617ce69148e4f1726e2f43581de2aa62d9f805532edff1eed687fb54153d",
              "001cc5b751a51d70a1c1114800000001", bytes(range(36)).hex(),
              "eb6c52821d0bbbf7ce7594462aca4faab407df866569fd07f48cc0b583d6071f1ec0e6b8"),
]


@dataclasses.dataclass
class Rfc8439:
    """An example of RFC 8439; `sealed` is the ciphertext and then the tag."""

    section: str
    key: bytes
    iv: bytes
    aad: bytes
    message: bytes
    sealed: bytes


RFC_8439 = [
    Rfc8439(
        "RFC 8439, section 2.8.2",
        bytes(range(0x80, 0xA0)),
        bytes.fromhex("070000004041424344454647"),
        bytes.fromhex("50515253c0c1c2c3c4c5c6c7"),
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen"
        b" would be it.",
        bytes.fromhex(
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
            "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
            "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
            "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"
        ),
    ),
    Rfc8439(
        "RFC 8439, appendix A.5",
        bytes.fromhex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0"),
        bytes.fromhex("000000000102030405060708"),
        bytes.fromhex("f33388860000000000004e91"),
        "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, replaced, or"
        " obsoleted by other documents at any time. It is inappropriate to use Internet-Drafts as reference material"
        " or to cite them other than as /\u201cwork in progress./\u201d".encode(),
        bytes.fromhex(
            "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2"
            "4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf"
            "332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855"
            "9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4"
            "b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e"
            "af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a"
            "0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
            "49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29"
            "a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38"
        ),
    ),
]


def blocks(nist):
    """FIPS 197's example, SP 800-38A's four blocks, and NIST's multi-block messages."""
    yield (
        "FIPS 197, C.3",
        bytes(range(32)),
        bytes.fromhex("00112233445566778899aabbccddeeff"),
        bytes.fromhex("8ea2b7ca516745bfeafc49904b496089"),
    )
    ct = bytes.fromhex(
        "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870"
        "b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7"
    )
    yield "SP 800-38A, F.1.5", _SP_800_38A_KEY, _SP_800_38A_MESSAGE, ct
    for bracketed, case in cavp.cases(nist / "ciphers/AES/ECB/ECBMMT256.rsp"):
        if bracketed["direction"] == "ENCRYPT":
            octets = cavp.octets(case, ("KEY", "PLAINTEXT", "CIPHERTEXT"))
            yield f"ECBMMT256, encrypt, COUNT = {case['COUNT']}", *octets.values()


def rfc_4231(nist):
    """The cases of RFC 4231 that are not truncated."""
    for _, case in cavp.cases(nist / "HMAC/rfc-4231-sha256.txt"):
        yield cavp.octets(case, ("Key", "Msg", "MD"))


def sha256(nist):
    """FIPS 180's examples and lengths around the block's end."""
    yield (
        "FIPS 180, one block",
        b"abc",
        bytes.fromhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    )
    yield (
        "FIPS 180, two blocks",
        b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        bytes.fromhex("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
    )
    for _, case in cavp.cases(nist / "hashes/SHA2/SHA256ShortMsg.rsp"):
        bits = int(case["Len"])
        if bits in cavp.CHOSEN_SHA256_BITS:
            octets = cavp.octets(case, ("Msg", "MD"))
            yield f"SHA256ShortMsg, Len = {bits}", octets["Msg"][: bits // 8], octets["MD"]
