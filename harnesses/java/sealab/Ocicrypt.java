package sealab;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Cipher;

/** An encrypted layer of an OCI image: AES_256_CTR_HMAC_SHA256, with the cipher's options beside it as JSON. */
final class Ocicrypt {
    private static final String CIPHER = "AES_256_CTR_HMAC_SHA256";
    private static final int KEY = 32;

    private Ocicrypt() {}

    static Answer sealLayer(Request request) throws GeneralSecurityException {
        byte[] key = request.octets("key", KEY);
        byte[] ct = Aes.ctr(Cipher.ENCRYPT_MODE, key, request.octets("iv", Aes.BLOCK), request.octets("msg"));
        return new Answer().with("ct", ct).with("tag", Hashes.hmac(key, ct));
    }

    /** The code covers the whole ciphertext and nothing else, under the cipher's own key. */
    private static Answer open(byte[] key, byte[] counter, byte[] ct, byte[] tag) throws GeneralSecurityException {
        if (!MessageDigest.isEqual(Hashes.hmac(key, ct), tag)) {
            throw new IllegalArgumentException("the code does not hold");
        }
        return new Answer().with("msg", Aes.ctr(Cipher.DECRYPT_MODE, key, counter, ct));
    }

    static Answer openLayer(Request request) throws GeneralSecurityException {
        return open(request.octets("key", KEY), request.octets("iv", Aes.BLOCK), request.octets("ct"),
                request.octets("tag", Hashes.SHA256));
    }

    private static JsonObject options(Request request, String name) {
        try {
            JsonElement options = JsonParser.parseString(request.text(name));
            if (options.isJsonObject()) {
                return options.getAsJsonObject();
            }
        } catch (JsonParseException e) {
            throw new IllegalArgumentException(name + ": " + e.getMessage());
        }
        throw new IllegalArgumentException(name + " is not a JSON object");
    }

    private static JsonObject member(JsonObject options, String name) {
        JsonElement member = options.get(name);
        return member != null && member.isJsonObject() ? member.getAsJsonObject() : new JsonObject();
    }

    private static String text(JsonObject options, String name) {
        if (options.get(name) instanceof JsonPrimitive member && member.isString()) {
            return member.getAsString();
        }
        throw new IllegalArgumentException("the option " + name + " is missing or no text");
    }

    /** An option in base64. The decoder would do without padding, which the standard does not. */
    private static byte[] octets(JsonObject options, String name, int size) {
        String text = text(options, name);
        byte[] octets = Base64.getDecoder().decode(text);
        if (octets.length != size || text.length() != (size + 2) / 3 * 4) {
            throw new IllegalArgumentException("the option " + name + " is not base64 of " + size + " bytes");
        }
        return octets;
    }

    static Answer openOptions(Request request) throws GeneralSecurityException {
        JsonObject sealed = options(request, "privateOptions");
        JsonObject open = options(request, "publicOptions");
        if (!text(open, "cipher").equals(CIPHER)) {
            throw new IllegalArgumentException("the cipher is not " + CIPHER);
        }
        byte[] nonce = octets(member(sealed, "cipheroptions"), "nonce", Aes.BLOCK);
        JsonObject openCipherOptions = member(open, "cipheroptions");
        // Nothing authenticates the public options: another nonce there would change what comes out.
        if (openCipherOptions.has("nonce")
                && !Arrays.equals(octets(openCipherOptions, "nonce", Aes.BLOCK), nonce)) {
            throw new IllegalArgumentException("the public options have another nonce");
        }
        return open(octets(sealed, "symkey", KEY), nonce, request.octets("ct"), octets(open, "hmac", Hashes.SHA256));
    }
}
