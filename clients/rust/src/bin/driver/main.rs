//! Performs calls of `runlet.v1` for the interop tests: reads commands from standard
//! input, one JSON object a line, and answers on standard output.
//! test/interop/clients/protocol.ts describes both.

mod access;
mod command;
mod download;
mod facts;
mod files;
mod network;
mod operations;
mod reader;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tonic::transport::Channel;

use command::Call;
use download::Download;
use reader::Reader;

/// What the commands share.
#[derive(Default)]
struct Driver {
    channels: Mutex<HashMap<String, Channel>>,
    readers: Mutex<HashMap<String, Arc<Mutex<Reader>>>>,
    downloads: Mutex<HashMap<String, Arc<Mutex<Download>>>>,
}

impl Driver {
    /// The connection to an address, which is made with its first call.
    fn channel(&self, address: &str) -> Channel {
        let mut channels = self.channels.lock().unwrap();
        channels.entry(address.to_owned()).or_insert_with(|| access::connect(address)).clone()
    }

    fn reader(&self, name: &str) -> Arc<Mutex<Reader>> {
        let mut readers = self.readers.lock().unwrap();
        readers.entry(name.to_owned()).or_default().clone()
    }

    fn download(&self, name: &str) -> Arc<Mutex<Download>> {
        let mut downloads = self.downloads.lock().unwrap();
        downloads.entry(name.to_owned()).or_default().clone()
    }
}

async fn answer(driver: Arc<Driver>, command: Value) {
    let id = command["id"].clone();
    let channel = driver.channel(command["address"].as_str().unwrap_or_default());
    let name = command["reader"].as_str().unwrap_or_default();
    let (reader, download) = (driver.reader(name), driver.download(name));
    let call = Call::new(command, channel, reader, download);
    let reply = match operations::perform(call).await {
        Ok(facts) => json!({"id": id, "result": facts}),
        Err(status) => json!({"id": id, "error": facts::of_failure(&status)}),
    };
    println!("{reply}");
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let driver = Arc::new(Driver::default());
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let command = serde_json::from_str(&line)?;
        tokio::spawn(answer(driver.clone(), command));
    }
    // Streams may be open still: nobody waits for them.
    Ok(())
}
