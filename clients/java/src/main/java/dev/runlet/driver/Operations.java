package dev.runlet.driver;

import dev.runlet.v1.AcknowledgeOutputRequest;
import dev.runlet.v1.AttachMode;
import dev.runlet.v1.AttachSessionRequest;
import dev.runlet.v1.AttachSessionResponse;
import dev.runlet.v1.CloseSessionRequest;
import dev.runlet.v1.CreateSessionRequest;
import dev.runlet.v1.GetProcessRequest;
import dev.runlet.v1.InteractRequest;
import dev.runlet.v1.InteractResponse;
import dev.runlet.v1.InteractStdin;
import dev.runlet.v1.Process;
import dev.runlet.v1.ReadProcessRequest;
import dev.runlet.v1.ResizeTerminalRequest;
import dev.runlet.v1.SessionEvent;
import dev.runlet.v1.Signal;
import dev.runlet.v1.SignalProcessRequest;
import dev.runlet.v1.StreamStdinRequest;
import dev.runlet.v1.StreamStdinResponse;
import dev.runlet.v1.TerminateProcessRequest;
import dev.runlet.v1.TerminateProcessResponse;
import dev.runlet.v1.WaitProcessRequest;
import dev.runlet.v1.WatchProcessRequest;
import dev.runlet.v1.WatchProcessResponse;
import dev.runlet.v1.WriteStdinRequest;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What the driver can be told to do; each operation returns facts. */
final class Operations {
  private Operations() {}

  static Map<String, ?> perform(Command call) {
    return switch (call.text("op")) {
      case "create" -> create(call);
      case "close" -> close(call);
      case "attach" -> attach(call);
      case "start" -> start(call);
      case "get" -> get(call);
      case "wait" -> waitFor(call);
      case "watch" -> watch(call);
      case "read" -> read(call);
      case "write" -> write(call);
      case "stream" -> stream(call);
      case "interact" -> interact(call);
      case "signal" -> signal(call);
      case "terminate" -> terminate(call);
      case "resize" -> resize(call);
      case "list_files" -> FileOperations.list(call);
      case "upload" -> FileOperations.upload(call);
      case "get_upload" -> FileOperations.getUpload(call);
      case "download" -> FileOperations.download(call);
      case "connect" -> NetworkOperations.connect(call);
      case "request" -> NetworkOperations.request(call);
      default -> throw new IllegalArgumentException(call.text("op"));
    };
  }

  private static Map<String, ?> create(Command call) {
    CreateSessionRequest request =
        CreateSessionRequest.newBuilder().setSessionId(call.sessionId()).build();
    String id = call.sessions().createSession(request).getSession().getSessionId();
    return Map.of("session_id", id);
  }

  private static Map<String, ?> close(Command call) {
    call.sessions()
        .closeSession(CloseSessionRequest.newBuilder().setSessionId(call.sessionId()).build());
    return Map.of();
  }

  private static Map<String, ?> attach(Command call) {
    AttachSessionRequest request =
        AttachSessionRequest.newBuilder()
            .setSessionId(call.sessionId())
            .setMode(AttachMode.valueOf(call.text("mode")))
            .setHolderId(call.text("holder_id"))
            .setAttempt(call.number("attempt"))
            .build();
    Iterator<AttachSessionResponse> answers = call.sessions().attachSession(request);
    while (answers.hasNext()) {
      SessionEvent event = answers.next().getEvent();
      switch (event.getEventCase()) {
        case ATTACHED -> {
          List<String> ids =
              event.getAttached().getProcessesList().stream().map(Process::getProcessId).toList();
          call.note(
              Map.of("attachment_id", event.getAttached().getAttachmentId(), "process_ids", ids));
        }
        case PROCESS_CLOSED ->
            call.note(Map.of("closed", event.getProcessClosed().getProcess().getProcessId()));
        case PROCESS_EVICTED ->
            call.note(Map.of("evicted", event.getProcessEvicted().getProcessId()));
        default -> {}
      }
    }
    return Map.of();
  }

  private static Map<String, ?> start(Command call) {
    return Facts.of(call.processes().startProcess(call.startRequest()).getProcess());
  }

  private static Map<String, ?> get(Command call) {
    GetProcessRequest request =
        GetProcessRequest.newBuilder()
            .setSessionId(call.sessionId())
            .setProcessId(call.processId())
            .setAttachmentId(call.attachmentId())
            .build();
    return Facts.of(call.processes().getProcess(request).getProcess());
  }

  private static Map<String, ?> waitFor(Command call) {
    WaitProcessRequest request =
        WaitProcessRequest.newBuilder()
            .setSessionId(call.sessionId())
            .setProcessId(call.processId())
            .setAttachmentId(call.attachmentId())
            .build();
    return Facts.of(call.processes().waitProcess(request).getProcess());
  }

  private static Map<String, ?> watch(Command call) {
    WatchProcessRequest request =
        WatchProcessRequest.newBuilder()
            .setSessionId(call.sessionId())
            .setProcessId(call.processId())
            .setAttachmentId(call.attachmentId())
            .setAfterSeq(call.reader.lastSeq())
            .setReaderId(call.text("reader_id"))
            .build();
    Iterator<WatchProcessResponse> answers = call.processes().watchProcess(request);
    while (answers.hasNext()) {
      WatchProcessResponse answer = answers.next();
      call.reader.take(answer.getEventsList(), call);
      if (call.has("reader_id") && answer.getEventsCount() > 0) {
        acknowledge(call);
      }
    }
    return call.reader.facts();
  }

  /** Says that what the reader has had need not be kept for it any more. */
  private static void acknowledge(Command call) {
    AcknowledgeOutputRequest request =
        AcknowledgeOutputRequest.newBuilder()
            .setSessionId(call.sessionId())
            .setProcessId(call.processId())
            .setAttachmentId(call.attachmentId())
            .setReaderId(call.text("reader_id"))
            .setSeq(call.reader.lastSeq())
            .build();
    try {
      call.processes().acknowledgeOutput(request);
    } catch (StatusRuntimeException error) {
      // The connection broke, which the stream tells, too; the next one says more.
    }
  }

  private static Map<String, ?> read(Command call) {
    ReadProcessRequest request =
        ReadProcessRequest.newBuilder()
            .setSessionId(call.sessionId())
            .setProcessId(call.processId())
            .setAttachmentId(call.attachmentId())
            .setAfterSeq(call.reader.lastSeq())
            .setWait(call.milliseconds("wait_ms"))
            .build();
    call.reader.take(call.processes().readProcess(request).getEventsList(), call);
    return call.reader.facts();
  }

  private static Map<String, ?> write(Command call) {
    Command.Write write = call.write();
    WriteStdinRequest.Builder request =
        WriteStdinRequest.newBuilder()
            .setSessionId(call.sessionId())
            .setProcessId(call.processId())
            .setAttachmentId(call.attachmentId())
            .setData(write.data())
            .setEof(write.eof());
    if (write.offset() != null) {
      request.setOffset(write.offset());
    }
    long accepted = call.processes().writeStdin(request.build()).getAcceptedOffset();
    return Map.of("accepted_offset", accepted);
  }

  private static Map<String, ?> stream(Command call) {
    Answers<StreamStdinResponse> answers = new Answers<>(answer -> {});
    StreamObserver<StreamStdinRequest> requests = call.streams().streamStdin(answers);
    for (Command.Write write : call.writes()) {
      StreamStdinRequest.Builder request =
          StreamStdinRequest.newBuilder()
              .setSessionId(call.sessionId())
              .setProcessId(call.processId())
              .setAttachmentId(call.attachmentId())
              .setData(write.data())
              .setEof(write.eof());
      if (write.offset() != null) {
        request.setOffset(write.offset());
      }
      requests.onNext(request.build());
    }
    requests.onCompleted();
    return Map.of("accepted_offset", answers.last().getAcceptedOffset());
  }

  private static Map<String, ?> interact(Command call) {
    Answers<InteractResponse> answers =
        new Answers<>(answer -> call.reader.take(answer.getEventsList(), call));
    StreamObserver<InteractRequest> requests = call.streams().interact(answers);
    requests.onNext(InteractRequest.newBuilder().setStart(call.startRequest()).build());
    for (Command.Write write : call.writes()) {
      InteractStdin.Builder stdin =
          InteractStdin.newBuilder().setData(write.data()).setEof(write.eof());
      if (write.offset() != null) {
        stdin.setOffset(write.offset());
      }
      requests.onNext(InteractRequest.newBuilder().setStdin(stdin).build());
    }
    requests.onCompleted();
    answers.last();
    return call.reader.facts();
  }

  private static Map<String, ?> signal(Command call) {
    SignalProcessRequest request =
        SignalProcessRequest.newBuilder()
            .setSessionId(call.sessionId())
            .setProcessId(call.processId())
            .setAttachmentId(call.attachmentId())
            .setSignal(Signal.valueOf(call.text("signal")))
            .setScope(call.scope())
            .build();
    call.processes().signalProcess(request);
    return Map.of();
  }

  private static Map<String, ?> terminate(Command call) {
    TerminateProcessRequest.Builder request =
        TerminateProcessRequest.newBuilder()
            .setSessionId(call.sessionId())
            .setProcessId(call.processId())
            .setAttachmentId(call.attachmentId())
            .setScope(call.scope());
    if (call.has("grace_ms")) {
      request.setGrace(call.milliseconds("grace_ms"));
    }
    TerminateProcessResponse answer = call.processes().terminateProcess(request.build());
    Map<String, Object> facts = new TreeMap<>(Facts.of(answer.getProcess()));
    facts.put("was_running", answer.getWasRunning());
    return facts;
  }

  private static Map<String, ?> resize(Command call) {
    ResizeTerminalRequest request =
        ResizeTerminalRequest.newBuilder()
            .setSessionId(call.sessionId())
            .setProcessId(call.processId())
            .setAttachmentId(call.attachmentId())
            .setSize(call.size())
            .build();
    call.processes().resizeTerminal(request);
    return Map.of();
  }
}
