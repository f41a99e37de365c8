//! A listener on loopback and peers that behave badly, without a host behind it.

use super::paced::{Paced, Phase};
use super::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[test]
fn what_is_wrong_with_one_connection_does_not_stop_the_others_and_a_lack_of_files_does_not_spin() {
    assert_eq!(pause_after(&ErrorKind::ConnectionAborted.into()), None);
    // EMFILE and ENFILE, for this process and for the whole machine.
    for number in [24, 23] {
        assert_eq!(pause_after(&Error::from_raw_os_error(number)), Some(ACCEPT_PAUSE));
    }
}

fn patience(each: Duration) -> Patience {
    Patience { head: each, write: each, idle: each }
}

#[tokio::test]
async fn who_does_not_read_an_answer_is_not_waited_for() {
    let (near, _far) = tokio::io::duplex(16);
    let phase = Phase::default();
    phase.answering();
    let mut paced = Paced::new(near, phase, patience(Duration::from_millis(5)));
    let error = paced.write_all(&[0; 64]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_head_that_trickles_in_is_cut_off_and_a_rest_between_requests_is_not() {
    let (near, mut far) = tokio::io::duplex(16);
    let phase = Phase::default();
    let mut paced = Paced::new(near, phase.clone(), patience(Duration::from_millis(20)));
    phase.waiting();
    // Nothing has begun, so nothing has to end.
    let resting = tokio::time::timeout(Duration::from_millis(60), paced.read_u8()).await;
    assert!(resting.is_err(), "{resting:?}");
    let trickle = tokio::spawn(async move { while far.write_all(b"x").await.is_ok() {} });
    let error = loop {
        if let Err(error) = paced.read_u8().await {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    drop(paced);
    trickle.await.unwrap();
}
