//! `lbsim serve`: the program, and what it says over sockets.

mod command;
mod faults;
mod server;
mod shapes;
