//! Turns pages into an iterator.

/// The host gives at most this many items for one call.
const READ_PAGE: u32 = 1_000;

/// Items that the host hands over in pages. The count tells when to stop, not a short page.
pub(crate) struct Paged<'a, T> {
    fetch: Box<dyn FnMut(u32, u32) -> Vec<T> + 'a>,
    page: std::vec::IntoIter<T>,
    fetched: u32,
    count: u32,
}

impl<'a, T> Paged<'a, T> {
    /// `fetch` takes an offset and a limit.
    pub fn new(count: u32, fetch: impl FnMut(u32, u32) -> Vec<T> + 'a) -> Paged<'a, T> {
        Paged { fetch: Box::new(fetch), page: Vec::new().into_iter(), fetched: 0, count }
    }
}

impl<T> Iterator for Paged<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if let Some(item) = self.page.next() {
            return Some(item);
        }
        if self.fetched >= self.count {
            return None;
        }
        let page = (self.fetch)(self.fetched, READ_PAGE);
        // An empty page before the count is reached would loop for ever.
        self.fetched = if page.is_empty() { self.count } else { self.fetched + page.len() as u32 };
        self.page = page.into_iter();
        self.page.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.count - self.fetched.min(self.count)) as usize + self.page.len();
        (left, Some(left))
    }
}
