use std::error::Error;
use std::time::Duration;
use std::{env, fs, iter};

use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::Trouble;

/// Where the cluster is and who asks, out of the variables that coordctl reads as well.
pub struct Environment {
    /// COORD_ENDPOINTS, HOST:PORT each.
    pub endpoints: Vec<String>,
    /// COORD_SESSION_MS; 10,000 where it is not set.
    pub session_ms: u32,
    channels: Vec<Endpoint>,
}

impl Environment {
    /// Reads the variables, and the files that they name. The error says which one is missing or
    /// wrong, and what it must be.
    pub fn read() -> Result<Self, String> {
        let endpoints = variable("COORD_ENDPOINTS", "HOST:PORT,...")?;
        let endpoints: Vec<_> = endpoints.split(',').map(String::from).collect();
        let session = env::var("COORD_SESSION_MS").unwrap_or("10000".into());
        let session_ms = session.parse().ok().filter(|ms| *ms > 0).ok_or_else(|| {
            format!("COORD_SESSION_MS is {session}; it must be a number of milliseconds")
        })?;
        let authority = pem("COORD_CACERT", "CERTIFICATE", "the authority's certificate")?;
        let certificate = pem("COORD_CERT", "CERTIFICATE", "the client's certificate")?;
        let key = pem("COORD_KEY", "PRIVATE KEY", "the client's key")?;
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(authority))
            .identity(Identity::from_pem(certificate, key));
        let channels =
            endpoints.iter().map(|endpoint| channel(endpoint, &tls)).collect::<Result<_, _>>()?;
        Ok(Self { endpoints, session_ms, channels })
    }

    /// Connects to the endpoint whose turn it is, counted round and round from 0.
    pub async fn connect(&self, turn: usize) -> Result<Channel, Trouble> {
        let connected = self.channels[turn % self.channels.len()].connect().await;
        connected.map_err(|error| Trouble::Lost(causes(&error)))
    }

    /// What to say when no endpoint has answered for so long; `session`: whether there was one, which
    /// is over now; `last`: how the last endpoint failed.
    pub fn unreachable(&self, session: bool, limit: Duration, last: &str) -> String {
        format!(
            "{}no replica of {} answers within {} s (last error: {last}); check that coordd runs there \
             and that the certificates fit",
            if session { "the session is over: " } else { "" },
            self.endpoints.join(","),
            limit.as_secs(),
        )
    }
}

fn variable(name: &str, what: &str) -> Result<String, String> {
    env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or_else(|| format!("{name} is not set; it must be {what} (see README.md)"))
}

/// What stands in the file that a variable names, if it has a block of that label.
fn pem(name: &str, label: &str, what: &str) -> Result<Vec<u8>, String> {
    let file = variable(name, &format!("the PEM file of {what}"))?;
    let problem = match fs::read(&file) {
        Ok(text) if String::from_utf8_lossy(&text).contains(&format!("{label}-----")) => {
            return Ok(text);
        }
        Ok(_) => format!("{file} has no \"{label}\""),
        Err(error) => format!("cannot read {file}: {error}"),
    };
    Err(format!("{name}: {problem}; it must name the PEM file of {what}"))
}

fn channel(endpoint: &str, tls: &ClientTlsConfig) -> Result<Endpoint, String> {
    let wrong = || format!("COORD_ENDPOINTS: \"{endpoint}\" is no HOST:PORT");
    let (host, port) = endpoint.rsplit_once(':').ok_or_else(wrong)?;
    port.parse::<u16>().map_err(|_| wrong())?;
    // The certificate names an IPv6 address without the brackets that an endpoint needs.
    let tls = tls.clone().domain_name(host.trim_matches(['[', ']']));
    Endpoint::from_shared(format!("https://{endpoint}"))
        .map_err(|_| wrong())?
        .tls_config(tls)
        .map_err(|error| {
            format!(
                "the PEM in COORD_CACERT, COORD_CERT or COORD_KEY is damaged: {}",
                causes(&error)
            )
        })
}

/// An error with what caused it.
fn causes(error: &(dyn Error + 'static)) -> String {
    let chain = iter::successors(Some(error), |error| (*error).source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
