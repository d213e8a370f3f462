//! The host against prebuilt guests. `cargo xtask plugins` builds those; the tests never do.

mod it {
    mod breaker;
    mod budget;
    mod desk;
    mod fixture;
    mod grants;
    mod hostile;
    mod load;
    mod manifest;
    mod nodes;
    mod runs;
    mod sight;
    mod stored;
    mod triage;
    mod wall;
    mod world;
}
