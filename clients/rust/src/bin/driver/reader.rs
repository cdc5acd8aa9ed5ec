//! Reads the events of a process, from one stream or several.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use runlet_client::v1::process_event::Event;
use runlet_client::v1::{OutputRange, OutputStream, ProcessEvent, ProcessOutput};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::facts::{hex, of_end};

/// Output up to this size is reported itself, beside its hash.
const SMALL_BYTES: u64 = 4096;

/// Has had some of the events of a process.
pub struct Reader {
    pub last_seq: u64,
    in_order: bool,
    total: u64,
    kinds: Vec<&'static str>,
    streams: BTreeMap<String, Output>,
    exited: Value,
    closed: Value,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            last_seq: 0,
            in_order: true,
            total: 0,
            kinds: Vec::new(),
            streams: BTreeMap::new(),
            exited: Value::Null,
            closed: Value::Null,
        }
    }
}

/// What was had of one stream of output.
struct Output {
    bytes: u64,
    missing: u64,
    exact: bool,
    hash: Sha256,
    small: Vec<u8>,
}

impl Default for Output {
    fn default() -> Self {
        Self { bytes: 0, missing: 0, exact: true, hash: Sha256::new(), small: Vec::new() }
    }
}

impl Output {
    fn append(&mut self, had: &ProcessOutput) {
        self.exact &= had.offset == self.bytes + self.missing;
        self.bytes += had.data.len() as u64;
        self.hash.update(&had.data);
        if self.bytes <= SMALL_BYTES {
            self.small.extend_from_slice(&had.data);
        }
    }

    fn skip(&mut self, lost: &OutputRange) {
        self.exact &= lost.offset == self.bytes + self.missing;
        self.missing += lost.length;
    }

    fn facts(&self) -> Value {
        let mut facts = json!({"bytes": self.bytes, "missing": self.missing});
        facts["exact"] = self.exact.into();
        facts["sha256"] = hex(&self.hash.clone().finalize()).into();
        if self.bytes <= SMALL_BYTES {
            facts["data"] = BASE64_STANDARD.encode(&self.small).into();
        }
        facts
    }
}

impl Reader {
    /// Records events. Returns what is to be told of them: each that is no output, and
    /// when the bytes of output have become as many as asked for.
    pub fn take(&mut self, events: Vec<ProcessEvent>, notify_bytes: u64) -> Vec<Value> {
        let mut notes = Vec::new();
        let before = self.total;
        for event in events {
            let kind = self.record(event);
            if self.kinds.last() != Some(&kind) {
                self.kinds.push(kind);
            }
            if kind != "output" {
                notes.push(json!({"kind": kind}));
            }
        }
        if before < notify_bytes && notify_bytes <= self.total {
            notes.push(json!({"bytes": self.total}));
        }
        notes
    }

    pub fn facts(&self) -> Value {
        let streams: BTreeMap<_, _> =
            self.streams.iter().map(|(name, output)| (name, output.facts())).collect();
        json!({
            "kinds": self.kinds,
            "last_seq": self.last_seq,
            "in_order": self.in_order,
            "streams": streams,
            "exited": self.exited,
            "closed": self.closed,
        })
    }

    fn record(&mut self, event: ProcessEvent) -> &'static str {
        // A gap has the number of the last event that it stands for.
        let gap = matches!(event.event, Some(Event::Gap(_)));
        self.in_order &= event.seq == self.last_seq + 1 || gap && event.seq > self.last_seq;
        self.last_seq = event.seq;
        match event.event {
            Some(Event::Started(_)) => "started",
            Some(Event::Output(output)) => {
                self.total += output.data.len() as u64;
                self.stream(output.stream).append(&output);
                "output"
            }
            Some(Event::Gap(gap)) => {
                gap.ranges.iter().for_each(|lost| self.stream(lost.stream).skip(lost));
                "gap"
            }
            Some(Event::StdinClosed(_)) => "stdin_closed",
            Some(Event::Resized(_)) => "resized",
            Some(Event::Exited(exited)) => {
                self.exited = of_end(exited.status, exited.reason);
                "exited"
            }
            Some(Event::Closed(closed)) => {
                let totals: BTreeMap<_, _> = closed
                    .totals
                    .iter()
                    .map(|total| (name_of(total.stream), total.bytes))
                    .collect();
                self.closed = json!({"output_complete": closed.output_complete, "totals": totals});
                "closed"
            }
            None => "unknown",
        }
    }

    fn stream(&mut self, stream: i32) -> &mut Output {
        self.streams.entry(name_of(stream)).or_default()
    }
}

/// Says stdout, stderr or terminal.
fn name_of(stream: i32) -> String {
    let name = OutputStream::try_from(stream).unwrap_or_default().as_str_name();
    name.trim_start_matches("OUTPUT_STREAM_").to_lowercase()
}
