package sealab;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.NoSuchAlgorithmException;
import java.security.ProviderException;

/** A Sealab harness of the JCE: a request a line on standard input, its answer on standard output. */
public final class Harness {
    private static final int PROTOCOL = 1;

    private static JsonObject hello() {
        JsonObject answer = new JsonObject();
        JsonArray names = new JsonArray();
        Algorithms.ALL.keySet().forEach(names::add);
        answer.addProperty("protocol", PROTOCOL);
        answer.addProperty("name", "java");
        answer.addProperty("library", "JCE");
        answer.addProperty("version", System.getProperty("java.vm.name") + " " + Runtime.version());
        answer.add("implements", names);
        return answer;
    }

    private static JsonObject refusal(String kind, Exception reason) {
        JsonObject answer = new JsonObject();
        answer.addProperty(kind, reason.getMessage() == null ? reason.getClass().getSimpleName() : reason.getMessage());
        return answer;
    }

    private static JsonObject run(Request request, String operation) {
        try {
            Operation found = Algorithms.find(request.text("algorithm"), operation);
            return found.run(request).json();
        } catch (UnsupportedOperationException | NoSuchAlgorithmException e) {
            return refusal("unsupported", e);
        } catch (GeneralSecurityException | ProviderException | IllegalArgumentException e) {
            return refusal("error", e);
        }
    }

    public static void main(String[] arguments) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        Gson gson = new Gson();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonObject answer;
            try {
                Request request = new Request(gson.fromJson(line, JsonObject.class));
                String operation = request.text("operation");
                long id = request.number("id", Long.MIN_VALUE, Long.MAX_VALUE);
                answer = operation.equals("hello") ? hello() : run(request, operation);
                answer.addProperty("id", id);
            } catch (JsonParseException | IllegalArgumentException e) {
                // There is no id to answer to.
                System.err.println("not a request: " + e.getMessage());
                System.exit(1);
                return;
            }
            out.println(gson.toJson(answer));
        }
    }
}
