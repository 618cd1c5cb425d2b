//! The conformance suite on the objects of this crate.

// No adapter changes what is shown here, and it takes long: so it runs without them and with all of them, and not
// once more with each alone.
#![cfg(any(
    not(any(feature = "futures-io", feature = "hyper", feature = "tokio")),
    all(feature = "futures-io", feature = "hyper", feature = "tokio")
))]

mod common;

use io_traits::{
    AsyncRead, AsyncWrite, BufReader, BufWriter, Duplex, duplex,
    layer::Layer,
    split, task,
    testing::{Torture, conformance},
};

#[test]
fn a_duplex_keeps_the_laws_whatever_its_capacity() {
    for capacity in [1, 2, 64, 100_000] {
        conformance::stream(|| duplex(capacity)).run();
    }
}

#[test]
fn a_box_and_a_reference_keep_the_laws() {
    conformance::stream(|| {
        let (one, two) = duplex(64);
        (Box::new(one), Box::new(two))
    })
    .run();
    conformance::reader(|| {
        let (one, two) = duplex(64);
        (Box::new(one) as Box<dyn AsyncRead>, two)
    })
    .run();
    conformance::writer(|| {
        let (one, two) = duplex(64);
        (Box::new(one) as Box<dyn AsyncWrite>, two)
    })
    .run();
    // Leaked, because the suite wants objects that own what they are.
    let leaked = |end: Duplex| -> &'static mut Duplex { Box::leak(Box::new(end)) };
    conformance::writer(|| {
        let (one, two) = duplex(64);
        (leaked(one), two)
    })
    .run();
}

#[test]
fn halves_keep_the_laws() {
    // The other half lives on, or dropping it would end nothing.
    conformance::reader(|| {
        let (one, two) = duplex(64);
        let (read, write) = split(one);
        std::mem::forget(write);
        (read, two)
    })
    .run();
    conformance::writer(|| {
        let (one, two) = duplex(64);
        let (read, write) = split(one);
        std::mem::forget(read);
        (write, two)
    })
    .run();
}

#[test]
fn buffered_streams_keep_the_laws() {
    conformance::stream(|| {
        let (one, two) = duplex(64);
        (BufReader::new(one), two)
    })
    .run();
    conformance::stream(|| {
        let (one, two) = duplex(64);
        (BufWriter::new(one), two)
    })
    .run();
    conformance::stream(|| {
        let (one, two) = duplex(64);
        (BufReader::new(BufWriter::new(one)), two)
    })
    .run();
}

#[test]
fn a_layer_keeps_the_laws() {
    conformance::stream(|| {
        let (one, two) = duplex(64);

        let layer = Layer::new(one).on_shutdown(|end| task::poll(|cx| end.poll_shutdown(cx)));
        (layer.takes_slices(), two)
    })
    .run();
}

#[test]
fn a_tortured_stream_keeps_the_laws() {
    for seed in 0..4 {
        conformance::stream(|| {
            let (one, two) = duplex(64);
            (Torture::new(one, seed), two)
        })
        .run();
        conformance::stream(|| {
            let (one, two) = duplex(64);
            (one, Torture::new(two, seed))
        })
        .run();
    }
}
