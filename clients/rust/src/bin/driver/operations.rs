//! What the driver can be told to do; each operation returns facts.

use runlet_client::v1::interact_request::Request as Interaction;
use runlet_client::v1::session_event::Event;
use runlet_client::v1::{
    AcknowledgeOutputRequest, AttachMode, AttachSessionRequest, CloseSessionRequest,
    CreateSessionRequest, GetProcessRequest, InteractRequest, InteractStdin, ReadProcessRequest,
    ResizeTerminalRequest, Signal, SignalProcessRequest, StreamStdinRequest,
    TerminateProcessRequest, WaitProcessRequest, WatchProcessRequest, WriteStdinRequest,
};
use serde_json::{Value, json};
use tonic::Status;

use crate::command::Call;
use crate::facts::of_process;
use crate::files;
use crate::network;

/// What is told of an operation, or how it failed.
pub type Facts = Result<Value, Status>;

pub async fn perform(call: Call) -> Facts {
    match call.text("op").as_str() {
        "create" => create(call).await,
        "close" => close(call).await,
        "attach" => attach(call).await,
        "start" => start(call).await,
        "get" => get(call).await,
        "wait" => wait(call).await,
        "watch" => watch(call).await,
        "read" => read(call).await,
        "write" => write(call).await,
        "stream" => stream(call).await,
        "interact" => interact(call).await,
        "signal" => signal(call).await,
        "terminate" => terminate(call).await,
        "resize" => resize(call).await,
        "list_files" => files::list_files(call).await,
        "upload" => files::upload(call).await,
        "get_upload" => files::get_upload(call).await,
        "download" => files::download(call).await,
        "connect" => network::connect(call).await,
        "request" => network::request(call).await,
        op => Err(Status::unimplemented(format!("no such operation: {op}"))),
    }
}

async fn create(call: Call) -> Facts {
    let request = CreateSessionRequest { session_id: call.session_id(), ..Default::default() };
    let answer = call.sessions().create_session(request).await?.into_inner();
    Ok(json!({"session_id": answer.session.unwrap_or_default().session_id}))
}

async fn close(call: Call) -> Facts {
    let request = CloseSessionRequest { session_id: call.session_id() };
    call.sessions().close_session(request).await?;
    Ok(json!({}))
}

async fn attach(call: Call) -> Facts {
    let request = AttachSessionRequest {
        session_id: call.session_id(),
        mode: AttachMode::from_str_name(&call.text("mode")).unwrap_or_default().into(),
        holder_id: call.text("holder_id"),
        attempt: call.number("attempt"),
    };
    let mut answers = call.sessions().attach_session(request).await?.into_inner();
    while let Some(answer) = answers.message().await? {
        match answer.event.and_then(|event| event.event) {
            Some(Event::Attached(attached)) => {
                let ids: Vec<_> =
                    attached.processes.iter().map(|process| &process.process_id).collect();
                call.note(json!({"attachment_id": attached.attachment_id, "process_ids": ids}));
            }
            Some(Event::ProcessClosed(closed)) => {
                call.note(json!({"closed": closed.process.unwrap_or_default().process_id}));
            }
            Some(Event::ProcessEvicted(evicted)) => {
                call.note(json!({"evicted": evicted.process_id}));
            }
            _ => {}
        }
    }
    Ok(json!({}))
}

async fn start(call: Call) -> Facts {
    let answer = call.processes().start_process(call.start_request()).await?;
    Ok(of_process(answer.into_inner().process))
}

async fn get(call: Call) -> Facts {
    let request = GetProcessRequest {
        session_id: call.session_id(),
        process_id: call.process_id(),
        attachment_id: call.attachment_id(),
    };
    let answer = call.processes().get_process(request).await?;
    Ok(of_process(answer.into_inner().process))
}

async fn wait(call: Call) -> Facts {
    let request = WaitProcessRequest {
        session_id: call.session_id(),
        process_id: call.process_id(),
        attachment_id: call.attachment_id(),
        ..Default::default()
    };
    let answer = call.processes().wait_process(request).await?;
    Ok(of_process(answer.into_inner().process))
}

async fn watch(call: Call) -> Facts {
    let request = WatchProcessRequest {
        session_id: call.session_id(),
        process_id: call.process_id(),
        attachment_id: call.attachment_id(),
        after_seq: call.last_seq(),
        reader_id: call.text("reader_id"),
    };
    let acknowledges = !request.reader_id.is_empty();
    let mut answers = call.processes().watch_process(request).await?.into_inner();
    while let Some(answer) = answers.message().await? {
        let is_heartbeat = answer.events.is_empty();
        call.take(answer.events);
        if acknowledges && !is_heartbeat {
            // Where the connection broke, the stream tells, too; the next one says more.
            let _ = call.processes().acknowledge_output(acknowledgment(&call)).await;
        }
    }
    Ok(call.reader.lock().unwrap().facts())
}

/// Says that what the reader has had need not be kept for it any more.
fn acknowledgment(call: &Call) -> AcknowledgeOutputRequest {
    AcknowledgeOutputRequest {
        session_id: call.session_id(),
        process_id: call.process_id(),
        attachment_id: call.attachment_id(),
        reader_id: call.text("reader_id"),
        seq: call.last_seq(),
        ..Default::default()
    }
}

async fn read(call: Call) -> Facts {
    let request = ReadProcessRequest {
        session_id: call.session_id(),
        process_id: call.process_id(),
        attachment_id: call.attachment_id(),
        after_seq: call.last_seq(),
        wait: call.milliseconds("wait_ms"),
        ..Default::default()
    };
    let answer = call.processes().read_process(request).await?.into_inner();
    call.take(answer.events);
    Ok(call.reader.lock().unwrap().facts())
}

async fn write(call: Call) -> Facts {
    let write = call.write();
    let request = WriteStdinRequest {
        session_id: call.session_id(),
        process_id: call.process_id(),
        attachment_id: call.attachment_id(),
        offset: write.offset,
        data: write.data,
        eof: write.eof,
    };
    let answer = call.processes().write_stdin(request).await?.into_inner();
    Ok(json!({"accepted_offset": answer.accepted_offset}))
}

async fn stream(call: Call) -> Facts {
    let target = (call.session_id(), call.process_id(), call.attachment_id());
    let requests = call.writes().into_iter().map(move |write| StreamStdinRequest {
        session_id: target.0.clone(),
        process_id: target.1.clone(),
        attachment_id: target.2.clone(),
        offset: write.offset,
        data: write.data,
        eof: write.eof,
    });
    let answer = call.processes().stream_stdin(tokio_stream::iter(requests)).await?.into_inner();
    Ok(json!({"accepted_offset": answer.accepted_offset}))
}

async fn interact(call: Call) -> Facts {
    let start = std::iter::once(Interaction::Start(call.start_request()));
    let writes = call.writes().into_iter().map(|write| {
        Interaction::Stdin(InteractStdin { offset: write.offset, data: write.data, eof: write.eof })
    });
    let requests = start.chain(writes).map(|request| InteractRequest { request: Some(request) });
    let mut answers = call.processes().interact(tokio_stream::iter(requests)).await?.into_inner();
    while let Some(answer) = answers.message().await? {
        call.take(answer.events);
    }
    Ok(call.reader.lock().unwrap().facts())
}

async fn signal(call: Call) -> Facts {
    let request = SignalProcessRequest {
        session_id: call.session_id(),
        process_id: call.process_id(),
        attachment_id: call.attachment_id(),
        signal: Signal::from_str_name(&call.text("signal")).unwrap_or_default().into(),
        scope: call.scope(),
    };
    call.processes().signal_process(request).await?;
    Ok(json!({}))
}

async fn terminate(call: Call) -> Facts {
    let request = TerminateProcessRequest {
        session_id: call.session_id(),
        process_id: call.process_id(),
        attachment_id: call.attachment_id(),
        grace: call.milliseconds("grace_ms"),
        scope: call.scope(),
    };
    let answer = call.processes().terminate_process(request).await?.into_inner();
    let mut facts = of_process(answer.process);
    facts["was_running"] = answer.was_running.into();
    Ok(facts)
}

async fn resize(call: Call) -> Facts {
    let request = ResizeTerminalRequest {
        session_id: call.session_id(),
        process_id: call.process_id(),
        attachment_id: call.attachment_id(),
        size: call.size(),
    };
    call.processes().resize_terminal(request).await?;
    Ok(json!({}))
}
