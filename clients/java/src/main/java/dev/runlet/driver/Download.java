package dev.runlet.driver;

import dev.runlet.v1.File;
import dev.runlet.v1.FileData;
import dev.runlet.v1.ReadFileEnd;
import dev.runlet.v1.ReadFileRequest;
import dev.runlet.v1.ReadFileResponse;
import java.util.HexFormat;
import java.util.Map;

/** Has had a part of a file, from one call or several. */
final class Download {
  private final Hash hash = new Hash();
  private File file = File.getDefaultInstance();
  private ReadFileEnd end = ReadFileEnd.getDefaultInstance();
  private long bytes;
  private boolean exact = true;

  /** Has a request ask for the rest, of the same version. */
  synchronized void resume(ReadFileRequest.Builder request) {
    request.setOffset(bytes).setIfVersion(file.getVersion());
  }

  synchronized void take(ReadFileResponse answer) {
    switch (answer.getResponseCase()) {
      case FILE -> file = answer.getFile();
      case END -> end = answer.getEnd();
      case DATA -> {
        FileData piece = answer.getData();
        exact = exact && piece.getOffset() == bytes;
        bytes += piece.getData().size();
        hash.update(piece.getData());
      }
      default -> {}
    }
  }

  synchronized Map<String, ?> facts() {
    String told = HexFormat.of().formatHex(end.getSha256().toByteArray());
    return Map.of(
        "file", Facts.of(file),
        "bytes", bytes,
        "exact", exact,
        "sha256", hash.hex(),
        "end", Map.of("bytes", end.getBytes(), "sha256", told));
  }
}
