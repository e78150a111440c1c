use std::fmt;

use serde_json::{Value, json};

/// An instance of a service: what the data of the node /services/NAME/ID say (bindings/SPEC.md).
///
/// Its metadata, and the rules on them, are left to the session layer that is to come.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ServiceInstance {
    pub id: String,
    pub name: String,
    pub address: String,
    pub port: u16,
}

impl ServiceInstance {
    /// An instance on this machine; PORT as it stands on a command line.
    pub fn local(name: &str, id: &str, port: &str) -> Result<Self, String> {
        if id.is_empty() || id.contains('/') {
            return Err(format!("INSTANCE is \"{id}\"; it must be a name without \"/\""));
        }
        match port.parse() {
            Ok(number) if number > 0 => Ok(Self {
                id: id.into(),
                name: name.into(),
                address: "127.0.0.1".into(),
                port: number,
            }),
            _ => Err(format!("PORT is \"{port}\"; it must be a number from 1 to 65535")),
        }
    }

    /// As data of a node.
    pub fn data(&self) -> Vec<u8> {
        let Self { id, name, address, port } = self;
        json!({"name": name, "id": id, "address": address, "port": port}).to_string().into()
    }

    /// What the data of node /services/NAME/ID say, if they are an instance of that service.
    pub fn parse(name: &str, id: &str, data: &[u8]) -> Option<Self> {
        let json: Value = serde_json::from_slice(data).ok()?;
        let address = json["address"].as_str().filter(|address| !address.is_empty())?;
        let port = json["port"].as_u64().and_then(|port| u16::try_from(port).ok())?;
        if json["name"] != name || json["id"] != id || port == 0 {
            return None;
        }
        Some(Self { id: id.into(), name: name.into(), address: address.into(), port })
    }
}

/// Without its service: ID ADDRESS:PORT.
impl fmt::Display for ServiceInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}:{}", self.id, self.address, self.port)
    }
}
