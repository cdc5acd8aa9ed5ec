//! Shows what a client of runlet does: it survives a broken connection without losing or
//! doubling anything. The argument is a server's address, 127.0.0.1:50051 by default.

use prost::Message;
use prost_types::Duration;
use runlet_client::v1::process_event::Event;
use runlet_client::v1::process_service_client::ProcessServiceClient;
use runlet_client::v1::session_service_client::SessionServiceClient;
use runlet_client::v1::*;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_types::{StatusExt, pb};
use uuid::Uuid;

type End = fn(&Event) -> bool;

/// Works in one session, over one connection after the other.
struct Client {
    session: String,
    holder: String,
    attempt: u64,
    attachment: String,
    sessions: SessionServiceClient<Channel>,
    processes: ProcessServiceClient<Channel>,
}

impl Client {
    fn new(channel: Channel) -> Self {
        Self {
            // From a cryptographic source: nobody else can guess the session.
            session: Uuid::new_v4().to_string(),
            holder: Uuid::new_v4().to_string(),
            attempt: 0,
            attachment: String::new(),
            sessions: SessionServiceClient::new(channel.clone()),
            processes: ProcessServiceClient::new(channel),
        }
    }

    /// Repeats the session's id in a header, for proxies that route by it.
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let header = self.session.parse().expect("a UUID");
        request.metadata_mut().insert("runlet-session-id", header);
        request
    }

    /// Takes the session; again after a break, unless somebody else has it.
    async fn attach(&mut self) -> Result<(), Status> {
        self.attempt += 1;
        let mode = if self.attempt > 1 { AttachMode::Resume } else { AttachMode::TakeOver };
        let request = self.request(AttachSessionRequest {
            session_id: self.session.clone(),
            mode: mode.into(),
            holder_id: self.holder.clone(),
            attempt: self.attempt,
        });
        let mut events = self.sessions.attach_session(request).await?.into_inner();
        let first = events.message().await?.and_then(|answer| answer.event?.event);
        if let Some(session_event::Event::Attached(attached)) = first {
            self.attachment = attached.attachment_id;
        }
        println!("attached as attempt {}", self.attempt);
        // The session is attached as long as the stream is open and read.
        tokio::spawn(async move { while let Ok(Some(_)) = events.message().await {} });
        Ok(())
    }

    /// Starts a process and returns its pid.
    async fn start(&mut self, id: &str, spec: ProcessSpec) -> Result<i64, Status> {
        let request = self.request(StartProcessRequest {
            session_id: self.session.clone(),
            process_id: id.into(),
            attachment_id: self.attachment.clone(),
            request_id: format!("{id}-1"),
            spec: Some(spec),
        });
        let answer = self.processes.start_process(request).await?.into_inner();
        Ok(answer.process.unwrap_or_default().pid)
    }

    /// Says where its data belongs, so that a retry is not doubled.
    async fn write(&mut self, id: &str, offset: u64, data: &str) -> Result<(), Status> {
        let request = self.request(WriteStdinRequest {
            session_id: self.session.clone(),
            process_id: id.into(),
            attachment_id: self.attachment.clone(),
            offset: Some(offset),
            data: data.into(),
            eof: false,
        });
        self.processes.write_stdin(request).await.map(drop)
    }

    /// Reads the events after `seq` until one is the end, and returns them.
    async fn watch(&mut self, id: &str, seq: u64, end: End) -> Result<Vec<ProcessEvent>, Status> {
        let request = self.request(WatchProcessRequest {
            session_id: self.session.clone(),
            process_id: id.into(),
            attachment_id: self.attachment.clone(),
            after_seq: seq,
            ..Default::default()
        });
        let mut answers = self.processes.watch_process(request).await?.into_inner();
        let mut events = Vec::new();
        while !events.iter().any(|event: &ProcessEvent| event.event.as_ref().is_some_and(end))
            && let Some(answer) = answers.message().await?
        {
            events.extend(answer.events);
        }
        Ok(events)
    }

    /// Reads a line of output after the event `seq`; keeps `seq` up to date.
    async fn read_line(&mut self, id: &str, seq: &mut u64) -> Result<String, Status> {
        let ends = |event: &Event| matches!(event, Event::Output(it) if it.data.ends_with(b"\n"));
        let mut line = Vec::new();
        for event in self.watch(id, *seq, ends).await? {
            *seq = event.seq;
            if let Some(Event::Output(output)) = event.event {
                line.extend(output.data);
            }
        }
        Ok(String::from_utf8_lossy(&line).trim().to_owned())
    }
}

/// Reads the typed details of a failed call.
fn print_error(error: &Status) -> Result<(), prost::DecodeError> {
    if let Some(info) = error.get_details_error_info() {
        println!("failed: {}", info.reason);
    }
    for detail in pb::Status::decode(error.details())?.details {
        if detail.type_url.ends_with("/runlet.v1.StartFailure") {
            let failure = StartFailure::decode(detail.value.as_slice())?;
            println!("because: {} {}", failure.stage().as_str_name(), failure.errno_name);
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:50051".into());
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
    let mut client = Client::new(endpoint.connect().await?);
    let detached_ttl = Some(Duration { seconds: 60, nanos: 0 });
    let session_id = client.session.clone();
    let create = CreateSessionRequest { session_id, detached_ttl, ..Default::default() };
    client.sessions.create_session(client.request(create)).await?;
    client.attach().await?;

    // Started twice with one request id, it runs once.
    let script = r#"while read -r line; do echo "got $line"; done"#;
    let argv = ["/bin/sh", "-c", script].map(String::from).to_vec();
    let echo = ProcessSpec { argv, stdin: StdinMode::Pipe.into(), ..Default::default() };
    let first = client.start("echo", echo.clone()).await?;
    println!("started once: {}", first == client.start("echo", echo).await?);

    let mut seq = 0;
    client.write("echo", 0, "one\n").await?;
    println!("read: {}", client.read_line("echo", &mut seq).await?);

    // The connection breaks, and nobody knows what the last write came to: repeat it.
    let channel = endpoint.connect().await?;
    client.sessions = SessionServiceClient::new(channel.clone());
    client.processes = ProcessServiceClient::new(channel);
    client.attach().await?;
    client.write("echo", 0, "one\n").await?;
    client.write("echo", 4, "two\n").await?;
    println!("read: {}", client.read_line("echo", &mut seq).await?);

    let request = client.request(TerminateProcessRequest {
        session_id: client.session.clone(),
        process_id: "echo".into(),
        attachment_id: client.attachment.clone(),
        ..Default::default()
    });
    client.processes.terminate_process(request).await?;
    for event in client.watch("echo", seq, |event| matches!(event, Event::Closed(_))).await? {
        if let Some(Event::Exited(exited)) = event.event {
            println!("ended: {}", exited.reason().as_str_name());
        }
    }

    let argv = vec!["/no/such/program".into()];
    if let Err(error) = client.start("missing", ProcessSpec { argv, ..Default::default() }).await {
        print_error(&error)?;
    }

    let argv = vec!["stty".into(), "size".into()];
    let size = TerminalSize { columns: 100, rows: 30 };
    let terminal = Some(Terminal { size: Some(size), term: String::new() });
    client.start("terminal", ProcessSpec { argv, terminal, ..Default::default() }).await?;
    println!("terminal: {}", client.read_line("terminal", &mut 0).await?);

    let close = CloseSessionRequest { session_id: client.session.clone() };
    client.sessions.close_session(client.request(close)).await?;
    Ok(())
}
