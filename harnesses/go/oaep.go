package main

import (
	"crypto"
	"crypto/rsa"
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"fmt"
)

var hashes = map[string]crypto.Hash{
	"SHA-1":   crypto.SHA1,
	"SHA-224": crypto.SHA224,
	"SHA-256": crypto.SHA256,
	"SHA-384": crypto.SHA384,
	"SHA-512": crypto.SHA512,
}

func (r *request) hash(name string) crypto.Hash {
	hash, ok := hashes[r.text(name)]
	if !ok {
		r.refuse("%s is not a hash of the protocol", name)
	}
	return hash
}

func oaepDecrypt(r *request) (answers, error) {
	der, hash, mgfHash := r.octets("key"), r.hash("hash"), r.hash("mgfHash")
	label, ct := r.octets("label"), r.octets("ct")
	if r.err != nil {
		return nil, r.err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the key is %T, not of RSA", parsed)
	}
	msg, err := decryptOAEP(key, hash, mgfHash, label, ct)
	if err != nil {
		return nil, err
	}
	return answers{"msg": text(msg)}, nil
}
