/// One of the two ways that bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the object to the task; accepting is reading, too.
    Read,
    /// From the task to the object; connecting is writing, too.
    Write,
}
