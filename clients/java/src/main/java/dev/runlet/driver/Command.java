package dev.runlet.driver;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import dev.runlet.v1.FileServiceGrpc;
import dev.runlet.v1.HttpServiceGrpc;
import dev.runlet.v1.OutputPolicy;
import dev.runlet.v1.Overflow;
import dev.runlet.v1.ProcessServiceGrpc;
import dev.runlet.v1.ProcessSpec;
import dev.runlet.v1.Sandbox;
import dev.runlet.v1.SandboxAccess;
import dev.runlet.v1.SandboxPlace;
import dev.runlet.v1.SandboxRule;
import dev.runlet.v1.SessionServiceGrpc;
import dev.runlet.v1.SignalScope;
import dev.runlet.v1.StartProcessRequest;
import dev.runlet.v1.StdinMode;
import dev.runlet.v1.Terminal;
import dev.runlet.v1.TerminalSize;
import dev.runlet.v1.TunnelServiceGrpc;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** A command that is being performed. Which fields count depends on the operation. */
final class Command {
  private static final Metadata.Key<String> SESSION =
      Metadata.Key.of("runlet-session-id", Metadata.ASCII_STRING_MARSHALLER);

  private static final BearerToken TOKEN = Access.token();

  final Reader reader;
  final Download download;
  private final JsonObject json;
  private final Channel channel;
  private final Consumer<Map<String, ?>> notes;

  Command(
      JsonObject json,
      ManagedChannel channel,
      Reader reader,
      Download download,
      Consumer<Map<String, ?>> notes) {
    this.json = json;
    this.reader = reader;
    this.download = download;
    this.notes = notes;
    // Every call carries the header that proxies route by.
    Metadata headers = new Metadata();
    headers.put(SESSION, json.has("header") ? text("header") : sessionId());
    this.channel =
        ClientInterceptors.intercept(
            channel, MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  SessionServiceGrpc.SessionServiceBlockingStub sessions() {
    return SessionServiceGrpc.newBlockingStub(channel)
        .withCallCredentials(TOKEN)
        .withWaitForReady();
  }

  ProcessServiceGrpc.ProcessServiceBlockingStub processes() {
    return ProcessServiceGrpc.newBlockingStub(channel)
        .withCallCredentials(TOKEN)
        .withWaitForReady();
  }

  ProcessServiceGrpc.ProcessServiceStub streams() {
    return ProcessServiceGrpc.newStub(channel).withCallCredentials(TOKEN).withWaitForReady();
  }

  FileServiceGrpc.FileServiceBlockingStub files() {
    return FileServiceGrpc.newBlockingStub(channel).withCallCredentials(TOKEN).withWaitForReady();
  }

  FileServiceGrpc.FileServiceStub fileStreams() {
    return FileServiceGrpc.newStub(channel).withCallCredentials(TOKEN).withWaitForReady();
  }

  HttpServiceGrpc.HttpServiceStub http() {
    return HttpServiceGrpc.newStub(channel).withCallCredentials(TOKEN).withWaitForReady();
  }

  TunnelServiceGrpc.TunnelServiceStub tunnels() {
    return TunnelServiceGrpc.newStub(channel).withCallCredentials(TOKEN).withWaitForReady();
  }

  void note(Map<String, ?> fact) {
    notes.accept(fact);
  }

  String text(String name) {
    return text(json, name);
  }

  String sessionId() {
    return text("session_id");
  }

  String processId() {
    return text("process_id");
  }

  String attachmentId() {
    return text("attachment_id");
  }

  long number(String name) {
    return number(json, name);
  }

  /** Bytes that are given in base64. */
  ByteString bytes(String name) {
    return bytes(json, name);
  }

  /** A duration that is given in milliseconds; zero if it is not given. */
  Duration milliseconds(String name) {
    return duration(number(name));
  }

  boolean has(String name) {
    return json.has(name);
  }

  SignalScope scope() {
    return json.has("scope")
        ? SignalScope.valueOf(text("scope"))
        : SignalScope.SIGNAL_SCOPE_UNSPECIFIED;
  }

  TerminalSize size() {
    return size(json);
  }

  Write write() {
    return write(json);
  }

  List<Write> writes() {
    List<Write> writes = new ArrayList<>();
    for (JsonElement write : json.getAsJsonArray("writes")) {
      writes.add(write(write.getAsJsonObject()));
    }
    return writes;
  }

  /** What an array has, each as it is; none where there is no such array. */
  List<JsonElement> each(String name) {
    return json.has(name) ? json.getAsJsonArray(name).asList() : List.of();
  }

  StartProcessRequest startRequest() {
    JsonObject given = json.getAsJsonObject("spec");
    ProcessSpec.Builder spec = ProcessSpec.newBuilder().setCwd(text(given, "cwd"));
    for (JsonElement argument : given.getAsJsonArray("argv")) {
      spec.addArgv(argument.getAsString());
    }
    if (given.has("env")) {
      given
          .getAsJsonObject("env")
          .asMap()
          .forEach((name, value) -> spec.putEnv(name, value.getAsString()));
    }
    if (given.has("stdin")) {
      spec.setStdin(StdinMode.valueOf(text(given, "stdin")));
    }
    if (given.has("terminal")) {
      spec.setTerminal(Terminal.newBuilder().setSize(size(given.getAsJsonObject("terminal"))));
    }
    if (given.has("writable")) {
      spec.setSandbox(sandboxWith(given.getAsJsonArray("writable")));
    }
    if (given.has("retention_ms")) {
      spec.setRetention(duration(number(given, "retention_ms")));
    }
    OutputPolicy.Builder output =
        OutputPolicy.newBuilder().setRetainedBytes(number(given, "retained_bytes"));
    if (given.has("overflow")) {
      output.setOverflow(Overflow.valueOf(text(given, "overflow")));
    }
    return StartProcessRequest.newBuilder()
        .setSessionId(sessionId())
        .setProcessId(processId())
        .setAttachmentId(attachmentId())
        .setRequestId(text("request_id"))
        .setSpec(spec.setOutput(output))
        .build();
  }

  /** A write to stdin; the offset is null where there is none. */
  record Write(Long offset, ByteString data, boolean eof) {}

  private static Write write(JsonObject json) {
    return new Write(
        json.has("offset") ? number(json, "offset") : null,
        bytes(json, "data"),
        json.has("eof") && json.get("eof").getAsBoolean());
  }

  /** A sandbox in which programs run, and these paths can be changed. */
  private static Sandbox sandboxWith(JsonArray writable) {
    Sandbox.Builder sandbox =
        Sandbox.newBuilder()
            .addRules(
                SandboxRule.newBuilder()
                    .setPlace(SandboxPlace.SANDBOX_PLACE_PLATFORM)
                    .setAccess(SandboxAccess.SANDBOX_ACCESS_READ));
    for (JsonElement path : writable) {
      sandbox.addRules(
          SandboxRule.newBuilder()
              .setPath(path.getAsString())
              .setAccess(SandboxAccess.SANDBOX_ACCESS_WRITE));
    }
    return sandbox.build();
  }

  private static TerminalSize size(JsonObject json) {
    return TerminalSize.newBuilder()
        .setColumns((int) number(json, "columns"))
        .setRows((int) number(json, "rows"))
        .build();
  }

  private static Duration duration(long milliseconds) {
    return Duration.newBuilder()
        .setSeconds(milliseconds / 1000)
        .setNanos((int) (milliseconds % 1000) * 1_000_000)
        .build();
  }

  private static String text(JsonObject json, String name) {
    return json.has(name) ? json.get(name).getAsString() : "";
  }

  private static ByteString bytes(JsonObject json, String name) {
    return ByteString.copyFrom(Base64.getDecoder().decode(text(json, name)));
  }

  private static long number(JsonObject json, String name) {
    return json.has(name) ? json.get(name).getAsLong() : 0;
  }
}
