// Encrypted checkpoint images as CRIU's pull request 2297 writes them.

import { timingSafeEqual } from 'node:crypto';
import { operation, Unsupported } from './operation.mjs';
import { decrypt, encrypt, hmac, open, seal } from './primitives.mjs';

const AEAD = 'chacha20-poly1305';
const NO_AAD = Buffer.alloc(0);
const [TAG, NONCE] = [16, 12];
const CHUNK = 4096;
const PAGE = 4096;

function split(octets, size) {
  return Array.from({ length: Math.ceil(octets.length / size) }, (_, i) => octets.subarray(i * size, (i + 1) * size));
}

/** A protobuf entry: its size, ciphertext, tag, nonce. An empty one is its size alone. */
function entrySeal(key, iv, msg) {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(msg.length);
  if (!msg.length) return size;
  const [ct, tag] = seal(AEAD, key, iv, NO_AAD, msg);
  return Buffer.concat([size, ct, tag, iv]);
}

function entryOpen(key, framed) {
  const size = framed.readUInt32LE();
  const expected = size ? 4 + size + TAG + NONCE : 4;
  if (framed.length !== expected) throw new Error(`an entry of ${framed.length} bytes, not ${expected}`);
  if (!size) return Buffer.alloc(0);
  const [ct, tag, nonce] = [framed.subarray(4, 4 + size), framed.subarray(4 + size, -NONCE), framed.subarray(-NONCE)];
  return open(AEAD, key, nonce, NO_AAD, ct, tag);
}

/** The chunks of a small ghost file: for each one tag, nonce, length, ciphertext. */
function rawSeal(key, iv, msg) {
  const [chunks, nonces] = [split(msg, CHUNK), split(iv, NONCE)];
  if (iv.length !== chunks.length * NONCE) {
    throw new Unsupported(`${iv.length} bytes of nonces for ${chunks.length} chunks`);
  }
  return Buffer.concat(chunks.flatMap((chunk, i) => {
    const [ct, tag] = seal(AEAD, key, nonces[i], NO_AAD, chunk);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(ct.length));
    return [tag, nonces[i], length, ct];
  }));
}

function rawOpen(key, framed) {
  const chunks = [];
  for (let rest = framed; rest.length; ) {
    const [tag, nonce, length] = [rest.subarray(0, 16), rest.subarray(16, 28), Number(rest.readBigUInt64LE(28))];
    if (length > Math.min(CHUNK, rest.length - 36)) throw new Error(`a chunk of ${length} bytes`);
    chunks.push(open(AEAD, key, nonce, NO_AAD, rest.subarray(36, 36 + length), tag));
    rest = rest.subarray(36 + length);
  }
  return Buffer.concat(chunks);
}

/** The XOR of the codes over each page's ciphertext, address and process. */
function pagesDigest(macKey, addresses, pid, ct) {
  const digest = Buffer.alloc(32);
  for (const [i, address] of split(addresses, 8).entries()) {
    const page = ct.subarray(i * PAGE, (i + 1) * PAGE);
    hmac(macKey, Buffer.concat([page, address, pid])).forEach((byte, at) => { digest[at] ^= byte; });
  }
  return digest;
}

function haveAddresses(pages, addresses) {
  return pages.length % PAGE === 0 && addresses.length === (pages.length / PAGE) * 8;
}

/** Whole pages, every one under the same tweak. */
function pagesSeal(key, macKey, iv, addresses, pid, msg) {
  if (!haveAddresses(msg, addresses)) {
    throw new Unsupported(`${addresses.length} bytes of addresses for ${msg.length} bytes of pages`);
  }
  const ct = Buffer.concat(split(msg, PAGE).map((page) => encrypt('aes-256-xts', key, iv, page)));
  return [ct, pagesDigest(macKey, addresses, pid, ct)];
}

function pagesOpen(key, macKey, iv, addresses, pid, ct, digest) {
  if (!haveAddresses(ct, addresses)) {
    throw new Error(`${addresses.length} bytes of addresses for ${ct.length} bytes of pages`);
  }
  const expected = pagesDigest(macKey, addresses, pid, ct);
  if (digest.length !== 32 || !timingSafeEqual(expected, digest)) throw new Error('the digest does not hold');
  return Buffer.concat(split(ct, PAGE).map((page) => decrypt('aes-256-xts', key, iv, page)));
}

const PAGES = 'key macKey iv addresses pid';
const PAGES_SIZES = { key: 64, macKey: 32, iv: 16, pid: 4 };

export const algorithms = {
  'criu-pr2297-entry': {
    seal: operation(entrySeal, 'key iv msg', 'framed', { key: 32, iv: NONCE }),
    open: operation(entryOpen, 'key framed', 'msg', { key: 32 }),
  },
  'criu-pr2297-raw': {
    seal: operation(rawSeal, 'key iv msg', 'framed', { key: 32 }),
    open: operation(rawOpen, 'key framed', 'msg', { key: 32 }),
  },
  'criu-pr2297-pages': {
    seal: operation(pagesSeal, `${PAGES} msg`, 'ct digest', PAGES_SIZES),
    open: operation(pagesOpen, `${PAGES} ct digest`, 'msg', PAGES_SIZES),
  },
};
