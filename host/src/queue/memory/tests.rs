//! The queue in memory: what is taken together, in which order, and when.

use super::*;
use crate::model::{HeadSha, InstallationId, JobKind, RepositoryName};

#[derive(Debug)]
struct Fixed;
impl Clock for Fixed {
    fn now(&self) -> Unix {
        1_000
    }
}

fn queue(capacity: usize) -> MemoryQueue {
    MemoryQueue::new(Arc::new(Fixed), capacity, Duration::ZERO)
}

fn job(id: &str, commit: u8) -> Job {
    Job {
        id: JobId(id.to_owned()),
        commit: CommitKey {
            installation: InstallationId(1),
            repository: RepositoryName::new("acme", "shop").expect("valid"),
            sha: HeadSha::parse(&format!("{commit:040x}")).expect("valid"),
        },
        kind: JobKind::Deadline,
        now: 1_000,
        delivery: None,
        trail: Default::default(),
        attempt: 0,
    }
}

fn delivery(id: &str) -> DeliveryId {
    DeliveryId::parse(id).expect("valid")
}

fn ids(lease: &Lease) -> Vec<&str> {
    lease.jobs.iter().map(|job| job.id.0.as_str()).collect()
}

/// Proves R7, W32.
#[tokio::test]
async fn hints_about_one_commit_are_taken_together_and_in_order() {
    let queue = queue(10);
    for (id, commit) in [("a", 1), ("b", 2), ("c", 1)] {
        queue.accept(delivery(id), job(id, commit)).await.expect("accept");
    }
    assert_eq!(ids(&queue.take().await.expect("take")), ["a", "c"]);
    assert_eq!(ids(&queue.take().await.expect("take")), ["b"]);
}

#[tokio::test]
async fn nobody_gets_a_commit_that_is_leased() {
    let queue = queue(10);
    queue.accept(delivery("a"), job("a", 1)).await.expect("accept");
    let lease = queue.take().await.expect("take");
    queue.accept(delivery("b"), job("b", 1)).await.expect("accept");
    assert!(queue.poll().is_err());
    queue.give_back(lease, Ended::Done).await.expect("give back");
    assert_eq!(ids(&queue.take().await.expect("take")), ["b"]);
}

#[tokio::test]
async fn what_failed_comes_back_before_what_came_since() {
    let queue = queue(10);
    queue.accept(delivery("a"), job("a", 1)).await.expect("accept");
    let lease = queue.take().await.expect("take");
    queue.accept(delivery("b"), job("b", 1)).await.expect("accept");
    queue.give_back(lease, Ended::Retry(Duration::ZERO)).await.expect("give back");
    let lease = queue.take().await.expect("take");
    assert_eq!(ids(&lease), ["a", "b"]);
    assert_eq!(lease.jobs[0].attempt, 1);
}

/// Proves R4.
#[tokio::test]
async fn a_delivery_seen_before_is_a_duplicate_until_its_job_is_buried() {
    let queue = queue(10);
    let with_delivery = || Job { delivery: Some(delivery("a")), ..job("a", 1) };
    queue.accept(delivery("a"), with_delivery()).await.expect("accept");
    assert_eq!(queue.accept(delivery("a"), with_delivery()).await.expect("accept"), Accepted::Duplicate);
    let lease = queue.take().await.expect("take");
    queue.give_back(lease, Ended::Buried("no luck".into())).await.expect("give back");
    assert!(matches!(queue.accept(delivery("a"), with_delivery()).await.expect("accept"), Accepted::Queued(_)));
    assert_eq!(queue.depth().await.buried, 1);
}

/// Proves R6, W32.
#[tokio::test]
async fn a_full_queue_refuses_and_remembers_nothing_of_the_delivery() {
    let queue = queue(1);
    queue.accept(delivery("a"), job("a", 1)).await.expect("accept");
    let full = queue.accept(delivery("b"), job("b", 2)).await.expect("accept");
    assert!(matches!(full, Accepted::Full { .. }));
    queue.take().await.expect("take");
    assert!(matches!(queue.accept(delivery("b"), job("b", 2)).await.expect("accept"), Accepted::Queued(_)));
}

/// The window's end after each of these hints, in milliseconds after the first.
fn windows(joins: impl Fn(Coalescing) -> Joins, hints_ms: &[u64]) -> Vec<u128> {
    let coalescing = Coalescing::after(Duration::from_millis(200));
    let since = Instant::now();
    let until = |at_ms: &u64| joins(coalescing).until(since, since + Duration::from_millis(*at_ms));
    hints_ms.iter().map(|at_ms| (until(at_ms) - since).as_millis()).collect()
}

/// Proves W31.
#[test]
fn hints_are_gathered_200_ms_after_the_last_and_2_s_after_the_first_and_10_s_under_pressure() {
    assert_eq!(windows(Joins::Hint, &[0, 150, 1_700, 1_950]), [200, 350, 1_900, 2_000]);
    assert_eq!(windows(Joins::HintUnderPressure, &[0, 9_000]), [10_000, 10_000]);
    assert_eq!(windows(|_| Joins::Due, &[700]), [700]);
}

#[tokio::test]
async fn what_was_given_back_is_not_taken_earlier_because_a_hint_joins_it() {
    let queue = queue(10);
    queue.accept(delivery("a"), job("a", 1)).await.expect("accept");
    let lease = queue.take().await.expect("take");
    queue.give_back(lease, Ended::Wait(Duration::from_secs(3600))).await.expect("give back");
    queue.accept(delivery("b"), job("b", 1)).await.expect("accept");
    queue.schedule(job("c", 1), 0).await.expect("schedule");
    assert!(queue.poll().is_err());
}

#[derive(Debug)]
struct Pressed;
impl Pressure for Pressed {
    fn is_limited(&self, _: InstallationId) -> bool {
        true
    }
}

#[tokio::test]
async fn a_job_whose_time_has_come_takes_the_hints_along() {
    let queue = MemoryQueue::new(Arc::new(Fixed), 10, Duration::from_secs(60)).under(Arc::new(Pressed));
    queue.accept(delivery("a"), job("a", 1)).await.expect("accept");
    assert!(queue.poll().is_err(), "others may follow");
    queue.schedule(job("b", 1), 0).await.expect("schedule");
    queue.accept(delivery("c"), job("c", 1)).await.expect("accept");
    assert_eq!(ids(&queue.take().await.expect("take")), ["a", "b", "c"]);
}

#[tokio::test]
async fn the_ledger_tells_where_a_delivery_stands_and_a_commit_is_busy_until_it_is_given_back() {
    let queue = queue(10);
    let with_delivery = Job { delivery: Some(delivery("a")), ..job("a", 1) };
    let commit = with_delivery.commit.clone();
    assert_eq!(queue.outcome(&delivery("a")).await.expect("answer"), None);
    queue.accept(delivery("a"), with_delivery).await.expect("accept");
    assert_eq!(queue.outcome(&delivery("a")).await.expect("answer"), Some(Outcome::Queued));
    assert!(queue.is_busy(&commit).await);
    let lease = queue.take().await.expect("take");
    assert!(queue.is_busy(&commit).await);
    queue.give_back(lease, Ended::Done).await.expect("give back");
    assert_eq!(queue.outcome(&delivery("a")).await.expect("answer"), Some(Outcome::Done));
    assert!(!queue.is_busy(&commit).await);
}

#[tokio::test]
async fn a_scheduled_job_waits_for_its_time() {
    let queue = queue(1);
    queue.schedule(job("later", 1), 2_000).await.expect("schedule");
    assert!(queue.poll().is_err());
    queue.schedule(job("due", 2), 1_000).await.expect("schedule");
    assert_eq!(ids(&queue.take().await.expect("take")), ["due"]);
    assert_eq!(queue.depth().await.delayed, 1);
}
