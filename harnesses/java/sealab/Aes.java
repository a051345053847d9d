package sealab;

import java.security.GeneralSecurityException;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** AES where nothing is authenticated. */
final class Aes {
    static final int BLOCK = 16;

    private Aes() {}

    static byte[] block(int mode, byte[] key, byte[] in) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/ECB/NoPadding");
        cipher.init(mode, new SecretKeySpec(key, "AES"));
        return cipher.doFinal(in);
    }

    static byte[] cbc(int mode, byte[] key, byte[] iv, byte[] in) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/CBC/NoPadding");
        cipher.init(mode, new SecretKeySpec(key, "AES"), new IvParameterSpec(iv));
        return cipher.doFinal(in);
    }

    static byte[] ctr(int mode, byte[] key, byte[] counter, byte[] in) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/CTR/NoPadding");
        cipher.init(mode, new SecretKeySpec(key, "AES"), new IvParameterSpec(counter));
        return cipher.doFinal(in);
    }

    static Answer ctrEncrypt(Request request) throws GeneralSecurityException {
        return new Answer().with("ct", ctr(Cipher.ENCRYPT_MODE, request.octets("key", 32), request.octets("iv", BLOCK),
                request.octets("msg")));
    }

    static Answer ctrDecrypt(Request request) throws GeneralSecurityException {
        return new Answer().with("msg", ctr(Cipher.DECRYPT_MODE, request.octets("key", 32), request.octets("iv", BLOCK),
                request.octets("ct")));
    }

    static Answer blockEncrypt(Request request) throws GeneralSecurityException {
        return new Answer().with("ct",
                block(Cipher.ENCRYPT_MODE, request.octets("key", 32), request.steps("msg", 0, BLOCK)));
    }

    static Answer blockDecrypt(Request request) throws GeneralSecurityException {
        return new Answer().with("msg",
                block(Cipher.DECRYPT_MODE, request.octets("key", 32), request.steps("ct", 0, BLOCK)));
    }
}
