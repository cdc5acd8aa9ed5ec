package dev.runlet.example;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import dev.runlet.v1.*;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Predicate;

/**
 * Shows what a client of runlet does: it survives a broken connection without losing or doubling
 * anything. The argument is the address of a server, 127.0.0.1:50051 by default.
 */
public final class Example {
  private final String address;
  // From a cryptographic source: nobody else can guess the session.
  private final String session = UUID.randomUUID().toString();
  private final String holder = UUID.randomUUID().toString();
  private long attempt = 0;
  private String attachment = "";
  private ManagedChannel connection;
  private SessionServiceGrpc.SessionServiceBlockingStub sessions;
  private ProcessServiceGrpc.ProcessServiceBlockingStub processes;
  // How far the events of each process were read.
  private final Map<String, Long> seqs = new HashMap<>();

  private Example(String address) {
    this.address = address;
  }

  public static void main(String[] args) throws InvalidProtocolBufferException {
    new Example(args.length > 0 ? args[0] : "127.0.0.1:50051").run();
  }

  private void run() throws InvalidProtocolBufferException {
    connect();
    Duration minute = Duration.newBuilder().setSeconds(60).build();
    sessions.createSession(
        CreateSessionRequest.newBuilder().setSessionId(session).setDetachedTtl(minute).build());
    attach();

    // Started twice with one request id, it runs once.
    String script = "while read -r line; do echo \"got $line\"; done";
    ProcessSpec.Builder echo = ProcessSpec.newBuilder().setStdin(StdinMode.STDIN_MODE_PIPE);
    echo.addAllArgv(List.of("/bin/sh", "-c", script));
    System.out.println("started once: " + (start("echo", echo) == start("echo", echo)));

    write("echo", 0, "one\n");
    System.out.println("read: " + readLine("echo"));

    // The connection breaks, and nobody knows what the last write came to: repeat it.
    connect();
    attach();
    write("echo", 0, "one\n");
    write("echo", 4, "two\n");
    System.out.println("read: " + readLine("echo"));

    TerminateProcessRequest.Builder terminate = TerminateProcessRequest.newBuilder();
    terminate.setSessionId(session).setProcessId("echo").setAttachmentId(attachment);
    processes.terminateProcess(terminate.build());
    watch("echo", event -> {
      if (event.hasExited()) {
        System.out.println("ended: " + event.getExited().getReason());
      }
      return event.hasClosed();
    });

    try {
      start("missing", ProcessSpec.newBuilder().addArgv("/no/such/program"));
    } catch (StatusRuntimeException error) {
      print(error);
    }

    TerminalSize.Builder size = TerminalSize.newBuilder().setColumns(100).setRows(30);
    ProcessSpec.Builder stty = ProcessSpec.newBuilder().addAllArgv(List.of("stty", "size"));
    start("terminal", stty.setTerminal(Terminal.newBuilder().setSize(size)));
    System.out.println("terminal: " + readLine("terminal"));

    sessions.closeSession(CloseSessionRequest.newBuilder().setSessionId(session).build());
    connection.shutdownNow();
  }

  /** Opens a connection of its own, after giving up the one before. */
  private void connect() {
    if (connection != null) {
      connection.shutdownNow();
    }
    connection = Grpc.newChannelBuilder(address, InsecureChannelCredentials.create()).build();
    // Repeats the session's id in a header, for proxies that route by it.
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("runlet-session-id", Metadata.ASCII_STRING_MARSHALLER), session);
    Channel channel =
        ClientInterceptors.intercept(
            connection, MetadataUtils.newAttachHeadersInterceptor(headers));
    sessions = SessionServiceGrpc.newBlockingStub(channel);
    processes = ProcessServiceGrpc.newBlockingStub(channel);
  }

  /** Takes the session; again after a break, unless somebody else has it. */
  private void attach() {
    attempt++;
    AttachSessionRequest.Builder request = AttachSessionRequest.newBuilder();
    request.setSessionId(session).setHolderId(holder).setAttempt(attempt);
    request.setMode(
        attempt == 1 ? AttachMode.ATTACH_MODE_TAKE_OVER : AttachMode.ATTACH_MODE_RESUME);
    Iterator<AttachSessionResponse> events = sessions.attachSession(request.build());
    attachment = events.next().getEvent().getAttached().getAttachmentId();
    System.out.println("attached as attempt " + attempt);
    // The session is attached as long as the stream is open and read.
    Thread reading = new Thread(() -> drain(events));
    reading.setDaemon(true);
    reading.start();
  }

  private static void drain(Iterator<AttachSessionResponse> events) {
    try {
      events.forEachRemaining(event -> {});
    } catch (StatusRuntimeException ended) {
      // The connection is gone, or the session.
    }
  }

  /** Starts a process and returns its pid. */
  private long start(String id, ProcessSpec.Builder spec) {
    StartProcessRequest.Builder request = StartProcessRequest.newBuilder();
    request.setSessionId(session).setProcessId(id).setAttachmentId(attachment);
    request.setRequestId(id + "-1").setSpec(spec);
    return processes.startProcess(request.build()).getProcess().getPid();
  }

  /** Says where its data belongs, so that a retry is not doubled. */
  private void write(String id, long offset, String data) {
    WriteStdinRequest.Builder request = WriteStdinRequest.newBuilder();
    request.setSessionId(session).setProcessId(id).setAttachmentId(attachment);
    request.setOffset(offset).setData(ByteString.copyFromUtf8(data));
    processes.writeStdin(request.build());
  }

  /** Hands on the events of a process from where it was read to, until one is enough. */
  private void watch(String id, Predicate<ProcessEvent> enough) {
    WatchProcessRequest.Builder request = WatchProcessRequest.newBuilder();
    request.setSessionId(session).setProcessId(id).setAttachmentId(attachment);
    request.setAfterSeq(seqs.getOrDefault(id, 0L));
    // The call is cancelled with its context.
    try (Context.CancellableContext context = Context.current().withCancellation()) {
      context.run(
          () -> {
            Iterator<WatchProcessResponse> answers = processes.watchProcess(request.build());
            while (answers.hasNext()) {
              for (ProcessEvent event : answers.next().getEventsList()) {
                seqs.put(id, event.getSeq());
                if (enough.test(event)) {
                  return;
                }
              }
            }
          });
    }
  }

  private String readLine(String id) {
    StringBuilder line = new StringBuilder();
    watch(id, event -> {
      line.append(event.getOutput().getData().toStringUtf8());
      return line.indexOf("\n") >= 0;
    });
    return line.toString().strip();
  }

  /** Reads the typed details of a failed call. */
  private static void print(StatusRuntimeException error) throws InvalidProtocolBufferException {
    for (Any detail : StatusProto.fromThrowable(error).getDetailsList()) {
      if (detail.is(ErrorInfo.class)) {
        System.out.println("failed: " + detail.unpack(ErrorInfo.class).getReason());
      } else if (detail.is(StartFailure.class)) {
        StartFailure failure = detail.unpack(StartFailure.class);
        System.out.println("because: " + failure.getStage() + " " + failure.getErrnoName());
      }
    }
  }
}
