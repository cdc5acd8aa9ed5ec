package dev.runlet.driver;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.protobuf.ByteString;
import dev.runlet.v1.ConnectRequest;
import dev.runlet.v1.ConnectResponse;
import dev.runlet.v1.HttpHeader;
import dev.runlet.v1.HttpRequestEnd;
import dev.runlet.v1.HttpRequestHead;
import dev.runlet.v1.HttpResponseEnd;
import dev.runlet.v1.HttpResponseHead;
import dev.runlet.v1.RequestRequest;
import dev.runlet.v1.RequestResponse;
import dev.runlet.v1.TunnelEnded;
import dev.runlet.v1.TunnelEof;
import dev.runlet.v1.TunnelOpen;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The operations on the network. */
final class NetworkOperations {
  private NetworkOperations() {}

  /** What came of a stream: the kinds of its messages, and all of the bytes. */
  private static final class Received {
    private final List<String> kinds = new ArrayList<>();
    private ByteString data = ByteString.EMPTY;

    void take(String kind, ByteString bytes) {
      if (kinds.isEmpty() || !kinds.get(kinds.size() - 1).equals(kind)) {
        kinds.add(kind);
      }
      data = data.concat(bytes);
    }

    /** Puts in what is told of every stream. */
    void tell(Map<String, Object> facts) {
      facts.put("kinds", kinds);
      facts.put("data", Base64.getEncoder().encodeToString(data.toByteArray()));
    }
  }

  static Map<String, ?> connect(Command call) {
    Received received = new Received();
    Map<String, Object> facts = new TreeMap<>();
    Answers<ConnectResponse> answers =
        new Answers<>(
            answer -> {
              switch (answer.getResponseCase()) {
                case OPENED -> {
                  received.take("opened", ByteString.EMPTY);
                  facts.put("peer", answer.getOpened().getPeer());
                }
                case DATA -> received.take("data", answer.getData());
                case EOF -> received.take("eof", ByteString.EMPTY);
                case END -> {
                  received.take("end", ByteString.EMPTY);
                  facts.put("end", factsOf(answer.getEnd()));
                }
                default -> {}
              }
            });
    StreamObserver<ConnectRequest> requests = call.tunnels().connect(answers);
    TunnelOpen open =
        TunnelOpen.newBuilder()
            .setSessionId(call.sessionId())
            .setAttachmentId(call.attachmentId())
            .setHost(call.text("host"))
            .setPort((int) call.number("port"))
            .build();
    requests.onNext(ConnectRequest.newBuilder().setOpen(open).build());
    if (call.has("data")) {
      requests.onNext(ConnectRequest.newBuilder().setData(call.bytes("data")).build());
    }
    requests.onNext(ConnectRequest.newBuilder().setEof(TunnelEof.getDefaultInstance()).build());
    requests.onCompleted();
    answers.last();
    received.tell(facts);
    return facts;
  }

  static Map<String, ?> request(Command call) {
    Received received = new Received();
    Map<String, Object> facts = new TreeMap<>();
    Answers<RequestResponse> answers =
        new Answers<>(
            answer -> {
              switch (answer.getResponseCase()) {
                case HEAD -> {
                  received.take("head", ByteString.EMPTY);
                  tell(answer.getHead(), facts);
                }
                case BODY -> received.take("body", answer.getBody());
                case END -> {
                  received.take("end", ByteString.EMPTY);
                  tell(answer.getEnd(), facts);
                }
                default -> {}
              }
            });
    StreamObserver<RequestRequest> requests = call.http().request(answers);
    HttpRequestHead.Builder head =
        HttpRequestHead.newBuilder()
            .setSessionId(call.sessionId())
            .setAttachmentId(call.attachmentId())
            .setMethod(call.text("method"))
            .setUrl(call.text("url"));
    for (JsonElement each : call.each("headers")) {
      JsonArray pair = each.getAsJsonArray();
      head.addHeaders(
          HttpHeader.newBuilder()
              .setName(pair.get(0).getAsString())
              .setValue(ByteString.copyFromUtf8(pair.get(1).getAsString())));
    }
    requests.onNext(RequestRequest.newBuilder().setHead(head).build());
    for (JsonElement piece : call.each("pieces")) {
      byte[] body = Base64.getDecoder().decode(piece.getAsString());
      requests.onNext(RequestRequest.newBuilder().setBody(ByteString.copyFrom(body)).build());
    }
    HttpRequestEnd end = HttpRequestEnd.getDefaultInstance();
    requests.onNext(RequestRequest.newBuilder().setEnd(end).build());
    requests.onCompleted();
    answers.last();
    received.tell(facts);
    return facts;
  }

  private static Map<String, ?> factsOf(TunnelEnded end) {
    return Map.of(
        "kind", end.getKind().name(),
        "sent_bytes", end.getSentBytes(),
        "received_bytes", end.getReceivedBytes());
  }

  private static void tell(HttpResponseHead head, Map<String, Object> facts) {
    facts.put("status", head.getStatus());
    facts.put("headers", pairsOf(head.getHeadersList()));
    facts.put("final_url", head.getFinalUrl());
    facts.put("http_version", head.getHttpVersion());
  }

  private static void tell(HttpResponseEnd end, Map<String, Object> facts) {
    facts.put("trailers", pairsOf(end.getTrailersList()));
    facts.put("truncated", end.getTruncated());
  }

  private static List<List<String>> pairsOf(List<HttpHeader> headers) {
    return headers.stream()
        .map(header -> List.of(header.getName(), header.getValue().toStringUtf8()))
        .toList();
  }
}
