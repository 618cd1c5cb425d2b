use std::{error, fmt};

use super::Law;

/// A law is broken, and this is how.
#[derive(Debug, Clone)]
pub struct Broken {
    law: Law,
    story: Vec<String>,
}

impl Broken {
    pub(super) fn new(law: Law, story: Vec<String>) -> Self {
        Self { law, story }
    }

    /// Which law.
    pub fn law(&self) -> Law {
        self.law
    }

    /// What was done, step by step, and what came of it.
    pub fn story(&self) -> &[String] {
        &self.story
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken: {}", self.law)?;
        for step in &self.story {
            write!(f, "\n  - {step}")?;
        }
        Ok(())
    }
}

impl error::Error for Broken {}
