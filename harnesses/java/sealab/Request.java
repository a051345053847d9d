package sealab;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.HexFormat;

/** A request gives its values by name, or throws IllegalArgumentException where one is missing or wrong. */
final class Request {
    private final JsonObject members;

    Request(JsonObject members) {
        if (members == null) {
            throw new IllegalArgumentException("an empty line");
        }
        this.members = members;
    }

    String text(String name) {
        JsonElement member = members.get(name);
        if (member == null || !member.isJsonPrimitive() || !member.getAsJsonPrimitive().isString()) {
            throw new IllegalArgumentException(name + " is not text");
        }
        return member.getAsString();
    }

    long number(String name, long least, long most) {
        JsonElement member = members.get(name);
        if (member == null || !member.isJsonPrimitive() || !member.getAsJsonPrimitive().isNumber()) {
            throw new IllegalArgumentException(name + " is not a number");
        }
        long number = Long.parseLong(member.getAsString());
        if (number < least || number > most) {
            throw new IllegalArgumentException(name + " is not from " + least + " to " + most);
        }
        return number;
    }

    byte[] octets(String name) {
        return HexFormat.of().parseHex(text(name));
    }

    /** Octets of one of these lengths. */
    byte[] octets(String name, int... sizes) {
        byte[] octets = octets(name);
        for (int size : sizes) {
            if (octets.length == size) {
                return octets;
            }
        }
        throw new IllegalArgumentException(name + " has " + octets.length + " bytes");
    }

    /** Octets, at least so many, whose length is a multiple of a step. */
    byte[] steps(String name, int least, int step) {
        byte[] octets = octets(name);
        if (octets.length < least || octets.length % step != 0) {
            throw new IllegalArgumentException(name + " has " + octets.length + " bytes");
        }
        return octets;
    }
}
