package sealab;

import java.security.GeneralSecurityException;
import java.security.Key;
import javax.crypto.Cipher;
import javax.crypto.spec.SecretKeySpec;

/** RFC 3394 and RFC 5649. The padding of the latter and the values of either are checked by the JCE. */
enum KeyWrap {
    KW("AES/KW/NoPadding", 16, 8, 24),
    KWP("AES/KWP/NoPadding", 1, 1, 16);

    private static final int SEMIBLOCK = 8;

    private final String transformation;
    private final int least;
    private final int step;
    private final int leastWrapped;

    KeyWrap(String transformation, int least, int step, int leastWrapped) {
        this.transformation = transformation;
        this.least = least;
        this.step = step;
        this.leastWrapped = leastWrapped;
    }

    private Cipher cipher(int mode, Request request) throws GeneralSecurityException {
        Key key = new SecretKeySpec(request.octets("key", 16, 24, 32), "AES");
        Cipher cipher = Cipher.getInstance(transformation);
        cipher.init(mode, key);
        return cipher;
    }

    Answer wrap(Request request) throws GeneralSecurityException {
        // The algorithm of what is wrapped is a label alone.
        Key msg = new SecretKeySpec(request.steps("msg", least, step), "AES");
        return new Answer().with("ct", cipher(Cipher.WRAP_MODE, request).wrap(msg));
    }

    Answer unwrap(Request request) throws GeneralSecurityException {
        byte[] ct = request.steps("ct", leastWrapped, SEMIBLOCK);
        Key msg = cipher(Cipher.UNWRAP_MODE, request).unwrap(ct, "AES", Cipher.SECRET_KEY);
        return new Answer().with("msg", msg.getEncoded());
    }
}
