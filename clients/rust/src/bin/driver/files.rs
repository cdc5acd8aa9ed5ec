//! The operations on files.

use runlet_client::v1::write_file_request::Request;
use runlet_client::v1::{
    FileData, GetUploadRequest, ListDirectoryRequest, ReadFileRequest, WriteFileFinish,
    WriteFileOpen, WriteFileRequest,
};
use serde_json::json;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::command::Call;
use crate::facts::{hex, of_file};
use crate::operations::Facts;

/// Bytes of a piece of an upload.
const PIECE_BYTES: usize = 256 * 1024;

/// Pieces that may wait to be sent.
const PIECES_AHEAD: usize = 2;

pub async fn list_files(call: Call) -> Facts {
    let request = ListDirectoryRequest {
        session_id: call.session_id(),
        attachment_id: call.attachment_id(),
        path: call.text("path"),
        raw_path: call.bytes("raw_path"),
        ..Default::default()
    };
    let mut answers = call.files().list_directory(request).await?.into_inner();
    let mut files = Vec::new();
    while let Some(answer) = answers.message().await? {
        files.extend(answer.files.iter().map(of_file));
    }
    Ok(json!({"files": files}))
}

pub async fn upload(call: Call) -> Facts {
    let mut source = File::open(call.text("from")).await?;
    let open = WriteFileOpen {
        session_id: call.session_id(),
        attachment_id: call.attachment_id(),
        path: call.text("path"),
        raw_path: call.bytes("raw_path"),
        upload_id: call.text("upload_id"),
        if_version: call.text("if_version"),
        size: Some(source.metadata().await?.len()),
        ..Default::default()
    };
    let offset = call.number("offset");
    source.seek(std::io::SeekFrom::Start(offset)).await?;
    let (sender, requests) = channel(PIECES_AHEAD);
    let sent = tokio::spawn(send(sender, open, source, offset));
    let answer = call.files().write_file(ReceiverStream::new(requests)).await?.into_inner();
    sent.await.expect("the task that sends")?;
    let file = answer.file.unwrap_or_default();
    Ok(json!({"file": of_file(&file), "sha256": hex(&answer.sha256)}))
}

/// Sends a file from an offset on, and that it is all. Ends where the call does.
async fn send(
    requests: Sender<WriteFileRequest>,
    open: WriteFileOpen,
    mut source: File,
    mut offset: u64,
) -> Result<(), Status> {
    let mut next = Request::Open(open);
    loop {
        let last = matches!(next, Request::Finish(_));
        let is_over = requests.send(WriteFileRequest { request: Some(next) }).await.is_err();
        if last || is_over {
            return Ok(());
        }
        let mut data = Vec::with_capacity(PIECE_BYTES);
        (&mut source).take(PIECE_BYTES as u64).read_to_end(&mut data).await?;
        let length = data.len() as u64;
        next = match length {
            0 => Request::Finish(WriteFileFinish {}),
            _ => Request::Data(FileData { offset, data }),
        };
        offset += length;
    }
}

pub async fn get_upload(call: Call) -> Facts {
    let request = GetUploadRequest {
        session_id: call.session_id(),
        attachment_id: call.attachment_id(),
        upload_id: call.text("upload_id"),
    };
    let answer = call.files().get_upload(request).await?.into_inner();
    Ok(json!({"accepted_offset": answer.accepted_offset, "finished": answer.finished}))
}

pub async fn download(call: Call) -> Facts {
    let (offset, if_version) = {
        let had = call.download.lock().unwrap();
        (had.bytes, had.version())
    };
    let request = ReadFileRequest {
        session_id: call.session_id(),
        attachment_id: call.attachment_id(),
        path: call.text("path"),
        raw_path: call.bytes("raw_path"),
        offset,
        if_version,
        ..Default::default()
    };
    let mut answers = call.files().read_file(request).await?.into_inner();
    while let Some(answer) = answers.message().await? {
        call.download.lock().unwrap().take(answer);
    }
    Ok(call.download.lock().unwrap().facts())
}
