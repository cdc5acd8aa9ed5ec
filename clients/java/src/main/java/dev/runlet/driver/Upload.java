package dev.runlet.driver;

import com.google.protobuf.ByteString;
import dev.runlet.v1.FileData;
import dev.runlet.v1.WriteFileFinish;
import dev.runlet.v1.WriteFileOpen;
import dev.runlet.v1.WriteFileRequest;
import dev.runlet.v1.WriteFileResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Sends a file, a piece whenever the connection takes one. */
final class Upload implements ClientResponseObserver<WriteFileRequest, WriteFileResponse> {
  private static final int PIECE_BYTES = 256 * 1024;

  private final CompletableFuture<WriteFileResponse> end = new CompletableFuture<>();
  private final WriteFileOpen open;
  private final InputStream source;
  private ClientCallStreamObserver<WriteFileRequest> requests;
  private WriteFileResponse answer;
  private long offset;
  private boolean opened;
  private boolean finished;

  /** Sends what is left of a source, whose next byte is at an offset. */
  Upload(WriteFileOpen open, InputStream source, long offset) {
    this.open = open;
    this.source = source;
    this.offset = offset;
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<WriteFileRequest> requests) {
    this.requests = requests;
    requests.setOnReadyHandler(this::send);
  }

  @Override
  public void onNext(WriteFileResponse answer) {
    this.answer = answer;
  }

  @Override
  public void onError(Throwable cause) {
    Status status = Status.fromThrowable(cause);
    end.completeExceptionally(status.asRuntimeException(Status.trailersFromThrowable(cause)));
  }

  @Override
  public void onCompleted() {
    end.complete(answer);
  }

  /** The answer, once the call is over. */
  WriteFileResponse answer() {
    try {
      return end.join();
    } catch (CompletionException error) {
      if (error.getCause() instanceof StatusRuntimeException cause) {
        throw cause;
      }
      throw error;
    }
  }

  private void send() {
    while (requests.isReady() && !finished) {
      try {
        requests.onNext(next());
      } catch (IOException error) {
        finished = true;
        requests.cancel("the file cannot be read", error);
        return;
      }
      if (finished) {
        requests.onCompleted();
      }
    }
  }

  private WriteFileRequest next() throws IOException {
    WriteFileRequest.Builder request = WriteFileRequest.newBuilder();
    if (!opened) {
      opened = true;
      return request.setOpen(open).build();
    }
    ByteString data = ByteString.copyFrom(source.readNBytes(PIECE_BYTES));
    if (data.isEmpty()) {
      finished = true;
      return request.setFinish(WriteFileFinish.getDefaultInstance()).build();
    }
    request.setData(FileData.newBuilder().setOffset(offset).setData(data));
    offset += data.size();
    return request.build();
  }
}
