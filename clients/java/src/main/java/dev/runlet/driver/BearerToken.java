package dev.runlet.driver;

import io.grpc.CallCredentials;
import io.grpc.Metadata;
import io.grpc.SecurityLevel;
import io.grpc.Status;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/** Presents a token with every call of a stub, over TLS alone. */
final class BearerToken extends CallCredentials {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final Supplier<String> source;

  /** The source is asked for each call. */
  BearerToken(Supplier<String> source) {
    this.source = source;
  }

  @Override
  public void applyRequestMetadata(RequestInfo call, Executor executor, MetadataApplier applier) {
    if (call.getSecurityLevel() != SecurityLevel.PRIVACY_AND_INTEGRITY) {
      applier.fail(Status.UNAUTHENTICATED.withDescription("a token is not sent without TLS"));
      return;
    }
    executor.execute(
        () -> {
          Metadata headers = new Metadata();
          try {
            headers.put(AUTHORIZATION, "Bearer " + source.get());
          } catch (RuntimeException error) {
            applier.fail(Status.UNAVAILABLE.withDescription("there is no token").withCause(error));
            return;
          }
          applier.apply(headers);
        });
  }
}
