// What wraps, derives and transports keys: AES key wrap, HKDF and RSA-OAEP.

import { constants, createCipheriv, createDecipheriv, createPrivateKey, hkdfSync, privateDecrypt } from 'node:crypto';
import { operation, Unsupported } from './operation.mjs';

const KEY_WRAP_IV = Buffer.from('a6a6a6a6a6a6a6a6', 'hex');
const PADDED_KEY_WRAP_IV = Buffer.from('a65959a6', 'hex');
const HASHES = { 'SHA-1': 'sha1', 'SHA-224': 'sha224', 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' };
const HKDF_INFO = 1024;

function bits(key) {
  if (![16, 24, 32].includes(key.length)) throw new Unsupported(`AES has no keys of ${key.length} bytes`);
  return key.length * 8;
}

function wrap(key, msg) {
  const cipher = createCipheriv(`aes${bits(key)}-wrap`, key, KEY_WRAP_IV);
  if (msg.length < 16 || msg.length % 8) {
    throw new Unsupported(`RFC 3394 wraps 16, 24, 32, ... bytes, not ${msg.length}`);
  }
  return Buffer.concat([cipher.update(msg), cipher.final()]);
}

export function unwrap(key, ct) {
  const decipher = createDecipheriv(`aes${bits(key)}-wrap`, key, KEY_WRAP_IV);
  return Buffer.concat([decipher.update(ct), decipher.final()]);
}

function wrapPadded(key, msg) {
  const cipher = createCipheriv(`id-aes${bits(key)}-wrap-pad`, key, PADDED_KEY_WRAP_IV);
  if (msg.length === 0) throw new Unsupported('RFC 5649 wraps at least one byte');
  return Buffer.concat([cipher.update(msg), cipher.final()]);
}

function unwrapPadded(key, ct) {
  const decipher = createDecipheriv(`id-aes${bits(key)}-wrap-pad`, key, PADDED_KEY_WRAP_IV);
  return Buffer.concat([decipher.update(ct), decipher.final()]);
}

function hkdf(ikm, salt, info, size) {
  if (info.length > HKDF_INFO) throw new Unsupported(`info of more than ${HKDF_INFO} bytes`);
  // Node 26 ends the process over a size that does not fit into 32 bits.
  if (size > 0xffffffff) throw new RangeError(`no key of ${size} bytes can be derived`);
  return hkdfSync('sha256', ikm, salt, info, size);
}

export function oaepDecrypt(key, ct, oaepHash, oaepLabel) {
  return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash, oaepLabel }, ct);
}

function rsaOaep(der, hash, mgfHash, label, ct) {
  if (!(hash in HASHES)) throw new Unsupported(`no hash ${hash}`);
  if (mgfHash !== hash) throw new Unsupported('one hash for the label and another for MGF1');
  return oaepDecrypt(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), ct, HASHES[hash], label);
}

export const algorithms = {
  'aes-kw': {
    wrap: operation(wrap, 'key msg', 'ct'),
    unwrap: operation(unwrap, 'key ct', 'msg'),
  },
  'aes-kwp': {
    wrap: operation(wrapPadded, 'key msg', 'ct'),
    unwrap: operation(unwrapPadded, 'key ct', 'msg'),
  },
  'hkdf-sha256': { derive: operation(hkdf, 'ikm salt info size', 'okm') },
  'rsa-oaep': { decrypt: operation(rsaOaep, 'key hash mgfHash label ct', 'msg') },
};
