package dev.runlet.driver;

import dev.runlet.v1.OutputRange;
import dev.runlet.v1.OutputStream;
import dev.runlet.v1.OutputTotal;
import dev.runlet.v1.ProcessEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Has had some of the events of a process, from one stream or several. */
final class Reader {
  private final List<String> kinds = new ArrayList<>();
  private final Map<String, Output> streams = new TreeMap<>();
  private long lastSeq;
  private long total;
  private boolean inOrder = true;
  private Map<String, ?> exited;
  private Map<String, ?> closed;

  synchronized long lastSeq() {
    return lastSeq;
  }

  /** Records events; tells when the bytes of output have become as many as asked for. */
  synchronized void take(List<ProcessEvent> events, Command call) {
    long before = total;
    for (ProcessEvent event : events) {
      String kind = event.getEventCase().name().toLowerCase();
      record(event);
      if (kinds.isEmpty() || !kinds.get(kinds.size() - 1).equals(kind)) {
        kinds.add(kind);
      }
      if (!event.hasOutput()) {
        call.note(Map.of("kind", kind));
      }
    }
    long notify = call.number("notify_bytes");
    if (before < notify && notify <= total) {
      call.note(Map.of("bytes", total));
    }
  }

  synchronized Map<String, ?> facts() {
    Map<String, Object> outputs = new TreeMap<>();
    streams.forEach((name, output) -> outputs.put(name, output.facts()));
    Map<String, Object> facts = new TreeMap<>();
    facts.put("kinds", List.copyOf(kinds));
    facts.put("last_seq", lastSeq);
    facts.put("in_order", inOrder);
    facts.put("streams", outputs);
    facts.put("exited", exited);
    facts.put("closed", closed);
    return facts;
  }

  private void record(ProcessEvent event) {
    // A gap has the number of the last event that it stands for.
    boolean follows = event.getSeq() == lastSeq + 1;
    inOrder = inOrder && (follows || event.hasGap() && event.getSeq() > lastSeq);
    lastSeq = event.getSeq();
    switch (event.getEventCase()) {
      case OUTPUT -> {
        total += event.getOutput().getData().size();
        stream(event.getOutput().getStream()).append(event.getOutput());
      }
      case GAP -> {
        for (OutputRange lost : event.getGap().getRangesList()) {
          stream(lost.getStream()).skip(lost);
        }
      }
      case EXITED ->
          exited = Facts.ofEnd(event.getExited().getStatus(), event.getExited().getReason());
      case CLOSED -> {
        Map<String, Object> totals = new TreeMap<>();
        for (OutputTotal written : event.getClosed().getTotalsList()) {
          totals.put(nameOf(written.getStream()), written.getBytes());
        }
        closed =
            Map.of("output_complete", event.getClosed().getOutputComplete(), "totals", totals);
      }
      default -> {}
    }
  }

  private Output stream(OutputStream stream) {
    return streams.computeIfAbsent(nameOf(stream), name -> new Output());
  }

  /** Says stdout, stderr or terminal. */
  private static String nameOf(OutputStream stream) {
    return stream.name().replace("OUTPUT_STREAM_", "").toLowerCase();
  }
}
