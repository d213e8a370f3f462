//! CPU time out of `/proc`, in hundredths of a second: enough for runs of seconds. Linux only; elsewhere it reads 0.

use std::fs;

/// Microseconds in one tick of the kernel's accounting (USER_HZ is 100 on every Linux we meet).
const TICK: u64 = 10_000;

/// Microseconds of CPU used so far by this process, and by children it has waited for.
pub fn own() -> (u64, u64) {
    let [user, system, child_user, child_system] = times("self").unwrap_or_default();
    ((user + system) * TICK, (child_user + child_system) * TICK)
}

/// Microseconds used so far by a server: its first process, its children, and those that have ended.
pub fn server(pid: Option<u32>) -> u64 {
    let Some(pid) = pid else { return 0 };
    let main = times(&pid.to_string()).unwrap_or_default();
    let children = fs::read_dir("/proc").into_iter().flatten().flatten();
    let children = children.filter_map(|entry| entry.file_name().into_string().ok());
    let children = children.filter(|name| name.bytes().all(|b| b.is_ascii_digit()));
    let live: u64 =
        children.filter(|child| parent(child) == Some(pid)).filter_map(|child| times(&child)).map(used).sum();
    (main.iter().sum::<u64>() + live) * TICK
}

fn used([user, system, ..]: [u64; 4]) -> u64 {
    user + system
}

/// Fields after the command's name, which may hold anything and stands in brackets.
fn fields(process: &str) -> Option<Vec<u64>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    Some(rest.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect())
}

fn parent(process: &str) -> Option<u32> {
    u32::try_from(*fields(process)?.get(1)?).ok()
}

fn times(process: &str) -> Option<[u64; 4]> {
    let fields = fields(process)?;
    Some([*fields.get(11)?, *fields.get(12)?, *fields.get(13)?, *fields.get(14)?])
}
