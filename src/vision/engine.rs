//! The engine: one thread owns both sessions behind a bounded queue. Batches form while it is busy, not by a timer:
//! idle means no added latency, busy means larger batches.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::oneshot;

use super::analyse::{Analysis, Models, Prepared, RunSizes};
use super::detector::DEFAULT_FLOOR;
use crate::domain::Confidence;

/// Why there is no analysis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The queue is full. Try again later; nothing was done.
    #[error("the analysis queue is full; try again in a moment")]
    Busy,
    /// The engine has stopped.
    #[error("the analysis engine has stopped")]
    Stopped,
    /// The model failed on this very picture.
    #[error("the model failed on this picture: {0}")]
    Model(String),
}

#[derive(Debug, Clone, Copy)]
pub struct EngineOptions {
    /// Pictures that may wait; one more is answered `Busy`.
    pub queue: usize,
    /// Requests taken from the queue at once when several wait.
    pub batch: usize,
    /// How many of them go through a model in one run.
    pub runs: RunSizes,
    /// Detections below are not faces.
    pub floor: Confidence,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { queue: 16, batch: 4, runs: RunSizes::CPU, floor: DEFAULT_FLOOR }
    }
}

struct Job {
    prepared: Prepared,
    queued: Instant,
    reply: oneshot::Sender<Result<Analysis, EngineError>>,
}

/// Handle to the engine's thread. Dropping it lets the thread finish what is queued and end.
#[derive(Debug)]
pub struct Engine {
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts the thread.
    pub fn start(models: Models, options: EngineOptions) -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel(options.queue);
        let thread =
            std::thread::Builder::new().name("engine".into()).spawn(move || Worker { models, options }.run(&jobs))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Waits for the analysis, never for room in the queue. Dropping the future abandons the request: it is skipped
    /// when its turn comes.
    pub async fn analyse(&self, prepared: Prepared) -> Result<Analysis, EngineError> {
        self.submit(prepared)?.await.map_err(|_| EngineError::Stopped)?
    }

    fn submit(&self, prepared: Prepared) -> Result<oneshot::Receiver<Result<Analysis, EngineError>>, EngineError> {
        let (reply, answer) = oneshot::channel();
        let job = Job { prepared, queued: Instant::now(), reply };
        let queue = self.queue.as_ref().ok_or(EngineError::Stopped)?;
        queue.try_send(job).map_err(|e| match e {
            TrySendError::Full(_) => EngineError::Busy,
            TrySendError::Disconnected(_) => EngineError::Stopped,
        })?;
        Ok(answer)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the engine's thread panicked");
        }
    }
}

struct Worker {
    models: Models,
    options: EngineOptions,
}

impl Worker {
    fn run(&mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut waiting = vec![first];
            waiting.extend(jobs.try_iter().take(self.options.batch.saturating_sub(1)));
            let taken = waiting.len();
            waiting.retain(|job| !job.reply.is_closed());
            metrics::counter!("mekiki_abandoned_total").increment((taken - waiting.len()) as u64);
            if !waiting.is_empty() {
                self.run_batch(waiting);
            }
        }
    }

    fn run_batch(&mut self, jobs: Vec<Job>) {
        let started = Instant::now();
        let prepared: Vec<&Prepared> = jobs.iter().map(|j| &j.prepared).collect();
        match self.analyse(&prepared) {
            Ok(analyses) => {
                for (job, mut analysis) in jobs.into_iter().zip(analyses) {
                    analysis.stages.queue = (started - job.queued).as_secs_f64();
                    record(&analysis);
                    // An abandoned request has nobody to tell.
                    let _ = job.reply.send(Ok(analysis));
                }
            }
            // One bad picture fails alone: the others are tried by themselves.
            Err(error) if jobs.len() > 1 => {
                tracing::warn!(batch.size = jobs.len(), %error, "a batch failed; trying its pictures one by one");
                for job in jobs {
                    self.run_batch(vec![job]);
                }
            }
            Err(error) => {
                for job in jobs {
                    let _ = job.reply.send(Err(EngineError::Model(error.clone())));
                }
            }
        }
    }

    /// A panic is this batch's failure, not the end of the thread: the sessions keep no state between runs.
    fn analyse(&mut self, batch: &[&Prepared]) -> Result<Vec<Analysis>, String> {
        let (models, options) = (&mut self.models, self.options);
        let run = AssertUnwindSafe(|| models.analyse(batch, options.floor, options.runs));
        match catch_unwind(run) {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(_) => Err("the program panicked; the log says where".into()),
        }
    }
}

fn record(analysis: &Analysis) {
    let stages = analysis.stages;
    metrics::histogram!("mekiki_queue_seconds").record(stages.queue);
    metrics::histogram!("mekiki_detect_seconds").record(stages.detect);
    metrics::histogram!("mekiki_embed_seconds").record(stages.embed);
    metrics::histogram!("mekiki_batch_pictures").record(stages.batch as f64);
    metrics::counter!("mekiki_pictures_analysed_total").increment(1);
    metrics::counter!("mekiki_faces_found_total").increment(analysis.faces.len() as u64);
    tracing::debug!(
        queue.ms = stages.queue * 1e3,
        detect.ms = stages.detect * 1e3,
        embed.ms = stages.embed * 1e3,
        batch.size = stages.batch,
        faces = analysis.faces.len(),
        "picture analysed"
    );
}

#[cfg(test)]
impl Engine {
    /// One whose thread has ended.
    pub(crate) fn stopped() -> Self {
        Self { queue: None, thread: None }
    }

    /// One whose queue has no room, as long as the second value is kept.
    pub(crate) fn full() -> (Self, impl Sized) {
        let (queue, jobs) = sync_channel(0);
        (Self { queue: Some(queue), thread: None }, jobs)
    }
}

#[cfg(test)]
mod tests;
