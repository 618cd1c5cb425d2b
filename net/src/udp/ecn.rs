/// Explicit congestion notification, RFC 3168: what a router may have said about a datagram.
///
/// # Examples
///
/// ```
/// use net::Ecn;
///
/// assert_eq!(Ecn::of_tos(0b1011_1010), Ecn::Ect0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Ecn {
    /// The transport does not take part.
    NotEct = 0b00,
    /// It takes part, ECT(1).
    Ect1 = 0b01,
    /// It takes part, ECT(0).
    Ect0 = 0b10,
    /// Congestion experienced: a router has marked the datagram instead of dropping it.
    Ce = 0b11,
}

impl Ecn {
    /// The lower two bits of the byte that IPv4 calls "type of service" and IPv6 "traffic class".
    pub fn of_tos(tos: u8) -> Self {
        match tos & 0b11 {
            0b00 => Self::NotEct,
            0b01 => Self::Ect1,
            0b10 => Self::Ect0,
            _ => Self::Ce,
        }
    }
}
