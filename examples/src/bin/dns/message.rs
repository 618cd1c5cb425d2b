use simple_dns::{OPCODE, Packet, PacketFlag, Question, RCODE, header_buffer, rdata::OPT};

use crate::answer::Answer;

/// What a client asks, as far as it is passed on.
#[derive(Debug)]
pub(crate) struct Query {
    id: u16,
    question: Question<'static>,
    /// Of the flags that are passed on.
    flags: PacketFlag,
    /// The bytes of a datagram that the client takes; `None` if it knows nothing of EDNS, RFC 6891.
    edns: Option<u16>,
    key: Key,
}

/// What an answer depends on.
pub(crate) type Key = std::rc::Rc<[u8]>;

/// By which way a client has asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    Udp,
    Tcp,
}

/// Why a message is no query that is passed on.
#[derive(Debug)]
pub(crate) enum Refusal {
    Silence,
    Answer(Vec<u8>),
}

impl Query {
    /// Reads a client's message.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let (Ok(id), Ok(opcode), Ok(is_response)) = (
            header_buffer::id(bytes),
            header_buffer::opcode(bytes),
            header_buffer::has_flags(bytes, PacketFlag::RESPONSE),
        ) else {
            return Err(Refusal::Silence);
        };
        // Two who answer each other's answers would never end.
        if is_response || bytes.len() < HEADER {
            return Err(Refusal::Silence);
        }
        let refuse = |rcode| {
            let mut packet = Packet::new_reply(id);
            *packet.opcode_mut() = opcode;
            *packet.rcode_mut() = rcode;
            let written = packet.build_bytes_vec();
            written.map_or(Refusal::Silence, Refusal::Answer)
        };
        if opcode != OPCODE::StandardQuery {
            return Err(refuse(RCODE::NotImplemented));
        }
        let Ok(mut packet) = Packet::parse(bytes) else {
            return Err(refuse(RCODE::FormatError));
        };
        // simple-dns 0.13 takes the flags of EDNS for its version, so that is not looked at.
        let edns = packet.opt().map(|opt| opt.udp_packet_size);
        let (Some(question), []) = (packet.questions.pop(), &packet.questions[..]) else {
            return Err(refuse(RCODE::FormatError));
        };
        // simple-dns takes the highest bit off a class, as it is none of it in multicast DNS, RFC 6762, 5.4. Here
        // it is another class, and two questions would have one answer.
        if question.unicast_response {
            return Err(refuse(RCODE::FormatError));
        }
        let flags = [PacketFlag::RECURSION_DESIRED, PacketFlag::CHECKING_DISABLED]
            .into_iter()
            .filter(|&flag| packet.has_flags(flag))
            .fold(PacketFlag::empty(), PacketFlag::union);
        let mut key = asked(&question);
        key.extend(flags.bits().to_be_bytes());
        Ok(Self {
            id,
            question: question.into_owned(),
            flags,
            edns,
            key: key.into(),
        })
    }

    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// The question for the name server, with another number, which nobody else can know.
    pub(crate) fn for_upstream(&self, id: u16) -> Option<Vec<u8>> {
        let mut packet = Packet::new_query(id);
        packet.set_flags(self.flags);
        packet.questions.push(self.question.clone());
        *packet.opt_mut() = Some(our_opt());
        packet.build_bytes_vec().ok()
    }

    /// Whether a message is the name server's answer to this question, which has had that number.
    pub(crate) fn is_answered_by(&self, id: u16, bytes: &[u8]) -> bool {
        Packet::parse(bytes).is_ok_and(|packet| {
            packet.id() == id
                && packet.has_flags(PacketFlag::RESPONSE)
                && matches!(
                    &packet.questions[..],
                    [one] if !one.unicast_response && asked(one) == asked(&self.question)
                )
        })
    }

    /// The answer to this client, so many seconds after the name server has given it. What does not fit
    /// into a datagram of the client's is left out, so that it asks again by TCP.
    pub(crate) fn answer(&self, answer: &Answer, age: u32, by: By) -> Vec<u8> {
        let limit = match (by, self.edns) {
            (By::Tcp, _) => usize::from(u16::MAX),
            (By::Udp, size) => usize::from(size.unwrap_or(0).clamp(SMALLEST, OUR_SIZE)),
        };
        let written = self.aged(answer, age).and_then(|mut packet| {
            let whole = packet.build_bytes_vec_compressed()?;
            if whole.len() <= limit {
                return Ok(whole);
            }
            packet.set_flags(PacketFlag::TRUNCATION);
            packet.answers.clear();
            packet.name_servers.clear();
            packet.additional_records.clear();
            packet.build_bytes_vec_compressed()
        });
        written.unwrap_or_else(|_| self.failure())
    }

    /// That the name server has failed.
    pub(crate) fn failure(&self) -> Vec<u8> {
        let mut packet = Packet::new_reply(self.id);
        packet.set_flags(self.flags | PacketFlag::RECURSION_AVAILABLE);
        *packet.rcode_mut() = RCODE::ServerFailure;
        packet.questions.push(self.question.clone());
        *packet.opt_mut() = self.edns.map(|_| our_opt());
        packet
            .build_bytes_vec()
            .expect("the question has been read, so it can be written")
    }

    fn aged<'a>(&self, answer: &'a Answer, age: u32) -> simple_dns::Result<Packet<'a>> {
        let mut packet = answer.packet()?;
        packet.set_id(self.id);
        // As the client has written it, also in the case of its letters.
        packet.questions = vec![self.question.clone()];
        *packet.opt_mut() = self.edns.map(|_| our_opt());
        let Packet {
            answers,
            name_servers,
            additional_records,
            ..
        } = &mut packet;
        for record in answers
            .iter_mut()
            .chain(name_servers)
            .chain(additional_records)
        {
            record.ttl = record.ttl.saturating_sub(age);
        }
        Ok(packet)
    }
}

/// What is asked, by a question without `unicast_response`: names are the same in capitals.
fn asked(question: &Question<'_>) -> Vec<u8> {
    let mut asked = Vec::new();
    for label in question.qname.as_bytes() {
        // A label has 63 bytes at most.
        asked.push(label.len() as u8);
        asked.extend(label.to_ascii_lowercase());
    }
    asked.push(0);
    asked.extend(u16::from(question.qtype).to_be_bytes());
    asked.extend(u16::from(question.qclass).to_be_bytes());
    asked
}

fn our_opt() -> OPT<'static> {
    OPT {
        opt_codes: Vec::new(),
        udp_packet_size: OUR_SIZE,
        version: 0,
    }
}

/// The bytes of a datagram that no path breaks into pieces; <https://www.dnsflagday.net/2020/>.
pub(crate) const OUR_SIZE: u16 = 1232;

/// What every client takes, RFC 1035, 4.2.1.
const SMALLEST: u16 = 512;

const HEADER: usize = 12;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use simple_dns::{
        CLASS, Name, ResourceRecord, TYPE,
        rdata::{RData, TXT},
    };

    use super::*;

    /// A client's question, with EDNS or without.
    fn asked_with(edns: Option<u16>) -> Query {
        let mut packet = Packet::new_query(7);
        let name = Name::new("Some.Test").unwrap();
        let question = Question::new(name, TYPE::TXT.into(), CLASS::IN.into(), false);
        packet.questions.push(question);
        *packet.opt_mut() = edns.map(|udp_packet_size| OPT {
            udp_packet_size,
            ..our_opt()
        });
        Query::parse(&packet.build_bytes_vec().unwrap()).unwrap()
    }

    /// So many texts of 100 bytes, with the name in other letters.
    fn said(texts: usize, ttl: u32) -> Answer {
        let text = "x".repeat(100);
        let mut packet = Packet::new_reply(1);
        let name = Name::new("some.test").unwrap();
        let question = Question::new(name.clone(), TYPE::TXT.into(), CLASS::IN.into(), false);
        packet.questions.push(question);
        for _ in 0..texts {
            let text = TXT::new().with_string(&text).unwrap();
            let record = ResourceRecord::new(name.clone(), CLASS::IN, ttl, RData::TXT(text));
            packet.answers.push(record);
        }
        Answer::new(packet.build_bytes_vec().unwrap())
    }

    #[test]
    fn records_grow_older_and_the_rest_is_as_the_client_has_asked() {
        let (query, answer) = (asked_with(None), said(1, 60));
        for (age, ttl) in [(0, 60), (7, 53), (100, 0)] {
            let bytes = query.answer(&answer, age, By::Udp);
            let packet = Packet::parse(&bytes).unwrap();
            assert_eq!((packet.id(), packet.answers[0].ttl), (7, ttl));
            assert_eq!(packet.questions[0].qname.to_string(), "Some.Test");
            assert!(packet.opt().is_none());
        }
        assert_eq!(answer.lifetime(), Some(Duration::from_secs(60)));
        assert_eq!(said(1, 0).lifetime(), None);
        assert_eq!(
            said(1, u32::MAX).lifetime(),
            Some(Duration::from_secs(86_400))
        );
    }

    #[test]
    fn an_answer_is_no_longer_than_the_client_takes() {
        for (edns, texts, by, fits) in [
            (None, 4, By::Udp, true),
            (None, 5, By::Udp, false),
            (Some(1232), 10, By::Udp, true),
            (Some(1232), 11, By::Udp, false),
            // More than the path takes, and less than everybody has to take.
            (Some(9000), 11, By::Udp, false),
            (Some(0), 4, By::Udp, true),
            (None, 100, By::Tcp, true),
        ] {
            let bytes = asked_with(edns).answer(&said(texts, 60), 0, by);
            let packet = Packet::parse(&bytes).unwrap();
            assert_eq!(packet.has_flags(PacketFlag::TRUNCATION), !fits, "{texts}");
            assert_eq!(packet.answers.len(), if fits { texts } else { 0 });
            assert_eq!(packet.opt().is_some(), edns.is_some());
        }
    }
}
