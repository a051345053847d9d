//go:build go1.20

package main

import (
	"crypto"
	"crypto/rsa"
)

func decryptOAEP(key *rsa.PrivateKey, hash, mgfHash crypto.Hash, label, ct []byte) ([]byte, error) {
	return key.Decrypt(nil, ct, &rsa.OAEPOptions{Hash: hash, MGFHash: mgfHash, Label: label})
}
