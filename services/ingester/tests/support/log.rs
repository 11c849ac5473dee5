//! A log in memory whose acknowledgements can be held or refused, and a way to wait for a
//! condition instead of a time.

#![allow(dead_code, unreachable_pub)]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use moodvane_eventlog::{Consumer, DeadLetter, EventLog, LogError, NewRecord, Watermarks};
use moodvane_model::Topic;
use tokio::sync::watch;

/// No condition of a test may take longer.
const BOUND: Duration = Duration::from_secs(20);

/// Waits until `holds`, and fails the test where that takes too long.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(2));
    let waited = tokio::time::timeout(BOUND, async {
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
    begun: usize,
    panics: bool,
    away: bool,
    refusals: VecDeque<LogError>,
}

/// The log.
pub struct FakeLog {
    inner: Mutex<Inner>,
    allowed: watch::Sender<usize>,
    local: bool,
}

impl FakeLog {
    pub fn new() -> Arc<Self> {
        Self::made(false)
    }

    /// One that is never away.
    pub fn local() -> Arc<Self> {
        Self::made(true)
    }

    fn made(local: bool) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::default(),
            allowed: watch::Sender::new(usize::MAX),
            local,
        })
    }

    /// While it is away every publish, and every saving of a cursor, is refused.
    pub fn be_away(&self, away: bool) {
        self.inner().away = away;
    }

    fn must_be_there(&self) -> Result<(), LogError> {
        match self.inner().away {
            true => Err(LogError::Unavailable("away on purpose".to_owned())),
            false => Ok(()),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Only the first `n` publishes ever begun are acknowledged; the others wait.
    pub fn allow(&self, n: usize) {
        self.allowed.send_replace(n);
    }

    /// From now on no new publish is acknowledged, nor is its content in the log.
    pub fn hold(&self) {
        self.allow(self.begun());
    }

    /// What was held is acknowledged.
    pub fn release(&self) {
        self.allow(usize::MAX);
    }

    /// The next publish that is not refused already is refused with this.
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

    /// How many cursors were saved.
    pub fn saves(&self) -> usize {
        self.inner().saves
    }

    /// How many publishes were begun.
    pub fn begun(&self) -> usize {
        self.inner().begun
    }

    /// The sizes of the acknowledged publishes.
    pub fn batches(&self) -> Vec<usize> {
        self.inner().batches.clone()
    }

    /// The acknowledged records' keys, in order.
    pub fn keys(&self, topic: Topic) -> Vec<String> {
        let read = |record: &NewRecord| String::from_utf8_lossy(&record.key).into_owned();
        self.of(topic, read)
    }

    /// The acknowledged records' values, in order.
    pub fn values(&self, topic: Topic) -> Vec<Vec<u8>> {
        self.of(topic, |record| record.value.clone())
    }

    pub fn count(&self, topic: Topic) -> usize {
        self.of(topic, |_| ()).len()
    }

    fn of<T>(&self, topic: Topic, read: impl Fn(&NewRecord) -> T) -> Vec<T> {
        let inner = self.inner();
        let of_topic = inner.records.iter().filter(|(of, _)| *of == topic);
        of_topic.map(|(_, record)| read(record)).collect()
    }
}

#[async_trait]
impl EventLog for FakeLog {
    async fn publish(&self, topic: Topic, records: Vec<NewRecord>) -> Result<(), LogError> {
        let (turn, panics) = {
            let mut inner = self.inner();
            inner.begun += 1;
            (inner.begun, std::mem::take(&mut inner.panics))
        };
        assert!(!panics, "on purpose");
        self.must_be_there()?;
        let mut allowed = self.allowed.subscribe();
        let allowed = allowed.wait_for(|n| turn <= *n).await.map(|_| ());
        allowed.map_err(|gone| LogError::Unavailable(gone.to_string()))?;
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

    async fn bury(&self, _: Vec<DeadLetter>) -> Result<(), LogError> {
        Ok(())
    }

    async fn dead_letters(&self, _: Topic, _: usize) -> Result<Vec<DeadLetter>, LogError> {
        Ok(Vec::new())
    }

    async fn cursor(&self, name: &str) -> Result<Option<String>, LogError> {
        Ok(self.cursor_of(name))
    }

    async fn save_cursor(&self, name: &str, cursor: &str) -> Result<(), LogError> {
        self.must_be_there()?;
        self.set_cursor(name, cursor);
        self.inner().saves += 1;
        Ok(())
    }

    async fn watermarks(&self, _: Topic) -> Result<Vec<Watermarks>, LogError> {
        Ok(Vec::new())
    }

    fn can_be_away(&self) -> bool {
        !self.local
    }

    fn consumer(&self, _: &str, _: &[Topic]) -> Result<Box<dyn Consumer>, LogError> {
        Err(LogError::Unavailable("nobody consumes here".to_owned()))
    }
}
