//! Every example is run as its reader would run it: as processes, on real files, a real server, real signals.

mod inspect;
mod mailroom;
mod one_concept;
mod programs;
mod quickstart;
mod throughput;
