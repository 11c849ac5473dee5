//! An in-memory log that can hold or reject acknowledgements, and a wait for a condition instead of
//! a fixed time.

#![allow(dead_code, unreachable_pub)]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use moodvane_eventlog::{Consumer, DeadLetter, EventLog, LogError, NewRecord, Watermarks};
use moodvane_model::Topic;
use tokio::sync::watch;

/// Time limit of a condition.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Waits until `holds` returns true; fails the test after the time limit.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(2));
    let waited = tokio::time::timeout(TIMEOUT, async {
        while !holds() {
            looks.tick().await;
        }
    });
    assert!(waited.await.is_ok(), "not within the bound: {what}");
}

#[derive(Default)]
struct Inner {
    records: Vec<(Topic, NewRecord)>,
    batches: Vec<usize>,
    cursors: BTreeMap<String, String>,
    saves: usize,
    started: usize,
    panics: bool,
    unavailable: bool,
    refusals: VecDeque<LogError>,
}

/// An in-memory log.
pub struct FakeLog {
    inner: Mutex<Inner>,
    allowed: watch::Sender<usize>,
    local: bool,
}

impl FakeLog {
    pub fn new() -> Arc<Self> {
        Self::create(false)
    }

    /// A log that is never unavailable.
    pub fn local() -> Arc<Self> {
        Self::create(true)
    }

    fn create(local: bool) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::default(),
            allowed: watch::Sender::new(usize::MAX),
            local,
        })
    }

    /// While the log is unavailable, every publish and every save of a cursor fails.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.inner().unavailable = unavailable;
    }

    fn check_available(&self) -> Result<(), LogError> {
        match self.inner().unavailable {
            true => Err(LogError::Unavailable("unavailable on purpose".into())),
            false => Ok(()),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Acknowledges only the first `n` publishes since the start; later ones wait.
    pub fn allow(&self, n: usize) {
        self.allowed.send_replace(n);
    }

    /// Holds all later publishes: they are neither acknowledged nor in the log.
    pub fn hold(&self) {
        self.allow(self.begun());
    }

    /// Acknowledges all held publishes.
    pub fn release(&self) {
        self.allow(usize::MAX);
    }

    /// Fails the next publish with this error; errors of several calls queue up.
    pub fn refuse(&self, error: LogError) {
        self.inner().refusals.push_back(error);
    }

    /// The next publish panics.
    pub fn panic_once(&self) {
        self.inner().panics = true;
    }

    pub fn set_cursor(&self, name: &str, cursor: &str) {
        self.inner()
            .cursors
            .insert(name.to_owned(), cursor.to_owned());
    }

    pub fn cursor_of(&self, name: &str) -> Option<String> {
        self.inner().cursors.get(name).cloned()
    }

    /// Number of saved cursors.
    pub fn saves(&self) -> usize {
        self.inner().saves
    }

    /// Number of started publishes.
    pub fn begun(&self) -> usize {
        self.inner().started
    }

    /// Sizes of the acknowledged publishes.
    pub fn batches(&self) -> Vec<usize> {
        self.inner().batches.clone()
    }

    /// Keys of the acknowledged records, in order.
    pub fn keys(&self, topic: Topic) -> Vec<String> {
        let read = |record: &NewRecord| String::from_utf8_lossy(&record.key).into_owned();
        self.map_records(topic, read)
    }

    /// Values of the acknowledged records, in order.
    pub fn values(&self, topic: Topic) -> Vec<Vec<u8>> {
        self.map_records(topic, |record| record.value.clone())
    }

    pub fn count(&self, topic: Topic) -> usize {
        self.map_records(topic, |_| ()).len()
    }

    fn map_records<T>(&self, topic: Topic, read: impl Fn(&NewRecord) -> T) -> Vec<T> {
        let inner = self.inner();
        let of_topic = inner.records.iter().filter(|(t, _)| *t == topic);
        of_topic.map(|(_, record)| read(record)).collect()
    }
}

#[async_trait]
impl EventLog for FakeLog {
    async fn publish(&self, topic: Topic, records: Vec<NewRecord>) -> Result<(), LogError> {
        let (number, panics) = {
            let mut inner = self.inner();
            inner.started += 1;
            (inner.started, std::mem::take(&mut inner.panics))
        };
        assert!(!panics, "on purpose");
        self.check_available()?;
        let mut allowed = self.allowed.subscribe();
        let allowed = allowed.wait_for(|n| number <= *n).await.map(|_| ());
        allowed.map_err(|closed| LogError::Unavailable(closed.to_string().into()))?;
        let mut inner = self.inner();
        if let Some(refused) = inner.refusals.pop_front() {
            return Err(refused);
        }
        inner.batches.push(records.len());
        inner
            .records
            .extend(records.into_iter().map(|record| (topic, record)));
        Ok(())
    }

    async fn publish_dead_letters(&self, _: Vec<DeadLetter>) -> Result<(), LogError> {
        Ok(())
    }

    async fn dead_letters(&self, _: Topic, _: usize) -> Result<Vec<DeadLetter>, LogError> {
        Ok(Vec::new())
    }

    async fn cursor(&self, name: &str) -> Result<Option<String>, LogError> {
        Ok(self.cursor_of(name))
    }

    async fn save_cursor(&self, name: &str, cursor: &str) -> Result<(), LogError> {
        self.check_available()?;
        self.set_cursor(name, cursor);
        self.inner().saves += 1;
        Ok(())
    }

    async fn watermarks(&self, _: Topic) -> Result<Vec<Watermarks>, LogError> {
        Ok(Vec::new())
    }

    fn is_remote(&self) -> bool {
        !self.local
    }

    fn consumer(&self, _: &str, _: &[Topic]) -> Result<Box<dyn Consumer>, LogError> {
        Err(LogError::Unavailable("this log has no consumers".into()))
    }
}
