package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
)

const sectorSize = 8

// essiv gives the cipher and a sector's IV: its number, encrypted with the key's digest as key.
func essiv(key, sector []byte) (cipher.Block, []byte, error) {
	salt := sha256.Sum256(key)
	outer, err := aes.NewCipher(salt[:])
	if err != nil {
		return nil, nil, err
	}
	iv := make([]byte, aes.BlockSize)
	copy(iv, sector)
	outer.Encrypt(iv, iv)
	block, err := aes.NewCipher(key)
	return block, iv, err
}

func essivEncrypt(keySize int) operation {
	return func(r *request) (answers, error) {
		key, sector, msg := r.exactly("key", keySize), r.exactly("sector", sectorSize), r.steps("msg", aes.BlockSize)
		if r.err != nil {
			return nil, r.err
		}
		block, iv, err := essiv(key, sector)
		if err != nil {
			return nil, err
		}
		ct := make([]byte, len(msg))
		cipher.NewCBCEncrypter(block, iv).CryptBlocks(ct, msg)
		return answers{"ct": text(ct)}, nil
	}
}

func essivDecrypt(keySize int) operation {
	return func(r *request) (answers, error) {
		key, sector, ct := r.exactly("key", keySize), r.exactly("sector", sectorSize), r.steps("ct", aes.BlockSize)
		if r.err != nil {
			return nil, r.err
		}
		block, iv, err := essiv(key, sector)
		if err != nil {
			return nil, err
		}
		msg := make([]byte, len(ct))
		cipher.NewCBCDecrypter(block, iv).CryptBlocks(msg, ct)
		return answers{"msg": text(msg)}, nil
	}
}

// aes-gcm-random: a random nonce, stored beside the tag, and the sector's number authenticated with it.
func gcmRandomSeal(r *request) (answers, error) {
	key, sector, nonce := r.exactly("key", 32), r.exactly("sector", sectorSize), r.exactly("iv", nonceSize)
	msg := r.octets("msg")
	if r.err != nil {
		return nil, r.err
	}
	return seal(key, nonce, append(sector, nonce...), msg)
}

func gcmRandomOpen(r *request) (answers, error) {
	key, sector, nonce := r.exactly("key", 32), r.exactly("sector", sectorSize), r.exactly("iv", nonceSize)
	ct, tag := r.octets("ct"), r.exactly("tag", tagSize)
	if r.err != nil {
		return nil, r.err
	}
	return open(key, nonce, append(sector, nonce...), ct, tag)
}
