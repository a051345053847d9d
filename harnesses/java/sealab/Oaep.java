package sealab;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Set;
import javax.crypto.Cipher;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;

/** RSA-OAEP (RFC 8017). */
final class Oaep {
    /** The JCE has the protocol's names. */
    private static final Set<String> HASHES = Set.of("SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512");

    private Oaep() {}

    private static String hash(Request request, String name) {
        String hash = request.text(name);
        if (!HASHES.contains(hash)) {
            throw new IllegalArgumentException(name + " is not one of " + HASHES);
        }
        return hash;
    }

    static Answer decrypt(Request request) throws GeneralSecurityException {
        PrivateKey key = KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(request.octets("key")));
        OAEPParameterSpec parameters = new OAEPParameterSpec(hash(request, "hash"), "MGF1",
                new MGF1ParameterSpec(hash(request, "mgfHash")), new PSource.PSpecified(request.octets("label")));
        Cipher cipher = Cipher.getInstance("RSA/ECB/OAEPPadding");
        cipher.init(Cipher.DECRYPT_MODE, key, parameters);
        return new Answer().with("msg", cipher.doFinal(request.octets("ct")));
    }
}
