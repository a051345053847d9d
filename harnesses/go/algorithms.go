package main

type operation func(*request) (answers, error)

// The protocol's table, as far as the standard library goes: it has no XTS, ChaCha20-Poly1305 or key wrap.
var algorithms = map[string]map[string]operation{
	"aes-128-gcm":                 {"seal": gcmSeal(16), "open": gcmOpen(16)},
	"aes-256-gcm":                 {"seal": gcmSeal(32), "open": gcmOpen(32)},
	"aes-256-ctr":                 {"encrypt": ctr("msg", "ct"), "decrypt": ctr("ct", "msg")},
	"aes-256-block":               {"encrypt": blockEncrypt, "decrypt": blockDecrypt},
	"hmac-sha256":                 {"mac": hmacMAC},
	"sha-256":                     {"digest": sha256Digest},
	"rsa-oaep":                    {"decrypt": oaepDecrypt},
	"aes-128-cbc-essiv-sha256":    {"encrypt": essivEncrypt(16), "decrypt": essivDecrypt(16)},
	"aes-256-cbc-essiv-sha256":    {"encrypt": essivEncrypt(32), "decrypt": essivDecrypt(32)},
	"dm-crypt-aes-256-gcm-random": {"seal": gcmRandomSeal, "open": gcmRandomOpen},
	"ocicrypt-layer":              {"seal": layerSeal, "open": layerOpen},
	"ocicrypt-options":            {"open": optionsOpen},
}
