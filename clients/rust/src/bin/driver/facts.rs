//! What is told of processes and failures.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use prost::Message;
use runlet_client::v1::StartStage;
use runlet_client::v1::exit_status::Status as Exit;
use runlet_client::v1::{
    EndReason, ExitStatus, File, FileFailure, FileKind, HttpFailure, HttpStage, Process,
    ProcessState, Signal, StartFailure, TunnelFailure, TunnelStage,
};
use serde_json::{Value, json};
use tonic::Status;
use tonic_types::StatusExt;
use tonic_types::pb;

pub fn of_process(process: Option<Process>) -> Value {
    let process = process.unwrap_or_default();
    let state = ProcessState::try_from(process.state).unwrap_or_default();
    let mut facts = json!({
        "process_id": process.process_id,
        "pid": process.pid,
        "state": state.as_str_name(),
    });
    if let Some(status) = process.status {
        facts["exited"] = of_end(Some(status), process.reason);
    }
    facts
}

pub fn of_file(file: &File) -> Value {
    let kind = FileKind::try_from(file.kind).unwrap_or_default();
    let mut facts = json!({
        "path": file.path,
        "kind": kind.as_str_name(),
        "size": file.size,
        "version": file.version,
    });
    if !file.raw_path.is_empty() {
        facts["raw_path"] = BASE64_STANDARD.encode(&file.raw_path).into();
    }
    facts
}

/// As hashes are told.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn of_end(status: Option<ExitStatus>, reason: i32) -> Value {
    let reason = EndReason::try_from(reason).unwrap_or_default();
    let mut facts = json!({"reason": reason.as_str_name()});
    match status.and_then(|status| status.status) {
        Some(Exit::Code(code)) => facts["code"] = code.into(),
        Some(Exit::Signal(signal)) => {
            facts["signal"] = Signal::try_from(signal).unwrap_or_default().as_str_name().into();
        }
        None => {}
    }
    facts
}

/// Reads grpc-status-details-bin.
pub fn of_failure(status: &Status) -> Value {
    let mut facts = json!({"code": name_of(&format!("{:?}", status.code()))});
    let details = status.get_error_details();
    if let Some(info) = details.error_info() {
        facts["reason"] = info.reason.clone().into();
        facts["domain"] = info.domain.clone().into();
        facts["metadata"] = json!(info.metadata);
    }
    if let Some(request) = details.bad_request() {
        let fields = request.field_violations.iter().map(|violation| violation.field.clone());
        facts["fields"] = fields.collect::<Vec<_>>().into();
    }
    if let Some(failure) = detail::<FileFailure>(status, "FileFailure") {
        facts["operation"] = failure.operation.into();
        facts["errno_name"] = failure.errno_name.into();
    }
    if let Some(failure) = detail::<StartFailure>(status, "StartFailure") {
        let stage = StartStage::try_from(failure.stage).unwrap_or_default();
        facts["stage"] = stage.as_str_name().into();
        facts["errno_name"] = failure.errno_name.into();
    }
    if let Some(failure) = detail::<HttpFailure>(status, "HttpFailure") {
        let stage = HttpStage::try_from(failure.stage).unwrap_or_default();
        facts["stage"] = stage.as_str_name().into();
        facts["errno_name"] = failure.code.into();
    }
    if let Some(failure) = detail::<TunnelFailure>(status, "TunnelFailure") {
        let stage = TunnelStage::try_from(failure.stage).unwrap_or_default();
        facts["stage"] = stage.as_str_name().into();
        facts["errno_name"] = failure.errno_name.into();
    }
    facts
}

/// A detail of a type that only this service has.
fn detail<T: Message + Default>(status: &Status, name: &str) -> Option<T> {
    let details = pb::Status::decode(status.details()).ok()?.details;
    let suffix = format!("/runlet.v1.{name}");
    let any = details.into_iter().find(|any| any.type_url.ends_with(&suffix))?;
    T::decode(any.value.as_slice()).ok()
}

/// `NOT_FOUND` of `NotFound`.
fn name_of(code: &str) -> String {
    let mut name = String::new();
    for letter in code.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}
