package dev.runlet.driver;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import dev.runlet.v1.EndReason;
import dev.runlet.v1.ExitStatus;
import dev.runlet.v1.File;
import dev.runlet.v1.FileFailure;
import dev.runlet.v1.HttpFailure;
import dev.runlet.v1.Process;
import dev.runlet.v1.StartFailure;
import dev.runlet.v1.TunnelFailure;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What is told of processes, files and failures. */
final class Facts {
  private Facts() {}

  static Map<String, ?> of(Process process) {
    Map<String, Object> facts = new TreeMap<>();
    facts.put("process_id", process.getProcessId());
    facts.put("pid", process.getPid());
    facts.put("state", process.getState().name());
    if (process.hasStatus()) {
      facts.put("exited", ofEnd(process.getStatus(), process.getReason()));
    }
    return facts;
  }

  static Map<String, ?> of(File file) {
    Map<String, Object> facts = new TreeMap<>();
    facts.put("path", file.getPath());
    facts.put("kind", file.getKind().name());
    facts.put("size", file.getSize());
    facts.put("version", file.getVersion());
    if (!file.getRawPath().isEmpty()) {
      byte[] bytes = file.getRawPath().toByteArray();
      facts.put("raw_path", Base64.getEncoder().encodeToString(bytes));
    }
    return facts;
  }

  static Map<String, ?> ofEnd(ExitStatus status, EndReason reason) {
    return status.hasCode()
        ? Map.of("reason", reason.name(), "code", status.getCode())
        : Map.of("reason", reason.name(), "signal", status.getSignal().name());
  }

  /** Reads grpc-status-details-bin. */
  static Map<String, ?> ofFailure(StatusRuntimeException error) {
    Map<String, Object> facts = new TreeMap<>();
    facts.put("code", error.getStatus().getCode().name());
    Status status = StatusProto.fromThrowable(error);
    try {
      for (Any detail : status.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          ErrorInfo info = detail.unpack(ErrorInfo.class);
          facts.put("reason", info.getReason());
          facts.put("domain", info.getDomain());
          facts.put("metadata", info.getMetadataMap());
        } else if (detail.is(StartFailure.class)) {
          StartFailure failure = detail.unpack(StartFailure.class);
          facts.put("stage", failure.getStage().name());
          facts.put("errno_name", failure.getErrnoName());
        } else if (detail.is(FileFailure.class)) {
          FileFailure failure = detail.unpack(FileFailure.class);
          facts.put("operation", failure.getOperation());
          facts.put("errno_name", failure.getErrnoName());
        } else if (detail.is(HttpFailure.class)) {
          HttpFailure failure = detail.unpack(HttpFailure.class);
          facts.put("stage", failure.getStage().name());
          facts.put("errno_name", failure.getCode());
        } else if (detail.is(TunnelFailure.class)) {
          TunnelFailure failure = detail.unpack(TunnelFailure.class);
          facts.put("stage", failure.getStage().name());
          facts.put("errno_name", failure.getErrnoName());
        } else if (detail.is(BadRequest.class)) {
          List<String> fields =
              detail.unpack(BadRequest.class).getFieldViolationsList().stream()
                  .map(BadRequest.FieldViolation::getField)
                  .toList();
          facts.put("fields", fields);
        }
      }
    } catch (InvalidProtocolBufferException broken) {
      throw new IllegalStateException(broken);
    }
    return facts;
  }
}
