#![no_main]
#![allow(missing_docs, reason = "the property says what holds")]

libfuzzer_sys::fuzz_target!(|data: &[u8]| muster_fuzz::mask::any(data));
