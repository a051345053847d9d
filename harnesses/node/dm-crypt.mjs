// Sectors as dm-crypt writes them: CBC with ESSIV, and the two kinds of authenticated sectors.

import { timingSafeEqual } from 'node:crypto';
import { operation } from './operation.mjs';
import { decrypt, encrypt, hmac, open, seal, sha256 } from './primitives.mjs';

/** The sector's number, little-endian, filled up to a block. */
function plain64(sector) {
  return Buffer.concat([sector, Buffer.alloc(8)]);
}

/** The IV is the sector's number, encrypted under the hash of the key. */
function essiv(key, sector) {
  return encrypt('aes-256-ecb', sha256(key), null, plain64(sector));
}

function cbcEssiv(cipher, keySize) {
  const sizes = { key: keySize, sector: 8 };
  const essivEncrypt = (key, sector, msg) => encrypt(cipher, key, essiv(key, sector), msg);
  const essivDecrypt = (key, sector, ct) => decrypt(cipher, key, essiv(key, sector), ct);
  return {
    encrypt: operation(essivEncrypt, 'key sector msg', 'ct', sizes),
    decrypt: operation(essivDecrypt, 'key sector ct', 'msg', sizes),
  };
}

function gcmSeal(key, sector, iv, msg) {
  return seal('aes-256-gcm', key, iv, Buffer.concat([sector, iv]), msg);
}

function gcmOpen(key, sector, iv, ct, tag) {
  return open('aes-256-gcm', key, iv, Buffer.concat([sector, iv]), ct, tag);
}

function sectorCode(macKey, sector, ct) {
  return hmac(macKey, Buffer.concat([sector, plain64(sector), ct]));
}

function xtsHmacSeal(key, sector, msg) {
  const [xtsKey, macKey] = [key.subarray(0, 64), key.subarray(64)];
  const ct = encrypt('aes-256-xts', xtsKey, plain64(sector), msg);
  return [ct, sectorCode(macKey, sector, ct)];
}

function xtsHmacOpen(key, sector, ct, tag) {
  const [xtsKey, macKey] = [key.subarray(0, 64), key.subarray(64)];
  if (!timingSafeEqual(sectorCode(macKey, sector, ct), tag)) throw new Error('the tag does not hold');
  return decrypt('aes-256-xts', xtsKey, plain64(sector), ct);
}

const GCM_SIZES = { key: 32, sector: 8, iv: 12, tag: 16 };
const XTS_HMAC_SIZES = { key: 96, sector: 8, tag: 32 };

export const algorithms = {
  'aes-128-cbc-essiv-sha256': cbcEssiv('aes-128-cbc', 16),
  'aes-256-cbc-essiv-sha256': cbcEssiv('aes-256-cbc', 32),
  'dm-crypt-aes-256-gcm-random': {
    seal: operation(gcmSeal, 'key sector iv msg', 'ct tag', GCM_SIZES),
    open: operation(gcmOpen, 'key sector iv ct tag', 'msg', GCM_SIZES),
  },
  'dm-crypt-aes-256-xts-hmac-sha256': {
    seal: operation(xtsHmacSeal, 'key sector msg', 'ct tag', XTS_HMAC_SIZES),
    open: operation(xtsHmacOpen, 'key sector ct tag', 'msg', XTS_HMAC_SIZES),
  },
};
