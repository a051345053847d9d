package sealab;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import java.util.Arrays;

/** What CRIU with pull request 2297 writes, its pages apart, which need XTS. */
final class Criu {
    private static final int KEY = 32;
    private static final int CHUNK = 4096;
    private static final int CHUNK_HEADER = Aead.TAG + Aead.NONCE + Long.BYTES;
    private static final byte[] NOTHING = {};

    private Criu() {}

    private static ByteBuffer framed(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] take(ByteBuffer from, int size) {
        byte[] octets = new byte[size];
        from.get(octets);
        return octets;
    }

    static Answer sealEntry(Request request) throws GeneralSecurityException {
        byte[] key = request.octets("key", KEY);
        byte[] nonce = request.octets("iv", Aead.NONCE);
        byte[] msg = request.octets("msg");
        if (msg.length == 0) {
            // An empty entry is its size alone.
            return new Answer().with("framed", new byte[Integer.BYTES]);
        }
        byte[] sealed = Aead.CHACHA20_POLY1305.seal(key, nonce, NOTHING, msg);
        ByteBuffer framed = framed(Integer.BYTES + sealed.length + Aead.NONCE);
        framed.putInt(msg.length).put(sealed).put(nonce);
        return new Answer().with("framed", framed.array());
    }

    static Answer openEntry(Request request) throws GeneralSecurityException {
        byte[] key = request.octets("key", KEY);
        byte[] octets = request.steps("framed", Integer.BYTES, 1);
        ByteBuffer framed = ByteBuffer.wrap(octets).order(ByteOrder.LITTLE_ENDIAN);
        long size = Integer.toUnsignedLong(framed.getInt());
        if (framed.remaining() != (size == 0 ? 0 : size + Aead.TAG + Aead.NONCE)) {
            throw new IllegalArgumentException("framed is not as long as its size says");
        }
        if (size == 0) {
            return new Answer().with("msg", NOTHING);
        }
        byte[] ct = take(framed, (int) size);
        byte[] tag = take(framed, Aead.TAG);
        byte[] nonce = take(framed, Aead.NONCE);
        return new Answer().with("msg", Aead.CHACHA20_POLY1305.open(key, nonce, NOTHING, ct, tag));
    }

    static Answer sealRaw(Request request) throws GeneralSecurityException {
        byte[] key = request.octets("key", KEY);
        byte[] msg = request.octets("msg");
        int chunks = (msg.length + CHUNK - 1) / CHUNK;
        ByteBuffer nonces = ByteBuffer.wrap(request.octets("iv", chunks * Aead.NONCE));
        ByteBuffer framed = framed(msg.length + chunks * CHUNK_HEADER);
        for (int at = 0; at < msg.length; at += CHUNK) {
            byte[] chunk = Arrays.copyOfRange(msg, at, Math.min(at + CHUNK, msg.length));
            byte[] nonce = take(nonces, Aead.NONCE);
            byte[] sealed = Aead.CHACHA20_POLY1305.seal(key, nonce, NOTHING, chunk);
            framed.put(sealed, chunk.length, Aead.TAG).put(nonce).putLong(chunk.length).put(sealed, 0, chunk.length);
        }
        return new Answer().with("framed", framed.array());
    }

    static Answer openRaw(Request request) throws GeneralSecurityException {
        byte[] key = request.octets("key", KEY);
        byte[] octets = request.octets("framed");
        ByteBuffer framed = ByteBuffer.wrap(octets).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer msg = ByteBuffer.allocate(octets.length);
        try {
            while (framed.hasRemaining()) {
                byte[] tag = take(framed, Aead.TAG);
                byte[] nonce = take(framed, Aead.NONCE);
                long size = framed.getLong();
                if (size < 1 || size > CHUNK) {
                    throw new IllegalArgumentException("a chunk has " + size + " bytes, not 1 to " + CHUNK);
                }
                byte[] ct = take(framed, (int) size);
                msg.put(Aead.CHACHA20_POLY1305.open(key, nonce, NOTHING, ct, tag));
            }
        } catch (BufferUnderflowException e) {
            throw new IllegalArgumentException("a chunk is cut off");
        }
        return new Answer().with("msg", Arrays.copyOf(msg.array(), msg.position()));
    }
}
