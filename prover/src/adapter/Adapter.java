// A lock for the prover: docs/protocol.md over standard input and output. Put your own lock where it says YOURS.
// This one is a file that only one can make. It needs no service; its weakness: a holder that crashes keeps the lock for ever.
// Run: prover --lock 'process:java Adapter.java' (Java 17; compiled first it starts faster)

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Pattern;

public class Adapter {
    /** Nothing was asked for, so it never takes effect: code 11. Every other exception is code 13: nobody knows. */
    static class NotSent extends IOException {
        NotSent(String why) { super(why); }
    }

    static String client, prefix;
    static final Set<String> held = new HashSet<>();

    /** YOURS: connect with the first operation, to what init said (host, port, url of its endpoints); throw NotSent where that fails. */
    static Path connect(String key) {
        return Path.of(System.getProperty("java.io.tmpdir"), prefix + "." + key + ".lock");
    }

    /** YOURS: try once. False only where the service said that another holds it. */
    static boolean acquire(String key) throws Exception {
        try {
            Files.writeString(connect(key), client, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            return held.add(key) || true;
        } catch (FileAlreadyExistsException another) {
            return false;
        }
    }

    /** YOURS: what the service says. */
    static boolean verify(String key) throws Exception {
        try {
            return Files.readString(connect(key)).equals(client);
        } catch (NoSuchFileException gone) {
            return false;
        }
    }

    /** YOURS: false where the service said that it was not held any more. */
    static boolean release(String key) throws Exception {
        boolean still = verify(key);
        if (still) Files.delete(connect(key));
        held.remove(key);
        return still;
    }

    /** The answer's fields. YOURS: a grant may say its "token" and its "lease_ms", a verify that renewed a lease "lease_ms". */
    static String perform(String type, String line) throws Exception {
        String key = field(line, "key");
        switch (type) {
            case "init":
                client = field(line, "client");
                prefix = field(line, "prefix");
                // YOURS: what it is. With "needs":["redis"] the run has endpoints; a lease is "lease_ms".
                return ok(type, ",'name':'lock-file','kind':'mutex','operations':['acquire','verify','release'],'needs':[],"
                    + "'promises':['exclusion','progress']");
            case "acquire":
                long end = System.nanoTime() + Long.parseLong(field(line, "wait_ms")) * 1_000_000;
                boolean granted = acquire(key);
                while (!granted && System.nanoTime() < end) {
                    Thread.sleep(10);
                    granted = acquire(key);
                }
                return ok(type, ",'held':" + granted);
            case "verify":
                return ok(type, ",'held':" + verify(key));
            case "release":
                return ok(type, ",'held':" + release(key));
            case "close":
                for (String mine : Set.copyOf(held)) release(mine);
                return ok(type, "");
            default:
                return error(10, "no " + type + " here");
        }
    }

    static String ok(String type, String fields) {
        return ("'type':'" + type + "_ok'" + fields).replace('\'', '"');
    }

    static String error(int code, String text) {
        return "\"type\":\"error\",\"code\":" + code + ",\"text\":\"" + text.replaceAll("[\\\\\"\\p{Cntrl}]", " ") + "\"";
    }

    /** One field of a message, the first of that name: a text as it stands there, or a number. */
    static String field(String line, String name) {
        var found = Pattern.compile("\"" + name + "\"\\s*:\\s*(?:\"((?:[^\"\\\\]|\\\\.)*)\"|([^\\s,}\\]]+))").matcher(line);
        return !found.find() ? null : found.group(1) != null ? found.group(1) : found.group(2);
    }

    public static void main(String[] arguments) throws Exception {
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = input.readLine()) != null; ) {
            String type = field(line, "type"), body;
            try {
                body = perform(type, line);
            } catch (NotSent error) {
                body = error(11, error.toString());
            } catch (Exception error) {
                body = error(13, error.toString());
            }
            System.out.printf("{\"src\":\"%s\",\"dest\":\"%s\",\"body\":{\"in_reply_to\":%s,%s}}%n",
                field(line, "dest"), field(line, "src"), field(line, "msg_id"), body);
            System.out.flush();
            if (type.equals("close")) return;
        }
    }
}
