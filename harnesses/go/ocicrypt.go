package main

import (
	"bytes"
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
)

const (
	layerCipher  = "AES_256_CTR_HMAC_SHA256"
	layerKeySize = 32
)

func layerSeal(r *request) (answers, error) {
	key, counter, msg := r.exactly("key", layerKeySize), r.exactly("iv", aes.BlockSize), r.octets("msg")
	if r.err != nil {
		return nil, r.err
	}
	ct, err := countered(key, counter, msg)
	if err != nil {
		return nil, err
	}
	return answers{"ct": text(ct), "tag": text(authenticate(key, ct))}, nil
}

// openLayer checks the code, which covers the whole ciphertext and nothing else, under the cipher's own key.
func openLayer(key, counter, ct, tag []byte) (answers, error) {
	if !hmac.Equal(authenticate(key, ct), tag) {
		return nil, errors.New("the code does not hold")
	}
	msg, err := countered(key, counter, ct)
	return answers{"msg": text(msg)}, err
}

func layerOpen(r *request) (answers, error) {
	key, counter := r.exactly("key", layerKeySize), r.exactly("iv", aes.BlockSize)
	ct, tag := r.octets("ct"), r.exactly("tag", sha256.Size)
	if r.err != nil {
		return nil, r.err
	}
	return openLayer(key, counter, ct, tag)
}

// encoding/json reads base64 into these as it stands in the options.
type cipherOptions struct {
	Nonce []byte `json:"nonce"`
}

type privateOptions struct {
	Key           []byte        `json:"symkey"`
	CipherOptions cipherOptions `json:"cipheroptions"`
}

type publicOptions struct {
	Cipher        string        `json:"cipher"`
	HMAC          []byte        `json:"hmac"`
	CipherOptions cipherOptions `json:"cipheroptions"`
}

func (o privateOptions) check() error {
	if len(o.Key) != layerKeySize || len(o.CipherOptions.Nonce) != aes.BlockSize {
		return fmt.Errorf("the key has %d bytes and the nonce %d", len(o.Key), len(o.CipherOptions.Nonce))
	}
	return nil
}

func optionsOpen(r *request) (answers, error) {
	var private privateOptions
	var public publicOptions
	privateText, publicText, ct := r.text("privateOptions"), r.text("publicOptions"), r.octets("ct")
	if r.err != nil {
		return nil, r.err
	}
	if err := json.Unmarshal([]byte(privateText), &private); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(publicText), &public); err != nil {
		return nil, err
	}
	if err := private.check(); err != nil {
		return nil, err
	}
	if public.Cipher != layerCipher {
		return nil, fmt.Errorf("the cipher is %q, not %s", public.Cipher, layerCipher)
	}
	nonce := private.CipherOptions.Nonce
	// Nothing authenticates the public options: another nonce there would change what comes out.
	if other := public.CipherOptions.Nonce; other != nil && !bytes.Equal(other, nonce) {
		return nil, errors.New("the public options have another nonce")
	}
	return openLayer(private.Key, nonce, ct, public.HMAC)
}
