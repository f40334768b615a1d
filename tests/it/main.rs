//! The server from outside: with sources and players that do as they are told, and with the real
//! programs that people use.
//!
//! One module per theme; each test says in its name what must hold.
#![forbid(unsafe_code)]

mod access;
mod asteroid;
mod asteroid_day;
mod audience;
mod balancers;
mod borders;
mod coming_and_going;
mod cors;
mod crowd;
mod directories;
mod edges;
mod encoders;
mod fallback;
mod files;
mod formats;
mod guests;
mod hooks;
mod hostile;
mod http;
mod joins;
mod listeners;
mod lists;
mod live;
mod logs;
mod matrix;
mod pages;
mod passing;
mod players;
mod programme;
mod refusals;
mod relays;
mod seams;
mod shoutcast;
mod splices;
mod statistics;
mod stream;
mod studio;
mod titles;
mod tls;
mod url_auth;
