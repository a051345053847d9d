package sealab;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.Cipher;

/** What dm-crypt writes for a sector, where it needs no XTS. */
final class DmCrypt {
    private static final int SECTOR = 8;

    private DmCrypt() {}

    /** aes-cbc-essiv:sha256: the sector's number, encrypted with the key's digest as key. */
    private static byte[] essiv(byte[] key, byte[] sector) throws GeneralSecurityException {
        return Aes.block(Cipher.ENCRYPT_MODE, Hashes.sha256(key), Arrays.copyOf(sector, Aes.BLOCK));
    }

    static Answer essivEncrypt(Request request, int keySize) throws GeneralSecurityException {
        byte[] key = request.octets("key", keySize);
        byte[] iv = essiv(key, request.octets("sector", SECTOR));
        return new Answer().with("ct", Aes.cbc(Cipher.ENCRYPT_MODE, key, iv, request.steps("msg", 0, Aes.BLOCK)));
    }

    static Answer essivDecrypt(Request request, int keySize) throws GeneralSecurityException {
        byte[] key = request.octets("key", keySize);
        byte[] iv = essiv(key, request.octets("sector", SECTOR));
        return new Answer().with("msg", Aes.cbc(Cipher.DECRYPT_MODE, key, iv, request.steps("ct", 0, Aes.BLOCK)));
    }

    /** aes-gcm-random authenticates the sector's number and the nonce, which is stored beside the tag. */
    private static byte[] associated(byte[] sector, byte[] nonce) {
        return ByteBuffer.allocate(SECTOR + Aead.NONCE).put(sector).put(nonce).array();
    }

    static Answer gcmSeal(Request request) throws GeneralSecurityException {
        byte[] nonce = request.octets("iv", Aead.NONCE);
        byte[] aad = associated(request.octets("sector", SECTOR), nonce);
        return Aead.sealed(Aead.GCM.seal(request.octets("key", 32), nonce, aad, request.octets("msg")));
    }

    static Answer gcmOpen(Request request) throws GeneralSecurityException {
        byte[] nonce = request.octets("iv", Aead.NONCE);
        byte[] aad = associated(request.octets("sector", SECTOR), nonce);
        return new Answer().with("msg", Aead.GCM.open(request.octets("key", 32), nonce, aad, request.octets("ct"),
                request.octets("tag", Aead.TAG)));
    }
}
