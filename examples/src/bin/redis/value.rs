use std::collections::{HashMap, HashSet, VecDeque};

use bytes::Bytes;

pub(crate) type List = VecDeque<Bytes>;
pub(crate) type Set = HashSet<Bytes>;
pub(crate) type Hash = HashMap<Bytes, Bytes>;

/// What stands under a key. A collection is never empty: with its last element its key goes.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    String(Bytes),
    List(List),
    Set(Set),
    Hash(Hash),
}

impl Value {
    /// As the command `TYPE` calls it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Hash(_) => "hash",
        }
    }

    pub(crate) fn is_empty_collection(&self) -> bool {
        match self {
            Self::String(_) => false,
            Self::List(list) => list.is_empty(),
            Self::Set(set) => set.is_empty(),
            Self::Hash(hash) => hash.is_empty(),
        }
    }
}

/// One of the kinds of values.
pub(crate) trait Kind: Default + Into<Value> {
    /// The value as this kind, if it is one.
    fn of(value: &mut Value) -> Option<&mut Self>;
}

macro_rules! kinds {
    ($($kind:ty => $variant:ident),*) => {$(
        impl Kind for $kind {
            fn of(value: &mut Value) -> Option<&mut Self> {
                match value {
                    Value::$variant(inner) => Some(inner),
                    _ => None,
                }
            }
        }

        impl From<$kind> for Value {
            fn from(inner: $kind) -> Self {
                Self::$variant(inner)
            }
        }
    )*};
}

kinds!(Bytes => String, List => List, Set => Set, Hash => Hash);
