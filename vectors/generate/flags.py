"""What the flags of our own files mean."""

FLAGS = {
    "BadBase64": "Octets that are no base64 with the standard alphabet and padding; they must be refused, not skipped.",
    "CiphertextStealing": "The data unit is no multiple of 16 bytes, so its last two blocks share ciphertext.",
    "CounterWrap": "The 128-bit counter passes 2^128 and goes on from 0; counters of 32 or 64 bits fail here.",
    "ConsecutiveUnits": "One of several units that follow each other under one key, as the sectors of a volume do.",
    "DigestOfSource": "The digest is not the plaintext's. skopeo writes such where it compresses while it encrypts, so"
    " it cannot be enforced.",
    "EmptyEntry": "Nothing is sealed: an entry of size 0 has neither tag nor nonce, a raw image of nothing no chunk.",
    "EncryptedTweak": "The tweak was chosen for what it encrypts to, so that doubling it carries where an"
    " implementation in 32-bit or 64-bit words may lose the carry.",
    "EqualPages": "Pages of equal content have equal ciphertext, as every page has the same tweak.",
    "LongKey": "The key is longer than the hash's block and is hashed first.",
    "LongMessage": "Long enough for a library's widest code path and its remainder.",
    "MemberOrder": "The members stand in the order in which one of ocicrypt's two implementations writes them.",
    "MissingMember": "A member that decryption cannot do without is missing, null or empty.",
    "ModifiedAad": "The associated data was changed after sealing; the message must be refused.",
    "ModifiedAddress": "A page's address was changed after sealing; the digest does not hold.",
    "ModifiedCiphertext": "The ciphertext was changed after sealing; the message must be refused.",
    "ModifiedNonce": "The nonce was changed after sealing; the message must be refused.",
    "ModifiedPid": "The process's number was changed after sealing; the digest does not hold.",
    "ModifiedSector": "The sector stands at another number than it was sealed for; it must be refused.",
    "ModifiedSize": "The size in clear before or beside the ciphertext was changed; the message must be refused.",
    "ModifiedTag": "The tag was changed after sealing; the message must be refused.",
    "MovedPages": "Pages changed places. Where their addresses went with them the digest holds, as it is an XOR.",
    "NistFailure": "NIST's file says that this message must be refused.",
    "NullMember": "A member is null. ocicrypt in Go writes and reads that as an empty value.",
    "Plain64": "The tweak is the sector's number as dm-crypt's plain64 writes it: 64 bits, little-endian, then zeros.",
    "PublicNonce": "The public options, which nothing authenticates, have a nonce too. One that differs from the"
    " sealed nonce changes the plaintext under a MAC that holds, so it must be refused.",
    "Truncated": "The end is missing; the message must be refused.",
    "TweakCarry": "The unit's number needs more than 64 bits, or follows the last one that does not.",
    "UnknownCipher": "The cipher is not AES_256_CTR_HMAC_SHA256, letter for letter.",
    "UnknownMember": "A member that nobody knows, which must not matter.",
    "WrongLength": "Octets that are decoded but have not the length that they must have.",
    "WrongType": "No JSON object, or a member of another type.",
}
