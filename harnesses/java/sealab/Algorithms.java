package sealab;

import java.util.LinkedHashMap;
import java.util.Map;

/** The protocol's table, as far as the JCE goes: it has no XTS. */
final class Algorithms {
    static final Map<String, Map<String, Operation>> ALL = new LinkedHashMap<>();

    static {
        ALL.put("aes-128-gcm", Map.of("seal", r -> Aead.GCM.seal(r, 16), "open", r -> Aead.GCM.open(r, 16)));
        ALL.put("aes-256-gcm", Map.of("seal", r -> Aead.GCM.seal(r, 32), "open", r -> Aead.GCM.open(r, 32)));
        ALL.put("chacha20-poly1305",
                Map.of("seal", r -> Aead.CHACHA20_POLY1305.seal(r, 32),
                        "open", r -> Aead.CHACHA20_POLY1305.open(r, 32)));
        ALL.put("aes-256-ctr", Map.of("encrypt", Aes::ctrEncrypt, "decrypt", Aes::ctrDecrypt));
        ALL.put("aes-256-block", Map.of("encrypt", Aes::blockEncrypt, "decrypt", Aes::blockDecrypt));
        ALL.put("hmac-sha256", Map.of("mac", Hashes::hmac));
        ALL.put("sha-256", Map.of("digest", Hashes::digest));
        ALL.put("aes-kw", Map.of("wrap", KeyWrap.KW::wrap, "unwrap", KeyWrap.KW::unwrap));
        ALL.put("aes-kwp", Map.of("wrap", KeyWrap.KWP::wrap, "unwrap", KeyWrap.KWP::unwrap));
        ALL.put("rsa-oaep", Map.of("decrypt", Oaep::decrypt));
        ALL.put("aes-128-cbc-essiv-sha256",
                Map.of("encrypt", r -> DmCrypt.essivEncrypt(r, 16), "decrypt", r -> DmCrypt.essivDecrypt(r, 16)));
        ALL.put("aes-256-cbc-essiv-sha256",
                Map.of("encrypt", r -> DmCrypt.essivEncrypt(r, 32), "decrypt", r -> DmCrypt.essivDecrypt(r, 32)));
        ALL.put("dm-crypt-aes-256-gcm-random", Map.of("seal", DmCrypt::gcmSeal, "open", DmCrypt::gcmOpen));
        ALL.put("criu-pr2297-entry", Map.of("seal", Criu::sealEntry, "open", Criu::openEntry));
        ALL.put("criu-pr2297-raw", Map.of("seal", Criu::sealRaw, "open", Criu::openRaw));
        ALL.put("ocicrypt-layer", Map.of("seal", Ocicrypt::sealLayer, "open", Ocicrypt::openLayer));
        ALL.put("ocicrypt-options", Map.of("open", Ocicrypt::openOptions));
    }

    private Algorithms() {}

    static Operation find(String algorithm, String operation) {
        Operation found = ALL.getOrDefault(algorithm, Map.of()).get(operation);
        if (found == null) {
            throw new UnsupportedOperationException("no such algorithm or operation here; README.md says why");
        }
        return found;
    }
}
