//! Reads a file, from one call or several.

use runlet_client::v1::read_file_response::Response;
use runlet_client::v1::{File, ReadFileEnd, ReadFileResponse};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::facts::{hex, of_file};

/// Has had a part of a file.
pub struct Download {
    /// Where the next call goes on.
    pub bytes: u64,
    file: File,
    exact: bool,
    hash: Sha256,
    end: ReadFileEnd,
}

impl Default for Download {
    fn default() -> Self {
        Self {
            bytes: 0,
            file: File::default(),
            exact: true,
            hash: Sha256::new(),
            end: ReadFileEnd::default(),
        }
    }
}

impl Download {
    /// The version that the file has to have in the next call; empty: any.
    pub fn version(&self) -> String {
        self.file.version.clone()
    }

    pub fn take(&mut self, answer: ReadFileResponse) {
        match answer.response {
            Some(Response::File(file)) => self.file = file,
            Some(Response::Data(piece)) => {
                self.exact &= piece.offset == self.bytes;
                self.bytes += piece.data.len() as u64;
                self.hash.update(&piece.data);
            }
            Some(Response::End(end)) => self.end = end,
            None => {}
        }
    }

    pub fn facts(&self) -> Value {
        json!({
            "file": of_file(&self.file),
            "bytes": self.bytes,
            "exact": self.exact,
            "sha256": hex(&self.hash.clone().finalize()),
            "end": {"bytes": self.end.bytes, "sha256": hex(&self.end.sha256)},
        })
    }
}
