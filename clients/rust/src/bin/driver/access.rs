//! How servers are reached, and what says who calls: the environment has it, in the variables of
//! the command line.

use std::env::var;
use std::fs;

use tonic::Status;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

/// A connection, which is made with its first call.
pub fn connect(address: &str) -> Channel {
    let Some(tls) = tls() else {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
        return endpoint.connect_lazy();
    };
    let endpoint = Endpoint::from_shared(format!("https://{address}")).expect("an address");
    endpoint.tls_config(tls).expect("certificates").connect_lazy()
}

/// The header that presents the token; `None`: there is none. A file is read for each call, so that
/// a token that was renewed is used from the next one on.
pub fn authorization() -> Result<Option<MetadataValue<Ascii>>, Status> {
    let token = match (var("RUNLET_TOKEN_FILE"), var("RUNLET_TOKEN")) {
        (Ok(path), _) => fs::read_to_string(path)
            .map_err(|error| Status::unavailable(format!("there is no token: {error}")))?,
        (_, Ok(token)) => token,
        _ => return Ok(None),
    };
    if var("RUNLET_CA").is_err() {
        return Err(Status::unauthenticated("a token is not sent without TLS"));
    }
    let mut header: MetadataValue<Ascii> = format!("Bearer {}", token.trim())
        .parse()
        .map_err(|_| Status::unauthenticated("the token is no text of ASCII"))?;
    // Kept out of what is printed, and of the table of headers.
    header.set_sensitive(true);
    Ok(Some(header))
}

fn tls() -> Option<ClientTlsConfig> {
    let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(file("RUNLET_CA")?));
    if let (Some(certificate), Some(key)) = (file("RUNLET_CERT"), file("RUNLET_KEY")) {
        tls = tls.identity(Identity::from_pem(certificate, key));
    }
    if let Ok(name) = var("RUNLET_SERVER_NAME") {
        tls = tls.domain_name(name);
    }
    Some(tls)
}

/// What is in the file that a variable names; `None`: it names none.
fn file(variable: &str) -> Option<Vec<u8>> {
    let path = var(variable).ok()?;
    Some(fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")))
}
