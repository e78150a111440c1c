use tonic::Status;

use crate::v1::Code;

/// Why something was not done.
#[derive(Debug)]
pub enum Trouble {
    /// This stream is of no use; another replica, or a later try, may do better.
    Lost(String),
    /// Trying again does not help.
    Over(String),
}

impl Trouble {
    /// What a reply's or a welcome's code asks for. `what`: the path or the like that it is about;
    /// `message`: the replica's own words, which may be empty.
    pub fn check(what: &str, code: Code, message: &str) -> Result<(), Self> {
        let name = code.as_str_name().trim_start_matches("CODE_");
        match code {
            Code::Ok => Ok(()),
            Code::NoLeader
            | Code::Busy
            | Code::Behind
            | Code::ShuttingDown
            | Code::NotBorn
            | Code::LimitTime
            | Code::CursorExpired => Err(Self::Lost(format!("{what}: {name} {message}"))),
            Code::NodeExists => Err(Self::Over(format!(
                "{what}: {name}: another session has it; choose another name, or wait until that \
                 session is over"
            ))),
            _ => Err(Self::Over(format!("{what}: {name} {message}"))),
        }
    }
}

impl From<Status> for Trouble {
    fn from(status: Status) -> Self {
        Self::Lost(status.message().into())
    }
}
