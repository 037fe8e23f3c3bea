//! The engine over the real models.

use std::collections::HashSet;

use super::*;
use crate::samples::Scene;
use crate::vision::{Analysis, DEFAULT_FLOOR, DEFAULT_SIDE};

const SMALL: u32 = 224;

fn prepared(seed: u64) -> Prepared {
    Prepared::new(Scene::new(seed).render().expect("a scene can be painted"), SMALL)
}

fn engine(options: EngineOptions) -> Engine {
    Engine::start(Models::for_tests(), options).expect("starts")
}

/// Boxes and embeddings, near enough: batches add up floats in another order.
fn assert_alike(a: &Analysis, b: &Analysis) {
    assert_eq!(a.faces.len(), b.faces.len());
    for (a, b) in a.faces.iter().zip(&b.faces) {
        assert!(a.bounds.iou(&b.bounds) > 0.999, "{:?} {:?}", a.bounds, b.bounds);
    }
    let views = |a: &Analysis| a.faces.iter().map(|f| f.features.clone()).chain([a.whole.clone()]).collect::<Vec<_>>();
    for (a, b) in views(a).iter().zip(&views(b)) {
        let worst = a.embedding.iter().zip(&b.embedding).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-3, "embeddings differ by {worst}");
        assert_eq!(a.colour, b.colour);
    }
}

/// An engine whose thread is still busy with something else: its queue is there, and nobody takes from it yet.
fn busy(options: EngineOptions) -> (Engine, Receiver<Job>) {
    let (queue, jobs) = sync_channel(options.queue);
    (Engine { queue: Some(queue), thread: None }, jobs)
}

/// The thread's work on all that has been queued, here and now.
fn work_off(engine: Engine, jobs: &Receiver<Job>, options: EngineOptions) {
    drop(engine);
    Worker { models: Models::for_tests(), options }.run(jobs);
}

#[tokio::test]
async fn alone_a_picture_is_not_kept_waiting_for_others() {
    let engine = engine(EngineOptions::default());
    let analysis = engine.analyse(prepared(0)).await.expect("analysed");
    assert_eq!(analysis.stages.batch, 1);
    // No timer: what it waits for is the thread to wake. Generous for a busy machine.
    assert!(analysis.stages.queue < 0.25, "queued {} s", analysis.stages.queue);
    assert_eq!(analysis.faces.len(), analysis.crops.len());
    assert!(!analysis.faces.is_empty());
}

#[tokio::test]
async fn batches_form_while_it_is_busy_and_answers_keep_their_order_and_are_those_of_single_runs() {
    let options = EngineOptions { runs: RunSizes::GPU, ..EngineOptions::default() };
    let seeds = [0, 14, 20, 54, 57];
    let sizes: HashSet<_> = seeds.iter().map(|&seed| prepared(seed).input()).collect();
    assert!((2..5).contains(&sizes.len()), "pictures of one size and of several: {sizes:?}");
    let (engine, jobs) = busy(options);
    let answers = seeds.map(|seed| engine.submit(prepared(seed)).expect("there is room"));
    work_off(engine, &jobs, options);
    let mut models = Models::for_tests();
    for ((answer, seed), batch) in answers.into_iter().zip(seeds).zip([4, 4, 4, 4, 1]) {
        let analysis = answer.await.expect("answered").expect("analysed");
        assert_eq!(analysis.stages.batch, batch);
        let alone = models.analyse(&[&prepared(seed)], options.floor, RunSizes::CPU).expect("analysed").remove(0);
        assert_alike(&analysis, &alone);
    }
}

#[tokio::test]
async fn a_full_queue_says_busy_at_once() {
    let options = EngineOptions { queue: 2, ..EngineOptions::default() };
    let (engine, jobs) = busy(options);
    let taken = [prepared(0), prepared(14)].map(|p| engine.submit(p).expect("there is room"));
    // Nobody works on the queue: this would hang if it waited for room.
    assert_eq!(engine.analyse(prepared(20)).await.expect_err("refused"), EngineError::Busy);
    work_off(engine, &jobs, options);
    for answer in taken {
        answer.await.expect("answered").expect("the others are not hurt");
    }
}

#[tokio::test]
async fn what_nobody_waits_for_is_skipped() {
    let options = EngineOptions::default();
    let (engine, jobs) = busy(options);
    drop(engine.submit(prepared(0)));
    let kept = engine.submit(prepared(20)).expect("there is room");
    drop(engine.submit(prepared(14)));
    work_off(engine, &jobs, options);
    // Three waited together; one was looked at.
    assert_eq!(kept.await.expect("answered").expect("analysed").stages.batch, 1);
}

#[tokio::test]
async fn a_bad_picture_fails_alone() {
    let options = EngineOptions::default();
    let (engine, jobs) = busy(options);
    let [bad, mad] = [prepared(0).broken(), prepared(0).panicking()].map(|p| engine.submit(p).expect("there is room"));
    let good = [14, 20].map(|seed| engine.submit(prepared(seed)).expect("there is room"));
    work_off(engine, &jobs, options);
    assert!(matches!(bad.await, Ok(Err(EngineError::Model(_)))));
    let error = mad.await.expect("answered").expect_err("panicked");
    assert!(error.to_string().contains("panicked"), "{error}");
    for answer in good {
        let analysis = answer.await.expect("answered").expect("the others are analysed");
        assert!(!analysis.faces.is_empty() && analysis.stages.batch == 1);
    }
}

#[tokio::test]
async fn dropped_it_ends_its_thread_after_what_is_queued() {
    let engine = engine(EngineOptions::default());
    let answers = [0, 14, 20].map(|seed| engine.submit(prepared(seed)).expect("there is room"));
    drop(engine);
    // The thread has ended: the answers are there without waiting.
    for mut answer in answers {
        answer.try_recv().expect("answered").expect("what was queued was finished");
    }
    assert_eq!(Engine::stopped().analyse(prepared(0)).await.expect_err("refused"), EngineError::Stopped);
}

#[test]
fn the_detector_finds_our_own_drawings() {
    let mut models = Models::for_tests();
    let (mut drawn, mut found) = (0, 0);
    for seed in 1000..1040 {
        let scene = Scene::new(seed);
        let picture = Prepared::new(scene.render().expect("a scene can be painted"), DEFAULT_SIDE);
        let faces = models.analyse(&[&picture], DEFAULT_FLOOR, RunSizes::CPU).expect("analysed").remove(0).faces;
        drawn += scene.faces.len();
        found += scene.faces.iter().filter(|d| faces.iter().any(|f| f.bounds.iou(&d.bounds) >= 0.5)).count();
    }
    let recall = found as f64 / drawn as f64;
    println!("recall {recall:.3} of {drawn} faces in 40 scenes");
    assert!(drawn >= 60 && recall >= 0.95, "recall {recall:.3} of {drawn} faces");
}
