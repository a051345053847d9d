"""The vectors of key wrapping and key derivation that RFCs print."""

_RISING = bytes(range(32))
_MESSAGE = bytes.fromhex("00112233445566778899aabbccddeeff" "0001020304050607" "08090a0b0c0d0e0f")


def _rfc_3394(section, key_bytes, length, ct):
    return f"RFC 3394, {section}", _RISING[:key_bytes], _MESSAGE[:length], bytes.fromhex(ct)


RFC_3394 = [
    _rfc_3394("4.1", 16, 16, "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"),
    _rfc_3394("4.2", 24, 16, "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d"),
    _rfc_3394("4.3", 32, 16, "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"),
    _rfc_3394("4.4", 24, 24, "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2"),
    _rfc_3394("4.5", 32, 24, "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1"),
    _rfc_3394("4.6", 32, 32, "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"),
]

_RFC_5649_KEY = bytes.fromhex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")

RFC_5649 = [
    ("RFC 5649, section 6, 20 bytes", _RFC_5649_KEY, bytes.fromhex("c37b7e6492584340bed12207808941155068f738"),
     bytes.fromhex("138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a")),
    ("RFC 5649, section 6, 7 bytes", _RFC_5649_KEY, bytes.fromhex("466f7250617369"),
     bytes.fromhex("afbeb0f07dfbf5419200f2ccb50bb24f")),
]

RFC_5869 = [
    ("RFC 5869, A.1", b"\x0b" * 22, bytes(range(13)), bytes(range(0xF0, 0xFA)), bytes.fromhex(
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")),
    ("RFC 5869, A.2", bytes(range(0x50)), bytes(range(0x60, 0xB0)), bytes(range(0xB0, 0x100)), bytes.fromhex(
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87")),
    ("RFC 5869, A.3", b"\x0b" * 22, b"", b"", bytes.fromhex(
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")),
]
