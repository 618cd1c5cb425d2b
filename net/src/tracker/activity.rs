use std::sync::Arc;

use super::members::{self, Member, Members, Membership};

/// Says of one connection whether it is busy; from [`Tracker::serve`](super::Tracker::serve).
#[derive(Debug, Clone)]
pub struct Activity {
    members: Arc<Members>,
    member: Arc<Member>,
}

impl Activity {
    pub(super) fn new(membership: &Membership) -> Self {
        Self {
            members: membership.members().clone(),
            member: membership.member().clone(),
        }
    }

    /// Makes the connection busy until what is returned is dropped. Several at a time count as one.
    pub fn busy(&self) -> Busy {
        members::begin(&self.member);
        Busy {
            activity: self.clone(),
        }
    }

    /// Whether the end of the server has begun: this is the last answer on this connection.
    pub fn is_stopping(&self) -> bool {
        self.members.is_stopping()
    }
}

/// As long as it lives, its connection is busy; from [`Activity::busy`].
#[derive(Debug)]
#[must_use = "the connection is idle again when this is dropped"]
pub struct Busy {
    activity: Activity,
}

impl Drop for Busy {
    fn drop(&mut self) {
        members::finish(&self.activity.members, &self.activity.member);
    }
}
