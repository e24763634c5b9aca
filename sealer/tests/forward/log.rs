//! A listener with a log that remembers what it took.

use std::collections::HashSet;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use auditlog_chain::builder::Source;
use auditlog_chain::line::Payload;
use auditlog_sealer::error::{Cause, Trouble};
use auditlog_sealer::seal::Naming;
use auditlog_sealer::service::{
    Answer, Destination, Intake, Offer, Part, Route, Router, Status, TagPattern,
};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A batch as the log got it.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) source: String,
    pub(crate) name: String,
    pub(crate) is_unique: bool,
    pub(crate) is_known: bool,
    pub(crate) bytes: usize,
    events: Vec<String>,
}

/// What a log took.
pub(crate) struct Log {
    status: Arc<Status>,
    got: Arc<Mutex<Vec<Got>>>,
    /// Batches that were offered, also where they are not answered yet.
    offered: Arc<AtomicUsize>,
    answering: Arc<Mutex<()>>,
}

impl Log {
    /// All batches, also those that were known.
    pub(crate) fn batches(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// The events of new batches.
    pub(crate) fn events(&self) -> Vec<String> {
        let new = self.batches().into_iter().filter(|got| !got.is_known);
        new.flat_map(|got| got.events).collect()
    }

    /// The same once so many batches are there.
    #[allow(dead_code, reason = "not each listener has a test of its end")]
    pub(crate) fn events_of(&self, batches: usize) -> Vec<String> {
        let begun = Instant::now();
        while self.batches().len() < batches {
            assert!(begun.elapsed() < Duration::from_secs(30), "{batches}");
            thread::yield_now();
        }
        self.events()
    }

    /// Nothing is answered until the guard is dropped.
    #[allow(dead_code, reason = "not each listener has a test of its end")]
    pub(crate) fn hold_answers(&self) -> MutexGuard<'_, ()> {
        self.answering.lock().unwrap()
    }

    /// Returns once so many batches were offered.
    #[allow(dead_code, reason = "not each listener has a test of its end")]
    pub(crate) fn await_offers(&self, expected: usize) {
        let begun = Instant::now();
        while self.offered.load(Ordering::SeqCst) < expected {
            assert!(begun.elapsed() < Duration::from_secs(30), "{expected}");
            thread::yield_now();
        }
    }

    pub(crate) fn set_trouble(&self, trouble: Option<&str>) {
        let trouble = trouble.map(|reason| Trouble {
            cause: Cause::Disk,
            reason: reason.to_owned(),
        });
        self.status.set(Part::Accepting, trouble);
    }
}

/// A listener that runs.
pub(crate) struct Listener {
    pub(crate) log: Log,
    at: SocketAddr,
    refusals: Arc<Mutex<Vec<String>>>,
    ending: watch::Sender<bool>,
    _scratch: tempfile::TempDir,
}

pub(crate) fn source(name: &str) -> Source {
    Source::parse(name).unwrap()
}

/// What an input is made of.
pub(crate) struct Parts {
    pub(crate) router: Arc<Router>,
    pub(crate) notify: Arc<dyn Fn(&str) + Send + Sync>,
    pub(crate) scratch: PathBuf,
    pub(crate) ending: watch::Receiver<bool>,
}

impl Listener {
    pub(crate) fn start<S, F>(serve: S) -> Self
    where
        S: FnOnce(TcpListener, Parts) -> F + Send + 'static,
        F: Future<Output = ()>,
    {
        Self::start_routed(None, serve)
    }

    /// The same with a log that takes what has this tag, or everything.
    pub(crate) fn start_routed<S, F>(tag: Option<&str>, serve: S) -> Self
    where
        S: FnOnce(TcpListener, Parts) -> F + Send + 'static,
        F: Future<Output = ()>,
    {
        let (intake, offers) = Intake::new();
        let status = Arc::new(Status::new("log"));
        status.set(Part::Accepting, None);
        let log = Log {
            status: Arc::clone(&status),
            got: Arc::default(),
            offered: Arc::default(),
            answering: Arc::default(),
        };
        let got = Arc::clone(&log.got);
        let (offered, answering) = (Arc::clone(&log.offered), Arc::clone(&log.answering));
        thread::spawn(move || {
            let mut names = HashSet::new();
            for offer in offers {
                offered.fetch_add(1, Ordering::SeqCst);
                let _answering = answering.lock();
                take(offer, &mut names, &got);
            }
        });
        let destination = Destination {
            max_event_bytes: auditlog_chain::limits::MAX_EVENT_BYTES,
            name: "log".to_owned(),
            intake,
            status,
            stored: None,
        };
        let route = Route {
            log: "log".to_owned(),
            input: None,
            tag: tag.map(|tag| TagPattern::parse(tag).unwrap()),
            field: None,
        };
        let refusals: Arc<Mutex<Vec<String>>> = Arc::default();
        let said = Arc::clone(&refusals);
        let scratch = tempfile::tempdir().unwrap();
        let (ending, ends) = watch::channel(false);
        let parts = Parts {
            router: Arc::new(Router::new(vec![destination], vec![route])),
            notify: Arc::new(move |why| said.lock().unwrap().push(why.to_owned())),
            scratch: scratch.path().to_owned(),
            ending: ends,
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let at = listener.local_addr().unwrap();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread();
            let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                serve(TcpListener::from_std(listener).unwrap(), parts).await;
            });
        });
        Self {
            log,
            at,
            refusals,
            ending,
            _scratch: scratch,
        }
    }

    /// Ends as a service does.
    #[allow(dead_code, reason = "not each listener has a test of its end")]
    pub(crate) fn end(&self) {
        self.ending.send(true).unwrap();
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.at).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_mins(1)))
            .unwrap();
        stream
    }

    /// Why connections were closed, once it was said of so many.
    pub(crate) fn refusals(&self, expected: usize) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let refusals = self.refusals.lock().unwrap().clone();
            assert!(begun.elapsed() < Duration::from_mins(2), "{refusals:?}");
            if refusals.len() >= expected {
                return refusals;
            }
            thread::yield_now();
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        _ = self.ending.send(true);
    }
}

fn take(offer: Offer, names: &mut HashSet<String>, got: &Mutex<Vec<Got>>) {
    let name = offer
        .name
        .as_ref()
        .map_or("", |name| name.as_str())
        .to_owned();
    let is_known = !name.is_empty() && !names.insert(name.clone());
    let text = |payload: auditlog_chain::builder::StoredPayload<'_>| match payload.as_payload() {
        Payload::Event(text) | Payload::Text(text) | Payload::Base64(text) => text.to_owned(),
    };
    let is_unique = matches!(
        offer.naming,
        Naming::Unique | Naming::EventIds | Naming::Chunk
    );
    got.lock().unwrap().push(Got {
        source: offer.source.as_ref().map_or("", Source::as_str).to_owned(),
        is_unique,
        is_known,
        bytes: offer.events.bytes(),
        events: offer.events.iter().map(text).collect(),
        name,
    });
    let answer = if is_known && is_unique {
        Answer::Repeat
    } else {
        Answer::Accepted
    };
    (offer.answer)(answer);
}
