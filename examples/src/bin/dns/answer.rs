use std::time::Duration;

use simple_dns::{Packet, PacketFlag, RCODE, header_buffer, rdata::RData};

/// What the name server has said.
#[derive(Debug)]
pub(crate) struct Answer {
    /// INVARIANT: a message.
    bytes: Vec<u8>,
}

impl Answer {
    /// Of bytes that [`Query::is_answered_by`](crate::message::Query::is_answered_by) has approved of.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// # Errors
    ///
    /// None, as it has been read before.
    pub(crate) fn packet(&self) -> simple_dns::Result<Packet<'_>> {
        Packet::parse(&self.bytes)
    }

    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        Self { bytes: Vec::new() }
    }

    /// In bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_truncated(&self) -> bool {
        header_buffer::has_flags(&self.bytes, PacketFlag::TRUNCATION).unwrap_or(true)
    }

    /// How long it may be remembered, if at all: as long as each of its records, and that there is nothing
    /// as long as the zone says, RFC 2308.
    pub(crate) fn lifetime(&self) -> Option<Duration> {
        let packet = self.packet().ok()?;
        let is_negative = match packet.rcode() {
            RCODE::NoError => packet.answers.is_empty(),
            RCODE::NameError => true,
            _ => return None,
        };
        let authorities = packet.name_servers.iter();
        let mut limits: Vec<_> = authorities
            .clone()
            .filter_map(|record| match &record.rdata {
                RData::SOA(zone) if is_negative => Some(zone.minimum),
                _ => None,
            })
            .collect();
        if self.is_truncated() || is_negative && limits.is_empty() {
            return None;
        }
        let records = authorities
            .chain(&packet.answers)
            .chain(&packet.additional_records);
        limits.extend(records.map(|record| record.ttl));
        let seconds = limits.into_iter().min()?.min(LONGEST_LIFE);
        (seconds > 0).then(|| Duration::from_secs(seconds.into()))
    }
}

/// A day, in seconds.
const LONGEST_LIFE: u32 = 86_400;
