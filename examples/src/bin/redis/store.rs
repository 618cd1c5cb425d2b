use std::{
    collections::{BTreeSet, HashMap},
    time::Instant,
};

use bytes::Bytes;

use crate::{
    command::Failure,
    value::{Kind, Value},
};

/// The dictionary.
#[derive(Debug, Default)]
pub(crate) struct Store {
    entries: HashMap<Bytes, Entry>,
    // INVARIANT: one pair for each entry that expires, and no other.
    expiring: BTreeSet<(Instant, Bytes)>,
}

#[derive(Debug)]
struct Entry {
    value: Value,
    expires: Option<Instant>,
}

impl Store {
    /// Removes every key whose time has come.
    pub(crate) fn remove_expired(&mut self) {
        if self.expiring.is_empty() {
            return;
        }
        let now = Instant::now();
        while let Some((when, _)) = self.expiring.first() {
            if *when > now {
                return;
            }
            let (_, key) = self.expiring.pop_first().expect("it was looked at");
            self.entries.remove(&key);
        }
    }

    /// Puts a value in the place of what was there, with its expiry if one is given.
    pub(crate) fn set(&mut self, key: Bytes, value: impl Into<Value>, expires: Option<Instant>) {
        self.forget_expiry(&key);
        if let Some(when) = expires {
            self.expiring.insert((when, key.clone()));
        }
        let value = value.into();
        self.entries.insert(key, Entry { value, expires });
    }

    /// The value of a key, if it is of this kind.
    pub(crate) fn get<K: Kind>(&mut self, key: &Bytes) -> Result<Option<&mut K>, Failure> {
        match self.entries.get_mut(key) {
            None => Ok(None),
            Some(entry) => K::of(&mut entry.value).map(Some).ok_or(Failure::WrongType),
        }
    }

    /// The value of a key, made if there is none.
    pub(crate) fn get_or_new<K: Kind>(&mut self, key: &Bytes) -> Result<&mut K, Failure> {
        if !self.entries.contains_key(key) {
            self.set(key.clone(), K::default(), None);
        }
        let entry = self.entries.get_mut(key).expect("it was put in");
        K::of(&mut entry.value).ok_or(Failure::WrongType)
    }

    /// Changes the value of a key, if there is one; a collection that becomes empty goes with its key.
    pub(crate) fn change<K: Kind, R>(
        &mut self,
        key: &Bytes,
        change: impl FnOnce(&mut K) -> R,
    ) -> Result<Option<R>, Failure> {
        let Some(value) = self.get(key)? else {
            return Ok(None);
        };
        let result = change(value);
        if self.entries[key].value.is_empty_collection() {
            self.remove(key);
        }
        Ok(Some(result))
    }

    /// Whether there was one.
    pub(crate) fn remove(&mut self, key: &Bytes) -> bool {
        self.forget_expiry(key);
        self.entries.remove(key).is_some()
    }

    /// Sets when a key expires, if there is one.
    pub(crate) fn set_expiry(&mut self, key: &Bytes, expires: Option<Instant>) -> bool {
        self.forget_expiry(key);
        let Some(entry) = self.entries.get_mut(key) else {
            return false;
        };
        entry.expires = expires;
        if let Some(when) = expires {
            self.expiring.insert((when, key.clone()));
        }
        true
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn contains(&self, key: &Bytes) -> bool {
        self.entries.contains_key(key)
    }

    /// When a key expires, if ever, and if there is one.
    pub(crate) fn expiry(&self, key: &Bytes) -> Option<Option<Instant>> {
        self.entries.get(key).map(|entry| entry.expires)
    }

    pub(crate) fn kind(&self, key: &Bytes) -> Option<&'static str> {
        self.entries.get(key).map(|entry| entry.value.kind())
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn expiring(&self) -> usize {
        self.expiring.len()
    }

    fn forget_expiry(&mut self, key: &Bytes) {
        let entry = self.entries.get_mut(key);
        if let Some(when) = entry.and_then(|entry| entry.expires.take()) {
            self.expiring.remove(&(when, key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::value::List;

    fn key(name: &'static str) -> Bytes {
        Bytes::from_static(name.as_bytes())
    }

    #[test]
    fn what_has_expired_is_gone_and_what_lives_on_stays() {
        let mut store = Store::default();
        let now = Instant::now();
        store.set(key("past"), key("value"), Some(now));
        store.set(
            key("future"),
            key("value"),
            Some(now + Duration::from_secs(1_000)),
        );
        store.set(key("ever"), key("value"), None);
        store.set(key("saved"), key("value"), Some(now));
        store.set_expiry(&key("saved"), None);
        store.set(key("again"), key("value"), Some(now));
        store.set(key("again"), key("value"), None);
        store.remove_expired();
        assert!(!store.contains(&key("past")));
        assert_eq!((store.len(), store.expiring()), (4, 1));
    }

    #[test]
    fn a_key_that_is_given_new_times_for_ever_is_remembered_once() {
        let mut store = Store::default();
        let now = Instant::now();
        for seconds in 1_000..2_000 {
            let when = Some(now + Duration::from_secs(seconds));
            store.set(key("key"), key("value"), when);
            store.set_expiry(&key("key"), when);
        }
        assert_eq!(store.expiring(), 1);
        store.remove(&key("key"));
        assert_eq!(store.expiring(), 0);
    }

    #[test]
    fn a_collection_goes_with_its_last_element_and_another_kind_is_refused() {
        let mut store = Store::default();
        store
            .get_or_new::<List>(&key("list"))
            .unwrap()
            .push_back(key("one"));
        assert!(store.get::<Bytes>(&key("list")).is_err());
        let popped = store.change(&key("list"), List::pop_front).unwrap();
        assert_eq!(popped, Some(Some(key("one"))));
        assert!(!store.contains(&key("list")));
        assert_eq!(store.change(&key("list"), List::pop_front).unwrap(), None);
    }
}
