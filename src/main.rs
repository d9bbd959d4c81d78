//! The program: arguments → command → exit code. All of it lives in [`lbsim::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    lbsim::cli::main()
}
