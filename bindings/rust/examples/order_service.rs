//! order_service INSTANCE PORT: is registered while it runs, and prints which ones come and go.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use coord_client::v1::{reply, request::Op, watch_request::Target, *};
use coord_client::{Environment, ServiceInstance, Session, Trouble};
use tokio::signal::unix::{SignalKind, signal};

const NAME: &str = "order-service";
const DIRECTORY: &str = "/services/order-service";
// Ids of requests; of the writes their seqs too.
const CREATE: u64 = 1;
const CLOSE: u64 = 2;
const WATCH: u64 = 3;
const LIST: u64 = 4;
static CLOSING: AtomicBool = AtomicBool::new(false); // Ctrl-C

struct OrderService {
    session: Session,
    path: String,
    data: Vec<u8>,
    registered: bool,
    instances: BTreeSet<ServiceInstance>,
}

impl OrderService {
    fn from_arguments() -> Result<Self, String> {
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        let [instance, port] = &arguments[..] else {
            return Err("usage: order_service INSTANCE PORT".into());
        };
        let instance = ServiceInstance::local(NAME, instance, port)?;
        Ok(Self {
            session: Session::new(Environment::read()?),
            path: format!("{DIRECTORY}/{}", instance.id),
            data: instance.data(),
            registered: false,
            instances: BTreeSet::new(),
        })
    }

    /// Goes from replica to replica until the session is closed.
    async fn run(&mut self) -> Result<(), String> {
        loop {
            match self.attend().await {
                Ok(()) => return Ok(()),
                Err(Trouble::Over(why)) => return Err(why),
                Err(_) if CLOSING.load(Relaxed) && !self.session.is_open() => return Ok(()),
                Err(Trouble::Lost(why)) => self.session.pause(&why).await?,
            }
        }
    }

    /// Opens the session on one stream, or goes on with it, until it is closed.
    async fn attend(&mut self) -> Result<(), Trouble> {
        let resumed = self.session.is_open();
        self.session.attach().await?;
        let mut requests = vec![request(WATCH, watch())];
        if !self.registered {
            requests.push(request(CREATE, self.create()));
        }
        self.session.send(requests, resumed);
        self.session.answer(WATCH, DIRECTORY).await?;
        if !self.registered {
            self.session.answer(CREATE, &self.path).await?;
            self.registered = true;
            println!("registered {}", self.path);
        }
        self.session.stale = true;
        while !CLOSING.load(Relaxed) {
            if self.session.stale { self.list().await? } else { self.session.read().await? }
        }
        self.session.send(vec![request(CLOSE, Op::Close(CloseRequest {}))], false);
        self.session.answer(CLOSE, "the session").await.map(drop)
    }

    fn create(&self) -> Op {
        Op::Create(CreateRequest {
            path: self.path.clone(),
            data: self.data.clone(),
            kind: NodeKind::Ephemeral.into(),
            parents: true,
            parents_kind: NodeKind::Container.into(),
            ..Default::default()
        })
    }

    /// Prints what has changed since the last list; the watch only says that something has.
    async fn list(&mut self) -> Result<(), Trouble> {
        self.session.stale = false;
        let (mut listed, mut cursor, mut more) = (BTreeSet::new(), Vec::new(), true);
        while more {
            let path = DIRECTORY.into();
            let list = ChildrenRequest { path, with_data: true, cursor, ..Default::default() };
            self.session.send(vec![request(LIST, Op::Children(list))], false);
            let answer = self.session.answer(LIST, DIRECTORY).await?;
            let Some(reply::Result::Children(page)) = answer else {
                return Err(Trouble::Over("the answer to a list is none".into()));
            };
            for child in &page.children {
                listed.extend(ServiceInstance::parse(NAME, &child.name, &child.data));
            }
            more = !page.cursor.is_empty();
            cursor = page.cursor;
        }
        self.instances.difference(&listed).for_each(|gone| println!("left {}", gone.id));
        listed.difference(&self.instances).for_each(|new| println!("joined {new}"));
        self.instances = listed;
        Ok(())
    }
}

fn watch() -> Op {
    let (path, scope) = (DIRECTORY.into(), WatchScope::Children.into());
    let target = Some(Target::Tree(TreeWatch { path, scope, ..Default::default() }));
    Op::Watch(WatchRequest { watch_id: WATCH, target, ..Default::default() })
}

fn request(id: u64, op: Op) -> Request {
    let seq = if id <= CLOSE { id } else { 0 };
    let after_seq = if id == LIST { CREATE } else { 0 };
    Request { id, seq, after_seq, op: Some(op), ..Default::default() }
}

/// After Ctrl-C or SIGTERM there are 5 s for closing the session.
async fn overdue() -> Result<(), String> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| e.to_string())?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    CLOSING.store(true, Relaxed);
    tokio::time::sleep(Duration::from_secs(5)).await;
    Err("no replica has closed the session within 5 s; it ends by itself".into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let (ended, code) = match OrderService::from_arguments() {
        Ok(mut service) => (tokio::select! { it = service.run() => it, it = overdue() => it }, 1),
        Err(wrong) => (Err(wrong), 2),
    };
    let Err(wrong) = ended else {
        println!("closed");
        return ExitCode::SUCCESS;
    };
    eprintln!("order_service: {wrong}");
    ExitCode::from(code)
}
