use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use ring::{digest, rand};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Streaming;

use crate::v1::coordination_client::CoordinationClient;
use crate::v1::hello::Session as How;
use crate::v1::{
    ClientFrame, Hello, OpenSession, Reply, Request, ResumeSession, ServerFrame, Welcome,
    item::Item, reply,
};
use crate::{Environment, Trouble};

/// How long a read waits for a frame, and the pause before the next endpoint is tried.
const TICK: Duration = Duration::from_millis(100);
/// How long it may take to get a session.
const OPENING: Duration = Duration::from_secs(10);

/// One session on one stream at a time: numbers frames, keeps the session alive while it is read,
/// and goes on with it on another replica when it is told to. Which requests are sent, and which are
/// sent again there, is its user's business.
pub struct Session {
    /// An event has come, or a RESYNC, since this was last set to false.
    pub stale: bool,
    environment: Environment,
    secret: Vec<u8>,
    hello: Hello, // of the next stream
    turn: usize,
    timeout: Duration,
    kept: Instant, // when the newest confirmed frame was sent: the lease runs from there
    stream: Option<(UnboundedSender<ClientFrame>, Streaming<ServerFrame>)>,
    began: Instant,                 // the stream
    number: u64,                    // of its newest frame
    spoken: Instant,                // when that was sent
    sent: VecDeque<(u64, Instant)>, // frames that are not confirmed yet, and when they were sent
    replies: HashMap<u64, Reply>,
    farewell: Option<Trouble>, // why the stream is to be left, once all before it was handed over
}

impl Session {
    /// A session that no replica knows of yet.
    pub fn new(environment: Environment) -> Self {
        let random = rand::generate::<[u8; 16]>(&rand::SystemRandom::new());
        let secret = random.expect("the system gives random bytes").expose().to_vec();
        let secret_hash = digest::digest(&digest::SHA256, &secret).as_ref().to_vec();
        let open = OpenSession { secret_hash, timeout_ms: environment.session_ms };
        let client = concat!("coord-rust/", env!("CARGO_PKG_VERSION")).into();
        let session = Some(How::Open(open));
        Self {
            stale: false,
            environment,
            secret,
            hello: Hello { client, session, ..Default::default() },
            turn: 0,
            timeout: OPENING,
            kept: Instant::now(),
            stream: None,
            began: Instant::now(),
            number: 0,
            spoken: Instant::now(),
            sent: VecDeque::new(),
            replies: HashMap::new(),
            farewell: None,
        }
    }

    /// Whether a replica has opened it.
    pub fn is_open(&self) -> bool {
        matches!(self.hello.session, Some(How::Resume(_)))
    }

    /// Opens it at the endpoint whose turn it is, or goes on with it there.
    pub async fn attach(&mut self) -> Result<(), Trouble> {
        if let Some(How::Resume(resume)) = &mut self.hello.session {
            resume.attach += 1; // counts those that fail too
        }
        (self.number, self.sent, self.replies) = (0, VecDeque::new(), HashMap::new());
        let number = self.take_number();
        (self.began, self.farewell) = (self.spoken, None);
        let (out, frames) = unbounded_channel();
        let _ =
            out.send(ClientFrame { number, hello: Some(self.hello.clone()), ..Default::default() });
        let connecting = self.environment.connect(self.turn);
        let opening = async {
            let mut client = CoordinationClient::new(connecting.await?);
            let mut frames =
                client.session(UnboundedReceiverStream::new(frames)).await?.into_inner();
            let welcome = frames.message().await?.and_then(|frame| frame.welcome);
            Ok::<_, Trouble>((frames, welcome.ok_or_else(ended)?))
        };
        let opened = timeout(self.timeout / 3, opening).await;
        self.turn += 1;
        let (frames, welcome) = opened.unwrap_or_else(|_| Err(silent()))?;
        Trouble::check("the session", welcome.code(), &welcome.message)?;
        self.stream = Some((out, frames));
        self.take_welcome(welcome);
        Ok(())
    }

    fn take_welcome(&mut self, welcome: Welcome) {
        if !self.is_open() {
            self.kept = self.began;
        }
        self.timeout = Duration::from_millis(welcome.timeout_ms.into());
        self.hello.cluster_id = welcome.cluster_id;
        self.hello.generation = welcome.generation;
        self.hello.session = Some(How::Resume(ResumeSession {
            session_id: welcome.session_id,
            secret: self.secret.clone(),
            attach: welcome.attach,
        }));
    }

    /// A pause after a stream was lost; or, when the lease is over, what to say about that.
    pub async fn pause(&mut self, why: &str) -> Result<(), String> {
        if self.kept.elapsed() > self.timeout {
            return Err(self.environment.unreachable(self.is_open(), self.timeout, why));
        }
        sleep(TICK).await;
        Ok(())
    }

    /// Sends a frame.
    pub fn send(&mut self, requests: Vec<Request>, rearm_done: bool) {
        let number = self.take_number();
        if let Some((out, _)) = &self.stream {
            let frame = ClientFrame { number, requests, rearm_done, ..Default::default() };
            let _ = out.send(frame); // of a stream that is over, read() tells
        }
    }

    fn take_number(&mut self) -> u64 {
        self.number += 1;
        self.spoken = Instant::now();
        self.sent.push_back((self.number, self.spoken));
        self.number
    }

    /// Takes in a frame if one comes within 100 ms; sends an empty one if that is due.
    pub async fn read(&mut self) -> Result<(), Trouble> {
        if let Some(farewell) = self.farewell.take() {
            return Err(farewell);
        }
        let Some((_, frames)) = &mut self.stream else { return Err(ended()) };
        if let Ok(frame) = timeout(TICK, frames.message()).await {
            self.take(frame?.ok_or_else(ended)?);
        } else if self.kept.max(self.began).elapsed() > self.timeout / 3 {
            return Err(silent());
        }
        if self.spoken.elapsed() > self.timeout / 6 {
            self.send(Vec::new(), false);
        }
        Ok(())
    }

    /// What the reply to a request has; `what`: the path or the like that it is about.
    pub async fn answer(&mut self, id: u64, what: &str) -> Result<Option<reply::Result>, Trouble> {
        loop {
            if let Some(reply) = self.replies.remove(&id) {
                Trouble::check(what, reply.code(), &reply.message)?;
                return Ok(reply.result);
            }
            self.read().await?;
        }
    }

    fn take(&mut self, frame: ServerFrame) {
        while let Some(&(_, at)) =
            self.sent.front().filter(|(number, _)| *number <= frame.confirmed)
        {
            self.kept = at;
            self.sent.pop_front();
        }
        for item in frame.items.into_iter().filter_map(|item| item.item) {
            match item {
                Item::Reply(reply) => {
                    self.saw(reply.zxid);
                    self.replies.insert(reply.id, reply);
                }
                Item::Event(event) => {
                    self.saw(event.zxid);
                    self.stale = true;
                }
                Item::Resync(_) => self.stale = true,
                Item::QueueFront(_) | Item::Bookmark(_) => {}
                // Lagged too: what it took away is set anew on the next stream.
                Item::Lagged(_) | Item::NoLeader(_) | Item::GoAway(_) => {
                    self.farewell = Some(Trouble::Lost(format!("the replica says {item:?}")));
                }
            }
        }
    }

    fn saw(&mut self, zxid: u64) {
        self.hello.last_seen_zxid = self.hello.last_seen_zxid.max(zxid);
    }
}

fn ended() -> Trouble {
    Trouble::Lost("the replica ended the stream".into())
}

fn silent() -> Trouble {
    Trouble::Lost("the replica does not answer".into())
}
