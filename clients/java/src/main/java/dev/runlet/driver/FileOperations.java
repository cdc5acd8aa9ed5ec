package dev.runlet.driver;

import dev.runlet.v1.GetUploadRequest;
import dev.runlet.v1.GetUploadResponse;
import dev.runlet.v1.ListDirectoryRequest;
import dev.runlet.v1.ListDirectoryResponse;
import dev.runlet.v1.ReadFileRequest;
import dev.runlet.v1.ReadFileResponse;
import dev.runlet.v1.WriteFileOpen;
import dev.runlet.v1.WriteFileResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** The operations on files. */
final class FileOperations {
  private FileOperations() {}

  static Map<String, ?> list(Command call) {
    ListDirectoryRequest request =
        ListDirectoryRequest.newBuilder()
            .setSessionId(call.sessionId())
            .setAttachmentId(call.attachmentId())
            .setPath(call.text("path"))
            .setRawPath(call.bytes("raw_path"))
            .build();
    List<Map<String, ?>> files = new ArrayList<>();
    Iterator<ListDirectoryResponse> answers = call.files().listDirectory(request);
    while (answers.hasNext()) {
      answers.next().getFilesList().forEach(file -> files.add(Facts.of(file)));
    }
    return Map.of("files", files);
  }

  static Map<String, ?> upload(Command call) {
    Path from = Path.of(call.text("from"));
    long offset = call.number("offset");
    try (InputStream source = Files.newInputStream(from)) {
      source.skipNBytes(offset);
      WriteFileOpen open =
          WriteFileOpen.newBuilder()
              .setSessionId(call.sessionId())
              .setAttachmentId(call.attachmentId())
              .setPath(call.text("path"))
              .setRawPath(call.bytes("raw_path"))
              .setUploadId(call.text("upload_id"))
              .setIfVersion(call.text("if_version"))
              .setSize(Files.size(from))
              .build();
      Upload upload = new Upload(open, source, offset);
      call.fileStreams().writeFile(upload);
      WriteFileResponse answer = upload.answer();
      String hash = HexFormat.of().formatHex(answer.getSha256().toByteArray());
      return Map.of("file", Facts.of(answer.getFile()), "sha256", hash);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  static Map<String, ?> getUpload(Command call) {
    GetUploadRequest request =
        GetUploadRequest.newBuilder()
            .setSessionId(call.sessionId())
            .setAttachmentId(call.attachmentId())
            .setUploadId(call.text("upload_id"))
            .build();
    GetUploadResponse answer = call.files().getUpload(request);
    return Map.of(
        "accepted_offset", answer.getAcceptedOffset(), "finished", answer.getFinished());
  }

  static Map<String, ?> download(Command call) {
    ReadFileRequest.Builder request =
        ReadFileRequest.newBuilder()
            .setSessionId(call.sessionId())
            .setAttachmentId(call.attachmentId())
            .setPath(call.text("path"))
            .setRawPath(call.bytes("raw_path"));
    call.download.resume(request);
    Iterator<ReadFileResponse> answers = call.files().readFile(request.build());
    while (answers.hasNext()) {
      call.download.take(answers.next());
    }
    return call.download.facts();
  }
}
