// Encrypted image layers as ocicrypt writes them.

import { timingSafeEqual } from 'node:crypto';
import { operation } from './operation.mjs';
import { decrypt, encrypt, hmac } from './primitives.mjs';

const CIPHER = 'AES_256_CTR_HMAC_SHA256';
const SIZES = { key: 32, iv: 16, tag: 32 };
const BASE64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** One key encrypts and authenticates; the code is over the ciphertext alone. */
function layerSeal(key, iv, msg) {
  const ct = encrypt('aes-256-ctr', key, iv, msg);
  return [ct, hmac(key, ct)];
}

function layerOpen(key, iv, ct, tag) {
  if (!timingSafeEqual(hmac(key, ct), tag)) throw new Error('the code does not hold');
  return decrypt('aes-256-ctr', key, iv, ct);
}

/**
 * Takes null for empty, as the implementation in Go does, and like both of them checks no digest. Both let a nonce in
 * the public options, which nothing protects, override the sealed one; here it may only repeat it.
 */
function optionsOpen(privateOptions, publicOptions, ct) {
  const { symkey, cipheroptions: sealed } = JSON.parse(privateOptions);
  const { cipher, hmac: code, cipheroptions: unsealed } = JSON.parse(publicOptions);
  if (cipher !== CIPHER) throw new Error(`cipher ${cipher}, not ${CIPHER}`);
  const [key, iv, tag] = [octets('key', symkey), octets('iv', sealed.nonce), octets('tag', code)];
  if (unsealed && 'nonce' in unsealed && !octets('iv', unsealed.nonce).equals(iv)) {
    throw new Error('the public nonce is not the sealed one');
  }
  return layerOpen(key, iv, ct, tag);
}

function octets(name, text) {
  if (!BASE64.test(text)) throw new Error(`the options' ${name} is not base64`);
  const value = Buffer.from(text, 'base64');
  if (value.length !== SIZES[name]) {
    throw new Error(`the options' ${name} has ${value.length} bytes, not ${SIZES[name]}`);
  }
  return value;
}

export const algorithms = {
  'ocicrypt-layer': {
    seal: operation(layerSeal, 'key iv msg', 'ct tag', SIZES),
    open: operation(layerOpen, 'key iv ct tag', 'msg', SIZES),
  },
  'ocicrypt-options': { open: operation(optionsOpen, 'privateOptions publicOptions ct', 'msg') },
};
