//! Finds out that a listing does not end: in constant memory, and long before it costs much.

/// Most versions and delete markers of one listing. Stops a store that makes up one key after the other from filling the
/// memory: a verification keeps a few hundred bytes of each.
const MAX_LISTED: u64 = 10_000_000;

/// A page of fewer entries that is not the last one is short. S3 fills its pages, with 1,000 entries.
const SHORT_PAGE: u64 = 100;

/// Most short pages of one listing. Stops a store that goes on and on with pages that hold nothing.
const MAX_SHORT_PAGES: u64 = 256;

/// Most bytes of one listing: for each entry, and beside all entries. Stops a store that fills its pages with white space.
const MAX_ENTRY_BYTES: u64 = 16 << 10;
const MAX_OTHER_BYTES: u64 = 64 << 20;

/// Where the next page begins: a key, and a version of it.
pub(super) type Next = (String, Option<String>);

/// Why a listing counts as endless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endless {
    /// What follows this key is listed again and again.
    Circle(String),
    /// It has more than this many entries.
    Entries(u64),
    /// It has more than this many short pages.
    ShortPages(u64),
    /// It has more than this many bytes.
    Bytes(u64),
}

/// Watches over one listing.
#[derive(Default)]
pub(super) struct Watch {
    entries: u64,
    short_pages: u64,
    circle: Circle,
}

impl Watch {
    /// Takes note of a page's entries; `bytes` are those of the listing so far.
    pub(super) fn page(&mut self, entries: usize, bytes: u64) -> Result<(), Endless> {
        let entries = u64::try_from(entries).unwrap_or(u64::MAX);
        self.entries = self.entries.saturating_add(entries);
        if entries < SHORT_PAGE {
            self.short_pages = self.short_pages.saturating_add(1);
        }
        let max_bytes = self.entries.saturating_mul(MAX_ENTRY_BYTES);
        let max_bytes = max_bytes.saturating_add(MAX_OTHER_BYTES);
        if self.entries > MAX_LISTED {
            return Err(Endless::Entries(MAX_LISTED));
        }
        if bytes > max_bytes {
            return Err(Endless::Bytes(max_bytes));
        }
        Ok(())
    }

    /// Takes note of where the listing goes on.
    pub(super) fn goes_on(&mut self, next: &Next) -> Result<(), Endless> {
        if self.circle.closes(next) {
            return Err(Endless::Circle(next.0.clone()));
        }
        if self.short_pages > MAX_SHORT_PAGES {
            return Err(Endless::ShortPages(MAX_SHORT_PAGES));
        }
        Ok(())
    }
}

/// Finds out, in constant memory, that a listing goes round in a circle of any length (Brent's way): one page is kept to
/// compare with, each time for twice as long.
#[derive(Default)]
struct Circle {
    kept: Option<Next>,
    pages: u64,
}

impl Circle {
    fn closes(&mut self, next: &Next) -> bool {
        if self.kept.as_ref() == Some(next) {
            return true;
        }
        self.pages = self.pages.saturating_add(1);
        if self.pages.is_power_of_two() {
            self.kept = Some(next.clone());
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(at: usize) -> Next {
        (format!("key {at}"), Some("id".to_owned()))
    }

    #[test]
    fn a_circle_of_any_length_is_found_and_nothing_else_is_taken_for_one() {
        for (lead, length) in [(0, 1), (0, 2), (3, 1), (5, 7), (100, 33)] {
            let mut circle = Circle::default();
            let pages = (0..lead).chain((lead..lead + length).cycle());
            let seen = pages.take(1000).position(|at| circle.closes(&page(at)));
            assert!(
                seen.is_some_and(|seen| seen >= length),
                "{lead}, {length}: {seen:?}"
            );
        }
        let mut circle = Circle::default();
        assert!((0..10_000).all(|at| !circle.closes(&page(at))));
    }

    /// How a listing of such pages ends, and after how many of them.
    fn end(entries: usize, bytes: u64) -> (usize, Option<Endless>) {
        let mut watch = Watch::default();
        for at in 0..20_000 {
            let read = bytes.saturating_mul(u64::try_from(at).unwrap());
            let taken = watch.page(entries, read);
            if let Err(endless) = taken.and_then(|()| watch.goes_on(&page(at))) {
                return (at, Some(endless));
            }
        }
        (20_000, None)
    }

    #[test]
    fn a_listing_has_a_largest_number_of_entries_short_pages_and_bytes() {
        assert_eq!(
            end(1000, 4 << 20),
            (10_000, Some(Endless::Entries(10_000_000)))
        );
        assert_eq!(end(99, 1 << 10), (256, Some(Endless::ShortPages(256))));
        assert_eq!(end(0, 1 << 10), (256, Some(Endless::ShortPages(256))));
        assert_eq!(end(100, 1 << 10), (20_000, None));
        let (pages, endless) = end(100, 8 << 20);
        assert!(pages < 20 && matches!(endless, Some(Endless::Bytes(_))));
    }
}
