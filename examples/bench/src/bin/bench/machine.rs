use std::{
    fs, io,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::{
    process::{Resource, getrlimit, setrlimit},
    system::uname,
};

/// What a measurement was made on and with, as names and values.
pub(crate) fn describe() -> Vec<(&'static str, String)> {
    let uname = uname();
    let word = |path: &str| {
        fs::read_to_string(path)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let cpu_model = word("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1))
        .unwrap_or("unknown")
        .to_owned();
    let huge_pages = word("/sys/kernel/mm/transparent_hugepage/enabled");
    let huge_pages = huge_pages
        .split_once('[')
        .and_then(|(_, rest)| rest.split(']').next())
        .unwrap_or("unknown");
    // `available_parallelism` would only tell how this process is pinned.
    let cpus = word("/proc/cpuinfo")
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    vec![
        ("date", today()),
        ("kernel", uname.release().to_string_lossy().into_owned()),
        ("machine", uname.machine().to_string_lossy().into_owned()),
        ("CPU", cpu_model),
        ("CPUs", cpus.to_string()),
        ("transparent huge pages", huge_pages.to_owned()),
        (
            "congestion control of TCP",
            word("/proc/sys/net/ipv4/tcp_congestion_control"),
        ),
        ("load average at the end", word("/proc/loadavg")),
        ("compiler", compiler()),
        ("profile", "release, with line tables".to_owned()),
        ("peers", peers()),
    ]
}

/// Raises the limit of open descriptors as far as it goes, for this process and the servers.
pub(crate) fn raise_descriptor_limit() -> io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

/// How many sockets a process can have beside what it needs otherwise.
pub(crate) fn socket_limit() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit)
        .unwrap_or(usize::MAX)
        .saturating_sub(64)
}

/// Of the `rustc` that is called now, which is the one that make has built with.
fn compiler() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let version = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    version.unwrap_or_else(|_| "unknown".to_owned())
}

/// The versions of the lock file that this program was built with.
fn peers() -> String {
    let mut versions = Vec::new();
    let mut lines = include_str!("../../../Cargo.lock").lines();
    while let Some(line) = lines.next() {
        let quoted = |line: &str, key| -> Option<String> {
            let value = line.strip_prefix(key)?.strip_prefix(" = \"")?;
            Some(value.strip_suffix('"')?.to_owned())
        };
        let Some(name) = quoted(line, "name") else {
            continue;
        };
        let version = lines.next().and_then(|line| quoted(line, "version"));
        if let (true, Some(version)) = (PEERS.contains(&name.as_str()), version) {
            versions.push(format!("{name} {version}"));
        }
    }
    versions.join(", ")
}

/// The date, UTC, as year-month-day.
fn today() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    civil(since.as_secs() / 86_400)
}

/// Howard Hinnant's `civil_from_days`, for days from 1970-01-01 on.
fn civil(days: u64) -> String {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Counted from March on.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

const PEERS: [&str; 6] = ["async-io", "mio", "polling", "smol", "tokio", "tokio-util"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right() {
        assert_eq!(civil(0), "1970-01-01");
        assert_eq!(civil(11_016), "2000-02-29");
        assert_eq!(civil(20_454), "2026-01-01");
    }

    #[test]
    fn the_lock_file_names_the_peers() {
        let peers = peers();
        for peer in ["tokio 1.", "smol 2.", "mio 1."] {
            assert!(peers.contains(peer), "{peers}");
        }
    }
}
