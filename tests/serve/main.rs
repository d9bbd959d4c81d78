//! `lbsim serve`: the program, and what it says over sockets.

mod command;
mod server;
mod shapes;
