// JSON Web Encryption (RFC 7516) with the algorithms of RFC 7518 and X25519 (RFC 8037).

import {
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  timingSafeEqual,
} from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { oaepDecrypt, unwrap } from './keys.mjs';
import { operation, Unsupported } from './operation.mjs';
import { hmac, open } from './primitives.mjs';

// The content encryptions: the size of their keys in bytes, the cipher and, where HMAC authenticates, its hash.
const ENCRYPTIONS = {
  A128GCM: { size: 16, cipher: 'aes-128-gcm' },
  A192GCM: { size: 24, cipher: 'aes-192-gcm' },
  A256GCM: { size: 32, cipher: 'aes-256-gcm' },
  'A128CBC-HS256': { size: 32, cipher: 'aes-128-cbc', hash: 'sha256' },
  'A192CBC-HS384': { size: 48, cipher: 'aes-192-cbc', hash: 'sha384' },
  'A256CBC-HS512': { size: 64, cipher: 'aes-256-cbc', hash: 'sha512' },
};
// The key managements of each kind: the size of the wrapping key in bytes, or the hash.
const KEY_WRAP = { A128KW: 16, A192KW: 24, A256KW: 32 };
const GCM_KEY_WRAP = { A128GCMKW: 16, A192GCMKW: 24, A256GCMKW: 32 };
const AGREEMENT = { 'ECDH-ES': undefined, 'ECDH-ES+A128KW': 16, 'ECDH-ES+A192KW': 24, 'ECDH-ES+A256KW': 32 };
const RSA_OAEP = { 'RSA-OAEP': 'sha1', 'RSA-OAEP-256': 'sha256' };

// The size in bytes of the numbers of a key on each curve.
const CURVES = { EC: { 'P-256': 32, 'P-384': 48, 'P-521': 66 }, OKP: { X25519: 32 } };

// A compressed plaintext may not grow beyond this, in bytes.
const INFLATED = 1 << 20;

/** Tries the recipients in turn. Where none can be opened, the reason is the first that is not Unsupported. */
function decrypt(jwk, jwe) {
  const key = object(JSON.parse(jwk));
  const [message, recipients] = parse(jwe);
  const refusals = [];
  for (const recipient of recipients) {
    try {
      return decryptFor(key, message, recipient);
    } catch (refusal) {
      refusals.push(refusal);
    }
  }
  throw refusals.find((refusal) => !(refusal instanceof Unsupported)) ?? refusals[0];
}

/** Returns the members that all recipients share, and the members of each recipient. */
function parse(jwe) {
  if (!jwe.trimStart().startsWith('{')) {
    const parts = jwe.split('.');
    if (parts.length !== 5) throw new Error(`a compact JWE has 5 parts, not ${parts.length}`);
    const [protectedHeader, encrypted_key, iv, ciphertext, tag] = parts;
    const message = { protected: protectedHeader, encrypted_key, iv, ciphertext, tag };
    return [message, [message]];
  }
  const message = JSON.parse(jwe);
  const { recipients = [message] } = message;
  if (!recipients.length) throw new Error('no recipients');
  return [message, recipients];
}

function decryptFor(key, message, recipient) {
  const [header, protectedHeader] = joinHeaders(message, recipient);
  const { alg, enc, zip = 'DEF' } = header;
  checkUse(key, alg, enc);
  if (!Object.hasOwn(ENCRYPTIONS, enc)) throw new Unsupported(`no content encryption ${enc}`);
  if (zip !== 'DEF') throw new Unsupported(`no compression ${zip}`);

  const contentKey = findContentKey(key, header, octets(recipient.encrypted_key ?? ''));
  if (contentKey.length !== ENCRYPTIONS[enc].size) throw new Error(`${enc} with a key of ${contentKey.length} bytes`);
  let aad = message.protected ?? '';
  if (message.aad !== undefined) {
    octets(message.aad);
    aad += `.${message.aad}`;
  }
  const [iv, ct, tag] = ['iv', 'ciphertext', 'tag'].map((name) => octets(message[name] ?? ''));
  const msg = decryptContent(enc, contentKey, iv, Buffer.from(aad), ct, tag);
  return 'zip' in protectedHeader ? inflateRawSync(msg, { maxOutputLength: INFLATED }) : msg;
}

/** Returns the three headers as one, and the protected one. */
function joinHeaders(message, recipient) {
  const protectedHeader = message.protected === undefined ? {} : object(JSON.parse(octets(message.protected)));
  const parts = [protectedHeader, object(message.unprotected ?? {}), object(recipient.header ?? {})];
  const names = parts.flatMap(Object.keys);
  if (new Set(names).size !== names.length) throw new Error('a header parameter stands twice');
  const header = Object.assign({}, ...parts);
  if ('crit' in header) throw new Error(`critical extensions ${header.crit}`);
  if ('zip' in header && !('zip' in protectedHeader)) throw new Error('zip stands in an unprotected header');
  for (const name of ['alg', 'enc']) if (typeof header[name] !== 'string') throw new Error(`the header has no ${name}`);
  return [header, protectedHeader];
}

/** A key that says what it is for serves nothing else. A key for "dir" is one of the content encryption. */
function checkUse(key, alg, enc) {
  if ((key.use ?? 'enc') !== 'enc') throw new Error(`the key is for ${key.use}`);
  const fitting = [undefined, alg, alg === 'dir' ? enc : alg];
  if (!fitting.includes(key.alg)) throw new Error(`the key is for ${key.alg}, not for ${alg}`);
}

function findContentKey(key, header, encryptedKey) {
  const { alg } = header;
  if (['dir', 'ECDH-ES'].includes(alg) && encryptedKey.length) throw new Error(`${alg} with an encrypted key`);
  if (alg === 'dir') return symmetricKey(key);
  if (Object.hasOwn(KEY_WRAP, alg)) return unwrap(symmetricKey(key, KEY_WRAP[alg]), encryptedKey);
  if (Object.hasOwn(GCM_KEY_WRAP, alg)) {
    const size = GCM_KEY_WRAP[alg];
    const [iv, tag] = [octets(header.iv), octets(header.tag)];
    return gcmOpen(`aes-${size * 8}-gcm`, symmetricKey(key, size), iv, Buffer.alloc(0), encryptedKey, tag);
  }
  if (Object.hasOwn(AGREEMENT, alg)) {
    const agreed = agree(key, header);
    return alg === 'ECDH-ES' ? agreed : unwrap(agreed, encryptedKey);
  }
  if (Object.hasOwn(RSA_OAEP, alg)) return oaepDecrypt(rsaKey(key), encryptedKey, RSA_OAEP[alg]);
  throw new Unsupported(`no key management ${alg}`);
}

/** ECDH and Concat KDF (RFC 7518, 4.6): gives the wrapping key, or with plain ECDH-ES the content key. */
function agree(key, { alg, enc, epk, apu = '', apv = '' }) {
  const size = AGREEMENT[alg] ?? ENCRYPTIONS[enc].size;
  const fields = [Buffer.from(alg === 'ECDH-ES' ? enc : alg), octets(apu), octets(apv)];
  const info = [...fields.flatMap((field) => [uint32(field.length), field]), uint32(size * 8)];
  return concatKdf(sharedSecret(key, object(epk)), Buffer.concat(info), size);
}

/** NIST SP 800-56A, 5.8.1, with SHA-256: the library does not have it. */
function concatKdf(secret, info, size) {
  const rounds = Array.from({ length: Math.ceil(size / 32) }, (_, i) =>
    createHash('sha256').update(uint32(i + 1)).update(secret).update(info).digest());
  return Buffer.concat(rounds).subarray(0, size);
}

function sharedSecret(key, epk) {
  const { kty, crv } = key;
  if (epk.kty !== kty || epk.crv !== crv) {
    throw new Error(`the ephemeral key is on ${epk.crv}, the recipient's on ${crv}`);
  }
  const size = CURVES[kty]?.[crv];
  if (!size) throw new Unsupported(`no curve ${crv}`);
  const numbers = kty === 'EC' ? ['x', 'y'] : ['x'];
  for (const [jwk, names] of [[epk, numbers], [key, [...numbers, 'd']]]) {
    for (const name of names) {
      if (octets(jwk[name]).length !== size) throw new Error(`${name} has not ${size} bytes`);
    }
  }
  return diffieHellman({
    privateKey: createPrivateKey({ key, format: 'jwk' }),
    publicKey: createPublicKey({ key: epk, format: 'jwk' }),
  });
}

function rsaKey(jwk) {
  checkType(jwk, 'RSA');
  for (const name of ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi']) octets(jwk[name]);
  const key = createPrivateKey({ key: jwk, format: 'jwk' });
  const { modulusLength } = key.asymmetricKeyDetails;
  if (modulusLength < 2048) throw new Error(`RFC 7518 wants RSA keys of 2048 bits or more, not ${modulusLength}`);
  return key;
}

function symmetricKey(jwk, size) {
  checkType(jwk, 'oct');
  const key = octets(jwk.k);
  if (size && key.length !== size) throw new Error(`the key has ${key.length} bytes, not ${size}`);
  return key;
}

function checkType(jwk, kty) {
  if (jwk.kty !== kty) throw new Error(`a key of type ${jwk.kty}, not ${kty}`);
}

function decryptContent(enc, key, iv, aad, ct, tag) {
  const { cipher, hash } = ENCRYPTIONS[enc];
  return hash ? cbcHmacOpen(cipher, hash, key, iv, aad, ct, tag) : gcmOpen(cipher, key, iv, aad, ct, tag);
}

function gcmOpen(cipher, key, iv, aad, ct, tag) {
  if (iv.length !== 12 || tag.length !== 16) throw new Error('GCM wants an IV of 12 bytes and a tag of 16');
  return open(cipher, key, iv, aad, ct, tag);
}

/** RFC 7518, 5.2.2.2: the first half of the key authenticates, the second encrypts; half the code is the tag. */
function cbcHmacOpen(cipher, hash, key, iv, aad, ct, tag) {
  const half = key.length / 2;
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(aad.length * 8));
  const code = hmac(key.subarray(0, half), Buffer.concat([aad, iv, ct, length]), hash).subarray(0, half);
  if (tag.length !== half || !timingSafeEqual(code, tag)) throw new Error('the tag does not hold');
  const decipher = createDecipheriv(cipher, key.subarray(half), iv);
  return Buffer.concat([decipher.update(ct), decipher.final()]);
}

function uint32(number) {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(number);
  return octets;
}

/** Base64url as RFC 7515 has it: no padding, no other characters, no bits that mean nothing. */
function octets(text) {
  const value = Buffer.from(text, 'base64url');
  if (value.toString('base64url') !== text) throw new Error('not base64url');
  return value;
}

function object(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('not a JSON object');
  return value;
}

export const algorithms = { jwe: { decrypt: operation(decrypt, 'jwk jwe', 'msg') } };
