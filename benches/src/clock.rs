//! Time and memory of this process, as Linux tells them; where it does not, times are those of the wall and
//! memory is unknown.

use std::fs::read_to_string;
use std::time::Instant;

/// CPU seconds of all threads since the process began.
///
/// Fields 14 and 15 of `/proc/self/stat` (proc(5)): user and system time in ticks of 10 ms.
pub(crate) fn process_cpu_s() -> Option<f64> {
    let stat = read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in brackets, which may hold spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11).map(|f| f.parse::<f64>().ok());
    Some((fields.next()?? + fields.next()??) / 100.0)
}

/// The most memory the process has held, in megabytes (10^6 bytes).
pub(crate) fn peak_memory_mb() -> Option<f64> {
    let status = read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}

/// CPU seconds of this thread.
fn thread_cpu_s() -> Option<f64> {
    let told = read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(told.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

/// How long a measurement runs at least: many times the kernel's step in counting a thread's time (4 ms).
const LEAST_S: f64 = 0.4;

/// Seconds that `work` takes on this thread, the least of three measurements, since only the machine can make
/// it longer.
pub(crate) fn least_s<E>(mut work: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    let mut least = f64::INFINITY;
    for _ in 0..3 {
        let (wall, cpu) = (Instant::now(), thread_cpu_s());
        let mut runs = 0.0;
        while wall.elapsed().as_secs_f64() < LEAST_S {
            work()?;
            runs += 1.0;
        }
        let took = match (cpu, thread_cpu_s()) {
            (Some(from), Some(to)) => to - from,
            _ => wall.elapsed().as_secs_f64(),
        };
        least = least.min(took / runs);
    }
    Ok(least)
}
