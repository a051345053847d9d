package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// A request gives its values by name. The first that is missing or wrong stays as err, and what it gives then has the
// length that was asked for, so that an operation looks at err once, before it calls the library.
type request struct {
	members map[string]json.RawMessage
	err     error
}

// What is answered, by name.
type answers map[string]any

// What the library has not: as an error, but not a refusal.
type unsupported string

func (u unsupported) Error() string { return string(u) }

func (r *request) refuse(format string, arguments ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, arguments...)
	}
}

func (r *request) text(name string) string {
	var text *string
	if err := json.Unmarshal(r.members[name], &text); err != nil || text == nil {
		r.refuse("%s is not text", name)
		return ""
	}
	return *text
}

func (r *request) octets(name string) []byte {
	octets, err := hex.DecodeString(r.text(name))
	if err != nil {
		r.refuse("%s is not hexadecimal", name)
	}
	return octets
}

// exactly gives octets of that length.
func (r *request) exactly(name string, size int) []byte {
	octets := r.octets(name)
	if len(octets) != size {
		r.refuse("%s has %d bytes, not %d", name, len(octets), size)
		return make([]byte, size)
	}
	return octets
}

// steps gives octets whose length is a multiple.
func (r *request) steps(name string, step int) []byte {
	octets := r.octets(name)
	if len(octets)%step != 0 {
		r.refuse("%s has %d bytes, not a multiple of %d", name, len(octets), step)
		return nil
	}
	return octets
}

func text(octets []byte) string { return hex.EncodeToString(octets) }
