package sealab;

import com.google.gson.JsonObject;
import java.util.HexFormat;

/** The values of an answer, by name. */
final class Answer {
    private final JsonObject values = new JsonObject();

    Answer with(String name, byte[] value) {
        values.addProperty(name, HexFormat.of().formatHex(value));
        return this;
    }

    JsonObject json() {
        return values;
    }
}
