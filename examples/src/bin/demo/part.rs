use std::time::Duration;

use clap::ValueEnum;

/// A part of the demonstration. They come one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The TCP clients, each with a connection to the server.
    Direct,
    /// The same once more, each with a connection to the proxy.
    Proxied,
    /// The UDP clients; to the server, since the proxy carries connections only.
    Udp,
}

/// What a client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Raw,
    Lines,
    Frames,
    Udp,
}

impl Part {
    pub(crate) const ALL: [Self; 3] = [Self::Direct, Self::Proxied, Self::Udp];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Proxied => "through the proxy",
            Self::Udp => "UDP",
        }
    }

    /// Which of the `wanted` kinds of clients take part.
    pub(crate) fn kinds(self, wanted: &[Kind]) -> Vec<Kind> {
        let takes_part = |kind: &Kind| (*kind == Kind::Udp) == (self == Self::Udp);
        wanted.iter().copied().filter(takes_part).collect()
    }

    /// How long it takes, of all the time that there is. Half of it is flooding, half is paced.
    pub(crate) fn share(self, of: Duration) -> Duration {
        match self {
            Self::Direct | Self::Proxied => of * 2 / 5,
            Self::Udp => of / 5,
        }
    }

    /// How many descriptors a client takes, both ends of its connections being in this process.
    pub(crate) fn descriptors(self) -> usize {
        match self {
            Self::Direct => 2,
            Self::Proxied => 4,
            Self::Udp => 1,
        }
    }
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Raw, Self::Lines, Self::Frames, Self::Udp];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Lines => "lines",
            Self::Frames => "frames",
            Self::Udp => "UDP",
        }
    }

    /// What the name leaves open.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Frames => "frames of 1 B to 1 MiB",
            _ => self.name(),
        }
    }
}
