//! kill -9 between any two durable steps: at the next start the step is finished, nothing is lost, nothing comes twice.

#[cfg(feature = "failpoints")]
mod points;

#[cfg(not(feature = "failpoints"))]
#[test]
fn the_crash_tests_are_left_out_of_this_build() {
    panic!("the crash tests need crash points in the program: run `make test` (cargo test --features failpoints)");
}
