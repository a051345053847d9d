//go:build !go1.20

package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
)

func decryptOAEP(key *rsa.PrivateKey, hash, mgfHash crypto.Hash, label, ct []byte) ([]byte, error) {
	if hash != mgfHash {
		return nil, unsupported("OAEP with another hash in its MGF1 came with Go 1.20")
	}
	return rsa.DecryptOAEP(hash.New(), rand.Reader, key, ct, label)
}
