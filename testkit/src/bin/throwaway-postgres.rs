//! Brings a throw-away PostgreSQL up, prints its URL and keeps it until its standard input ends.

use std::io::Read;

use helpdesk_testkit::{Cluster, ClusterOptions, Error};

fn main() -> Result<(), Error> {
    let cluster = Cluster::start_with(&ClusterOptions::default())?;
    println!("{}", cluster.url("postgres"));
    let mut rest = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut rest);
    Ok(())
}
