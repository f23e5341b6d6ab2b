#![allow(clippy::print_stdout, missing_docs)]
fn main() {
    files::silence_decoder_panics();
    for path in std::env::args().skip(1) {
        let t = std::time::Instant::now();
        match files::open(&path) {
            Err(e) => println!("ERR {e}"),
            Ok(mut r) => {
                let i = r.info().clone();
                let opened = t.elapsed();
                let b = match r.read_to_end() {
                    Ok(b) => b,
                    Err(e) => {
                        println!("READ ERR {e}");
                        continue;
                    }
                };
                let c = b.channel(0);
                let peak = c.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
                println!(
                    "{} {} {} {} Hz {} ch {} frames peak {:?} open {:?} all {:?}",
                    path.rsplit('/').next().unwrap(),
                    i.format.name(),
                    i.encoding.describe(),
                    i.sample_rate_hz,
                    i.channels,
                    i.frames,
                    peak,
                    opened,
                    t.elapsed()
                );
                for n in &r.info().notes {
                    println!("     note: {n}");
                }
            }
        }
    }
}
