package sealab;

import java.security.GeneralSecurityException;
import java.security.spec.AlgorithmParameterSpec;
import java.util.Arrays;
import java.util.function.Function;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** The two AEADs. In the JCE a tag stands at the end of its ciphertext. */
enum Aead {
    GCM("AES/GCM/NoPadding", "AES", nonce -> new GCMParameterSpec(Aead.TAG * 8, nonce)),
    CHACHA20_POLY1305("ChaCha20-Poly1305", "ChaCha20", IvParameterSpec::new);

    static final int NONCE = 12;
    static final int TAG = 16;

    private final String transformation;
    private final String keyAlgorithm;
    private final Function<byte[], AlgorithmParameterSpec> parameters;

    Aead(String transformation, String keyAlgorithm, Function<byte[], AlgorithmParameterSpec> parameters) {
        this.transformation = transformation;
        this.keyAlgorithm = keyAlgorithm;
        this.parameters = parameters;
    }

    private byte[] run(int mode, byte[] key, byte[] nonce, byte[] aad, byte[] in) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance(transformation);
        cipher.init(mode, new SecretKeySpec(key, keyAlgorithm), parameters.apply(nonce));
        cipher.updateAAD(aad);
        return cipher.doFinal(in);
    }

    /** The ciphertext, then the tag. */
    byte[] seal(byte[] key, byte[] nonce, byte[] aad, byte[] msg) throws GeneralSecurityException {
        return run(Cipher.ENCRYPT_MODE, key, nonce, aad, msg);
    }

    byte[] open(byte[] key, byte[] nonce, byte[] aad, byte[] ct, byte[] tag) throws GeneralSecurityException {
        byte[] sealed = Arrays.copyOf(ct, ct.length + TAG);
        System.arraycopy(tag, 0, sealed, ct.length, TAG);
        return run(Cipher.DECRYPT_MODE, key, nonce, aad, sealed);
    }

    static Answer sealed(byte[] sealed) {
        int size = sealed.length - TAG;
        return new Answer()
                .with("ct", Arrays.copyOf(sealed, size))
                .with("tag", Arrays.copyOfRange(sealed, size, sealed.length));
    }

    Answer seal(Request request, int keySize) throws GeneralSecurityException {
        return sealed(seal(request.octets("key", keySize), request.octets("iv", NONCE), request.octets("aad"),
                request.octets("msg")));
    }

    Answer open(Request request, int keySize) throws GeneralSecurityException {
        return new Answer().with("msg", open(request.octets("key", keySize), request.octets("iv", NONCE),
                request.octets("aad"), request.octets("ct"), request.octets("tag", TAG)));
    }
}
