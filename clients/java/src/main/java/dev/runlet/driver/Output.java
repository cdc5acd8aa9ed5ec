package dev.runlet.driver;

import dev.runlet.v1.OutputRange;
import dev.runlet.v1.ProcessOutput;
import java.io.ByteArrayOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/** What was had of one stream of output. */
final class Output {
  /** Output up to this size is reported itself, beside its hash. */
  private static final int SMALL_BYTES = 4096;

  private final ByteArrayOutputStream small = new ByteArrayOutputStream();
  private final MessageDigest hash;
  private long bytes;
  private long missing;
  private boolean exact = true;

  Output() {
    try {
      hash = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException error) {
      // Every Java has it.
      throw new IllegalStateException(error);
    }
  }

  void append(ProcessOutput had) {
    exact = exact && had.getOffset() == bytes + missing;
    bytes += had.getData().size();
    hash.update(had.getData().asReadOnlyByteBuffer());
    if (bytes <= SMALL_BYTES) {
      small.writeBytes(had.getData().toByteArray());
    }
  }

  void skip(OutputRange lost) {
    exact = exact && lost.getOffset() == bytes + missing;
    missing += lost.getLength();
  }

  Map<String, ?> facts() {
    Map<String, Object> facts = new TreeMap<>();
    facts.put("bytes", bytes);
    facts.put("missing", missing);
    facts.put("exact", exact);
    facts.put("sha256", HexFormat.of().formatHex(copyOfHash().digest()));
    if (bytes <= SMALL_BYTES) {
      facts.put("data", Base64.getEncoder().encodeToString(small.toByteArray()));
    }
    return facts;
  }

  private MessageDigest copyOfHash() {
    try {
      return (MessageDigest) hash.clone();
    } catch (CloneNotSupportedException error) {
      throw new IllegalStateException(error);
    }
  }
}
