//! A command as it is read, and what of it goes into requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use prost_types::Duration;
use runlet_client::v1::file_service_client::FileServiceClient;
use runlet_client::v1::http_service_client::HttpServiceClient;
use runlet_client::v1::process_service_client::ProcessServiceClient;
use runlet_client::v1::session_service_client::SessionServiceClient;
use runlet_client::v1::tunnel_service_client::TunnelServiceClient;
use runlet_client::v1::{
    OutputPolicy, Overflow, ProcessSpec, Sandbox, SandboxAccess, SandboxPlace, SandboxRule,
    SignalScope, StartProcessRequest, StdinMode, Terminal, TerminalSize,
};
use serde_json::{Value, json};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::access;
use crate::download::Download;
use crate::reader::Reader;

/// Puts the session's id into the header that proxies route by, and presents the token.
#[derive(Clone)]
pub struct Headers(MetadataValue<Ascii>);

impl Interceptor for Headers {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("runlet-session-id", self.0.clone());
        if let Some(token) = access::authorization()? {
            request.metadata_mut().insert("authorization", token);
        }
        Ok(request)
    }
}

type Service = InterceptedService<Channel, Headers>;

/// A command that is being performed. Which fields count depends on the operation.
pub struct Call {
    pub reader: Arc<Mutex<Reader>>,
    pub download: Arc<Mutex<Download>>,
    json: Value,
    channel: Channel,
}

/// A write to stdin.
pub struct Write {
    pub offset: Option<u64>,
    pub data: Vec<u8>,
    pub eof: bool,
}

impl Call {
    pub fn new(
        json: Value,
        channel: Channel,
        reader: Arc<Mutex<Reader>>,
        download: Arc<Mutex<Download>>,
    ) -> Self {
        Self { reader, download, json, channel }
    }

    pub fn sessions(&self) -> SessionServiceClient<Service> {
        SessionServiceClient::with_interceptor(self.channel.clone(), self.headers())
    }

    pub fn processes(&self) -> ProcessServiceClient<Service> {
        ProcessServiceClient::with_interceptor(self.channel.clone(), self.headers())
    }

    pub fn files(&self) -> FileServiceClient<Service> {
        FileServiceClient::with_interceptor(self.channel.clone(), self.headers())
    }

    pub fn http(&self) -> HttpServiceClient<Service> {
        HttpServiceClient::with_interceptor(self.channel.clone(), self.headers())
    }

    pub fn tunnels(&self) -> TunnelServiceClient<Service> {
        TunnelServiceClient::with_interceptor(self.channel.clone(), self.headers())
    }

    fn headers(&self) -> Headers {
        let header = self.json["header"]
            .as_str()
            .unwrap_or(self.json["session_id"].as_str().unwrap_or_default());
        Headers(header.parse().expect("a header's value"))
    }

    pub fn note(&self, fact: Value) {
        println!("{}", json!({"id": self.json["id"], "note": fact}));
    }

    /// Reads events, and tells of them.
    pub fn take(&self, events: Vec<runlet_client::v1::ProcessEvent>) {
        let notify_bytes = self.number("notify_bytes");
        let notes = self.reader.lock().unwrap().take(events, notify_bytes);
        notes.into_iter().for_each(|note| self.note(note));
    }

    pub fn text(&self, name: &str) -> String {
        text(&self.json, name)
    }

    pub fn session_id(&self) -> String {
        self.text("session_id")
    }

    pub fn process_id(&self) -> String {
        self.text("process_id")
    }

    pub fn attachment_id(&self) -> String {
        self.text("attachment_id")
    }

    pub fn last_seq(&self) -> u64 {
        self.reader.lock().unwrap().last_seq
    }

    pub fn number(&self, name: &str) -> u64 {
        self.json[name].as_u64().unwrap_or_default()
    }

    /// Bytes that are given in base64.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        BASE64_STANDARD.decode(self.text(name)).expect("base64")
    }

    /// A duration that is given in milliseconds.
    pub fn milliseconds(&self, name: &str) -> Option<Duration> {
        milliseconds(&self.json[name])
    }

    pub fn scope(&self) -> i32 {
        SignalScope::from_str_name(&self.text("scope")).unwrap_or_default().into()
    }

    pub fn size(&self) -> Option<TerminalSize> {
        Some(size(&self.json))
    }

    pub fn write(&self) -> Write {
        write(&self.json)
    }

    pub fn writes(&self) -> Vec<Write> {
        self.json["writes"].as_array().into_iter().flatten().map(write).collect()
    }

    /// What an array has, each as it is read.
    pub fn each<T>(&self, name: &str, read: impl Fn(&Value) -> T) -> Vec<T> {
        self.json[name].as_array().into_iter().flatten().map(read).collect()
    }

    pub fn start_request(&self) -> StartProcessRequest {
        let given = &self.json["spec"];
        let env: HashMap<String, String> = given["env"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect();
        let argv = given["argv"].as_array().into_iter().flatten();
        let terminal = &given["terminal"];
        let stdin = StdinMode::from_str_name(&text(given, "stdin")).unwrap_or_default();
        let overflow = Overflow::from_str_name(&text(given, "overflow")).unwrap_or_default();
        StartProcessRequest {
            session_id: self.session_id(),
            process_id: self.process_id(),
            attachment_id: self.attachment_id(),
            request_id: self.text("request_id"),
            spec: Some(ProcessSpec {
                argv: argv.filter_map(Value::as_str).map(str::to_owned).collect(),
                cwd: text(given, "cwd"),
                env,
                stdin: stdin.into(),
                terminal: terminal
                    .is_object()
                    .then(|| Terminal { size: Some(size(terminal)), ..Default::default() }),
                output: Some(OutputPolicy {
                    retained_bytes: given["retained_bytes"].as_u64().unwrap_or_default(),
                    overflow: overflow.into(),
                }),
                retention: milliseconds(&given["retention_ms"]),
                sandbox: given["writable"].as_array().map(|paths| sandbox_with(paths)),
                ..Default::default()
            }),
        }
    }
}

/// A sandbox in which programs run, and these paths can be changed.
fn sandbox_with(writable: &[Value]) -> Sandbox {
    let platform = SandboxRule {
        place: SandboxPlace::Platform.into(),
        access: SandboxAccess::Read.into(),
        ..Default::default()
    };
    let rules = writable.iter().filter_map(Value::as_str).map(|path| SandboxRule {
        path: path.to_owned(),
        access: SandboxAccess::Write.into(),
        ..Default::default()
    });
    Sandbox { rules: std::iter::once(platform).chain(rules).collect(), ..Default::default() }
}

fn text(json: &Value, name: &str) -> String {
    json[name].as_str().unwrap_or_default().to_owned()
}

fn size(json: &Value) -> TerminalSize {
    let number = |name: &str| json[name].as_u64().unwrap_or_default() as u32;
    TerminalSize { columns: number("columns"), rows: number("rows") }
}

fn write(json: &Value) -> Write {
    Write {
        offset: json["offset"].as_u64(),
        data: BASE64_STANDARD.decode(text(json, "data")).expect("base64"),
        eof: json["eof"].as_bool().unwrap_or_default(),
    }
}

fn milliseconds(json: &Value) -> Option<Duration> {
    json.as_i64()
        .map(|value| Duration { seconds: value / 1000, nanos: (value % 1000) as i32 * 1_000_000 })
}
