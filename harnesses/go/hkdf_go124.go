//go:build go1.24

package main

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
)

// RFC 5869's bound of 255 digests is for the library to know; this one is for the memory.
const longestDerived = 1 << 20

func init() {
	algorithms["hkdf-sha256"] = map[string]operation{"derive": hkdfDerive}
}

func hkdfDerive(r *request) (answers, error) {
	size := -1
	if err := json.Unmarshal(r.members["size"], &size); err != nil || size < 0 || size > longestDerived {
		r.refuse("size is not a number from 0 to %d", longestDerived)
	}
	ikm, salt, info := r.octets("ikm"), r.octets("salt"), r.octets("info")
	if r.err != nil {
		return nil, r.err
	}
	okm, err := hkdf.Key(sha256.New, ikm, salt, string(info), size)
	if err != nil {
		return nil, err
	}
	return answers{"okm": text(okm)}, nil
}
