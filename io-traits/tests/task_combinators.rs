//! Under combinators that poll a child only when the child's own waker was used, nobody is forgotten.

mod common;

use std::io::Read;

use common::drive;
use futures::{
    FutureExt, StreamExt,
    future::{join_all, select_all},
    select_biased,
    stream::{self, FuturesUnordered},
};
use io_traits::{io, task, testing::Script};

fn late(byte: u8) -> Script {
    Script::new().would_block().would_block().gives([byte])
}

#[test]
fn under_futures_unordered_each_child_is_polled_again() {
    let mut children: FuturesUnordered<_> = (0..50)
        .map(|n| async move {
            let mut script = late(n);
            let mut buf = [0; 1];
            task::io(|| script.read(&mut buf)).await.unwrap();
            buf[0]
        })
        .collect();
    let (mut seen, _) = drive(async {
        let mut seen = Vec::new();
        while let Some(byte) = children.next().await {
            seen.push(byte);
        }
        seen
    });
    seen.sort_unstable();
    assert_eq!(seen, (0..50).collect::<Vec<u8>>());
}

#[test]
fn under_select_the_late_branch_wins_in_the_end() {
    let (winner, _) = drive(async {
        let (mut quick, mut never) = (late(1), Script::new().never_gives());
        let (mut a, mut b) = ([0; 1], [0; 1]);
        let mut quick = task::io(|| quick.read(&mut a)).fuse();
        let mut never = io::read(&mut never, &mut b).fuse();
        select_biased! { _ = never => "never", _ = quick => "quick" }
    });
    assert_eq!(winner, "quick");
}

#[test]
fn under_buffer_unordered_join_all_and_select_all_everybody_comes_home() {
    let read_one = |n| async move {
        let mut script = late(n);
        let mut buf = [0; 1];
        io::read_exact(&mut script, &mut buf).await.unwrap();
        buf[0]
    };
    let (sum, _) = drive(async {
        let buffered: Vec<u8> = stream::iter(0..20)
            .map(read_one)
            .buffer_unordered(7)
            .collect()
            .await;
        let joined = join_all((0..20).map(read_one)).await;
        let (first, ..) = select_all((7..9).map(|n| read_one(n).boxed_local())).await;
        buffered.len() + joined.len() + usize::from(first >= 7)
    });
    assert_eq!(sum, 41);
}
