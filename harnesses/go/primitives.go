package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
)

const (
	nonceSize = 12
	tagSize   = 16
)

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func seal(key, nonce, aad, msg []byte) (answers, error) {
	aead, err := gcm(key)
	if err != nil {
		return nil, err
	}
	sealed := aead.Seal(nil, nonce, msg, aad)
	return answers{"ct": text(sealed[:len(msg)]), "tag": text(sealed[len(msg):])}, nil
}

func open(key, nonce, aad, ct, tag []byte) (answers, error) {
	aead, err := gcm(key)
	if err != nil {
		return nil, err
	}
	msg, err := aead.Open(nil, nonce, append(ct, tag...), aad)
	if err != nil {
		return nil, err
	}
	return answers{"msg": text(msg)}, nil
}

func gcmSeal(keySize int) operation {
	return func(r *request) (answers, error) {
		key, nonce, aad, msg := r.exactly("key", keySize), r.exactly("iv", nonceSize), r.octets("aad"), r.octets("msg")
		if r.err != nil {
			return nil, r.err
		}
		return seal(key, nonce, aad, msg)
	}
}

func gcmOpen(keySize int) operation {
	return func(r *request) (answers, error) {
		key, nonce, aad := r.exactly("key", keySize), r.exactly("iv", nonceSize), r.octets("aad")
		ct, tag := r.octets("ct"), r.exactly("tag", tagSize)
		if r.err != nil {
			return nil, r.err
		}
		return open(key, nonce, aad, ct, tag)
	}
}

// countered is the same in both directions.
func countered(key, counter, in []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(in))
	cipher.NewCTR(block, counter).XORKeyStream(out, in)
	return out, nil
}

func ctr(from, to string) operation {
	return func(r *request) (answers, error) {
		key, counter, in := r.exactly("key", 32), r.exactly("iv", aes.BlockSize), r.octets(from)
		if r.err != nil {
			return nil, r.err
		}
		out, err := countered(key, counter, in)
		return answers{to: text(out)}, err
	}
}

func blockEncrypt(r *request) (answers, error) {
	key, msg := r.exactly("key", 32), r.steps("msg", aes.BlockSize)
	if r.err != nil {
		return nil, r.err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	ct := make([]byte, len(msg))
	for at := 0; at < len(msg); at += aes.BlockSize {
		block.Encrypt(ct[at:], msg[at:])
	}
	return answers{"ct": text(ct)}, nil
}

func blockDecrypt(r *request) (answers, error) {
	key, ct := r.exactly("key", 32), r.steps("ct", aes.BlockSize)
	if r.err != nil {
		return nil, r.err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	msg := make([]byte, len(ct))
	for at := 0; at < len(ct); at += aes.BlockSize {
		block.Decrypt(msg[at:], ct[at:])
	}
	return answers{"msg": text(msg)}, nil
}

func authenticate(key, msg []byte) []byte {
	code := hmac.New(sha256.New, key)
	code.Write(msg)
	return code.Sum(nil)
}

func hmacMAC(r *request) (answers, error) {
	key, msg := r.octets("key"), r.octets("msg")
	return answers{"tag": text(authenticate(key, msg))}, r.err
}

func sha256Digest(r *request) (answers, error) {
	digest := sha256.Sum256(r.octets("msg"))
	return answers{"digest": text(digest[:])}, r.err
}
