package dev.runlet.driver;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;

/** Receives the answers of a call that sends a stream, and waits for its end. */
final class Answers<T> implements StreamObserver<T> {
  private final Consumer<T> taker;
  private final CompletableFuture<T> end = new CompletableFuture<>();
  private T latest;

  Answers(Consumer<T> taker) {
    this.taker = taker;
  }

  @Override
  public void onNext(T answer) {
    latest = answer;
    taker.accept(answer);
  }

  @Override
  public void onError(Throwable cause) {
    Status status = Status.fromThrowable(cause);
    end.completeExceptionally(
        status.asRuntimeException(Status.trailersFromThrowable(cause)));
  }

  @Override
  public void onCompleted() {
    end.complete(latest);
  }

  /** The last answer, once the call is over. */
  T last() {
    try {
      return end.join();
    } catch (CompletionException error) {
      if (error.getCause() instanceof StatusRuntimeException cause) {
        throw cause;
      }
      throw error;
    }
  }
}
