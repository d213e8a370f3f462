//! The embedding example does what it says.

use std::process::Command;

use expect_test::expect;

#[test]
fn the_embedding_example_works() {
    let output = Command::new(env!("CARGO_BIN_EXE_embed")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    expect![[r#"
        IT-1 printer on fire (in_progress)
        ticket.moved by person
    "#]]
    .assert_eq(&String::from_utf8_lossy(&output.stdout));
}
