use std::fs;

/// The most memory that this process has had resident since the last [`reset_peak`], in bytes; known on
/// Linux only. What lies in the buffers of sockets is the system's and not counted.
pub(crate) fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Lets the peak begin anew with what is resident now; where that is not allowed, it goes on counting
/// from the start of the process.
pub(crate) fn reset_peak() {
    // The command of proc(5) for this. An error: not allowed, or not Linux.
    let _ = fs::write("/proc/self/clear_refs", "5");
}
