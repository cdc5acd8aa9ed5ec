package dev.runlet.driver;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Performs calls of runlet.v1 for the interop tests: reads commands from standard input, one JSON
 * object a line, and answers on standard output. test/interop/clients/protocol.ts describes both.
 */
public final class Main {
  private static final Gson GSON = new Gson();

  private final Map<String, ManagedChannel> channels = new ConcurrentHashMap<>();
  private final Map<String, Reader> readers = new ConcurrentHashMap<>();
  private final Map<String, Download> downloads = new ConcurrentHashMap<>();

  public static void main(String[] args) throws IOException {
    Main driver = new Main();
    ExecutorService threads = Executors.newCachedThreadPool();
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonObject command = JsonParser.parseString(line).getAsJsonObject();
      threads.execute(() -> driver.answer(command));
    }
    // Streams may be open still: nobody waits for them.
    System.exit(0);
  }

  private void answer(JsonObject command) {
    try {
      ManagedChannel channel =
          channels.computeIfAbsent(command.get("address").getAsString(), Access::connect);
      String named = command.has("reader") ? command.get("reader").getAsString() : "";
      Reader reader = readers.computeIfAbsent(named, name -> new Reader());
      Download download = downloads.computeIfAbsent(named, name -> new Download());
      Command call =
          new Command(command, channel, reader, download, fact -> print(command, "note", fact));
      print(command, "result", Operations.perform(call));
    } catch (StatusRuntimeException error) {
      print(command, "error", Facts.ofFailure(error));
    } catch (RuntimeException error) {
      error.printStackTrace();
      System.exit(2);
    }
  }

  private static synchronized void print(JsonObject command, String kind, Map<String, ?> facts) {
    System.out.println(GSON.toJson(Map.of("id", command.get("id"), kind, facts)));
  }
}
