package dev.runlet.driver;

import dev.runlet.v1.OutputRange;
import dev.runlet.v1.ProcessOutput;
import java.io.ByteArrayOutputStream;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;

/** What was had of one stream of output. */
final class Output {
  /** Output up to this size is reported itself, beside its hash. */
  private static final int SMALL_BYTES = 4096;

  private final ByteArrayOutputStream small = new ByteArrayOutputStream();
  private final Hash hash = new Hash();
  private long bytes;
  private long missing;
  private boolean exact = true;

  void append(ProcessOutput had) {
    exact = exact && had.getOffset() == bytes + missing;
    bytes += had.getData().size();
    hash.update(had.getData());
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
    facts.put("sha256", hash.hex());
    if (bytes <= SMALL_BYTES) {
      facts.put("data", Base64.getEncoder().encodeToString(small.toByteArray()));
    }
    return facts;
  }
}
