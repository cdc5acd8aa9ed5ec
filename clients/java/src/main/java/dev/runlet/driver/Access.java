package dev.runlet.driver;

import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.TlsChannelCredentials;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * How servers are reached, and what says who calls: the environment has it, in the variables of the
 * command line.
 */
final class Access {
  private static final String CA = System.getenv("RUNLET_CA");
  private static final String CERT = System.getenv("RUNLET_CERT");
  private static final String KEY = System.getenv("RUNLET_KEY");
  private static final String SERVER_NAME = System.getenv("RUNLET_SERVER_NAME");
  private static final String TOKEN = System.getenv("RUNLET_TOKEN");
  private static final String TOKEN_FILE = System.getenv("RUNLET_TOKEN_FILE");

  private Access() {}

  /** A connection, which is made with its first call. */
  static ManagedChannel connect(String address) {
    ManagedChannelBuilder<?> builder = Grpc.newChannelBuilder(address, credentials());
    if (SERVER_NAME != null) {
      builder.overrideAuthority(SERVER_NAME);
    }
    return builder.build();
  }

  /** What every call of a stub presents; null: nothing. */
  static BearerToken token() {
    if (TOKEN_FILE != null) {
      return new BearerToken(fileOf(TOKEN_FILE));
    }
    return TOKEN == null ? null : new BearerToken(() -> TOKEN);
  }

  private static ChannelCredentials credentials() {
    if (CA == null) {
      return InsecureChannelCredentials.create();
    }
    try {
      TlsChannelCredentials.Builder tls = TlsChannelCredentials.newBuilder();
      tls.trustManager(new File(CA));
      if (CERT != null) {
        tls.keyManager(new File(CERT), new File(KEY));
      }
      return tls.build();
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  /** Is read for each call, so that a token that was renewed is used from the next one on. */
  private static Supplier<String> fileOf(String path) {
    return () -> {
      try {
        return Files.readString(Path.of(path)).strip();
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    };
  }
}
