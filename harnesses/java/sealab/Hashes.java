package sealab;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** SHA-256 and its HMAC. */
final class Hashes {
    static final int SHA256 = 32;

    private Hashes() {}

    static byte[] sha256(byte[] msg) throws GeneralSecurityException {
        return MessageDigest.getInstance("SHA-256").digest(msg);
    }

    static byte[] hmac(byte[] key, byte[] msg) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(msg);
    }

    static Answer hmac(Request request) throws GeneralSecurityException {
        byte[] key = request.octets("key");
        byte[] msg = request.octets("msg");
        if (key.length == 0) {
            throw new UnsupportedOperationException("SecretKeySpec takes no empty key");
        }
        return new Answer().with("tag", hmac(key, msg));
    }

    static Answer digest(Request request) throws GeneralSecurityException {
        return new Answer().with("digest", sha256(request.octets("msg")));
    }
}
