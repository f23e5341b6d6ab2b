#![no_main]

// Two sessions with a line of = between them: the plan, and what a person has made of it.
libfuzzer_sys::fuzz_target!(|text: &str| {
    let (plan, mine) = text.split_once("\n====\n").unwrap_or((text, text));
    tonmeister_fuzz::merge(plan, mine);
});
