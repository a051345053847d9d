// The primitives, as the library has them.

import { createCipheriv, createDecipheriv, createHash, createHmac } from 'node:crypto';
import { operation, Unsupported } from './operation.mjs';

const AEAD_TAG = 16;

/** Encrypts with a cipher without a tag and without padding. All that the library can refuse is a key or a length. */
export function encrypt(name, key, iv, msg) {
  try {
    const cipher = createCipheriv(name, key, iv).setAutoPadding(false);
    return Buffer.concat([cipher.update(msg), cipher.final()]);
  } catch (refusal) {
    throw new Unsupported(`${name} of ${msg.length} bytes: ${refusal.message}`);
  }
}

export function decrypt(name, key, iv, ct) {
  try {
    const decipher = createDecipheriv(name, key, iv).setAutoPadding(false);
    return Buffer.concat([decipher.update(ct), decipher.final()]);
  } catch (refusal) {
    throw new Unsupported(`${name} of ${ct.length} bytes: ${refusal.message}`);
  }
}

export function hmac(key, octets, hash = 'sha256') {
  return createHmac(hash, key).update(octets).digest();
}

export function sha256(octets) {
  return createHash('sha256').update(octets).digest();
}

/** Returns ciphertext and tag. */
export function seal(name, key, iv, aad, msg) {
  const cipher = createCipheriv(name, key, iv, { authTagLength: AEAD_TAG }).setAAD(aad);
  const ct = Buffer.concat([cipher.update(msg), cipher.final()]);
  return [ct, cipher.getAuthTag()];
}

/** Throws where the tag does not hold. */
export function open(name, key, iv, aad, ct, tag) {
  const decipher = createDecipheriv(name, key, iv, { authTagLength: AEAD_TAG }).setAAD(aad).setAuthTag(tag);
  return Buffer.concat([decipher.update(ct), decipher.final()]);
}

function xts(name, keySize) {
  const sizes = { key: keySize, tweak: 16 };
  return {
    encrypt: operation((...values) => encrypt(name, ...values), 'key tweak msg', 'ct', sizes),
    decrypt: operation((...values) => decrypt(name, ...values), 'key tweak ct', 'msg', sizes),
  };
}

function aead(name, keySize) {
  const sizes = { key: keySize, iv: 12, tag: AEAD_TAG };
  return {
    seal: operation((...values) => seal(name, ...values), 'key iv aad msg', 'ct tag', sizes),
    open: operation((...values) => open(name, ...values), 'key iv aad ct tag', 'msg', sizes),
  };
}

export const algorithms = {
  'aes-128-xts': xts('aes-128-xts', 32),
  'aes-256-xts': xts('aes-256-xts', 64),
  'aes-128-gcm': aead('aes-128-gcm', 16),
  'aes-256-gcm': aead('aes-256-gcm', 32),
  'chacha20-poly1305': aead('chacha20-poly1305', 32),
  'aes-256-ctr': {
    encrypt: operation((key, iv, msg) => encrypt('aes-256-ctr', key, iv, msg), 'key iv msg', 'ct', { key: 32, iv: 16 }),
    decrypt: operation((key, iv, ct) => decrypt('aes-256-ctr', key, iv, ct), 'key iv ct', 'msg', { key: 32, iv: 16 }),
  },
  'aes-256-block': {
    encrypt: operation((key, msg) => encrypt('aes-256-ecb', key, null, msg), 'key msg', 'ct', { key: 32 }),
    decrypt: operation((key, ct) => decrypt('aes-256-ecb', key, null, ct), 'key ct', 'msg', { key: 32 }),
  },
  'hmac-sha256': { mac: operation((key, msg) => hmac(key, msg), 'key msg', 'tag') },
  'sha-256': { digest: operation(sha256, 'msg', 'digest') },
};
