//! The operations on the network.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use runlet_client::v1::connect_request::Request as Sent;
use runlet_client::v1::connect_response::Response as Came;
use runlet_client::v1::request_request::Request as Asked;
use runlet_client::v1::request_response::Response as Answered;
use runlet_client::v1::{
    ConnectRequest, HttpHeader, HttpRequestEnd, HttpRequestHead, HttpResponseEnd,
    HttpResponseHead, RequestRequest, TunnelEnd, TunnelEnded, TunnelEof, TunnelOpen,
};
use serde_json::{Value, json};

use crate::command::Call;
use crate::operations::Facts;

/// What came of a stream: the kinds of its messages, and all of the bytes.
#[derive(Default)]
struct Received {
    kinds: Vec<&'static str>,
    data: Vec<u8>,
}

impl Received {
    fn take(&mut self, kind: &'static str, data: &[u8]) {
        if self.kinds.last() != Some(&kind) {
            self.kinds.push(kind);
        }
        self.data.extend_from_slice(data);
    }

    fn data(&self) -> String {
        BASE64_STANDARD.encode(&self.data)
    }
}

pub async fn connect(call: Call) -> Facts {
    let open = TunnelOpen {
        session_id: call.session_id(),
        attachment_id: call.attachment_id(),
        host: call.text("host"),
        port: call.number("port") as u32,
        ..Default::default()
    };
    let mut sent = vec![Sent::Open(open)];
    let data = call.bytes("data");
    if !data.is_empty() {
        sent.push(Sent::Data(data));
    }
    sent.push(Sent::Eof(TunnelEof {}));
    let requests = sent.into_iter().map(|request| ConnectRequest { request: Some(request) });
    let mut answers = call.tunnels().connect(tokio_stream::iter(requests)).await?.into_inner();
    let mut received = Received::default();
    let mut peer = String::new();
    let mut end = TunnelEnded::default();
    while let Some(answer) = answers.message().await? {
        match answer.response {
            Some(Came::Opened(opened)) => {
                received.take("opened", &[]);
                peer = opened.peer;
            }
            Some(Came::Data(data)) => received.take("data", &data),
            Some(Came::Eof(_)) => received.take("eof", &[]),
            Some(Came::End(ended)) => {
                received.take("end", &[]);
                end = ended;
            }
            None => {}
        }
    }
    let kind = TunnelEnd::try_from(end.kind).unwrap_or_default();
    Ok(json!({
        "kinds": received.kinds,
        "peer": peer,
        "data": received.data(),
        "end": {
            "kind": kind.as_str_name(),
            "sent_bytes": end.sent_bytes,
            "received_bytes": end.received_bytes,
        },
    }))
}

pub async fn request(call: Call) -> Facts {
    let head = HttpRequestHead {
        session_id: call.session_id(),
        attachment_id: call.attachment_id(),
        method: call.text("method"),
        url: call.text("url"),
        headers: call.each("headers", header),
        ..Default::default()
    };
    let mut sent = vec![Asked::Head(head)];
    sent.extend(call.each("pieces", |piece| {
        let text = piece.as_str().unwrap_or_default();
        Asked::Body(BASE64_STANDARD.decode(text).expect("base64"))
    }));
    sent.push(Asked::End(HttpRequestEnd {}));
    let requests = sent.into_iter().map(|request| RequestRequest { request: Some(request) });
    let mut answers = call.http().request(tokio_stream::iter(requests)).await?.into_inner();
    let mut received = Received::default();
    let mut head = HttpResponseHead::default();
    let mut end = HttpResponseEnd::default();
    while let Some(answer) = answers.message().await? {
        match answer.response {
            Some(Answered::Head(told)) => {
                received.take("head", &[]);
                head = told;
            }
            Some(Answered::Body(data)) => received.take("body", &data),
            Some(Answered::End(told)) => {
                received.take("end", &[]);
                end = told;
            }
            None => {}
        }
    }
    Ok(json!({
        "kinds": received.kinds,
        "status": head.status,
        "headers": pairs(&head.headers),
        "final_url": head.final_url,
        "http_version": head.http_version,
        "data": received.data(),
        "trailers": pairs(&end.trailers),
        "truncated": end.truncated,
    }))
}

fn header(pair: &Value) -> HttpHeader {
    let text = |i: usize| pair[i].as_str().unwrap_or_default().to_owned();
    HttpHeader { name: text(0), value: text(1).into_bytes() }
}

fn pairs(headers: &[HttpHeader]) -> Vec<Value> {
    headers
        .iter()
        .map(|HttpHeader { name, value }| json!([name, String::from_utf8_lossy(value)]))
        .collect()
}
