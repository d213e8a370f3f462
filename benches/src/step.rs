//! One step of work, the same for every contestant, and where steps come from.

use std::sync::atomic::{AtomicU8, Ordering};

use helpdesk_core::id::CommandId;

use crate::world::{self, COLUMNS, PROJECTS, TENANTS};

/// The title of every ticket.
pub const TITLE: &str = "Printer on floor three does not print";
/// The long text of every ticket.
pub const DESCRIPTION: &str = "The printer on the third floor shows a paper jam since this morning. I opened tray two and \
     the back door, there is no paper in it. Restarting did not help.";
/// The text of every comment.
pub const BODY: &str = "I have restarted the print server; please try once more and tell us what the panel shows. Regards, \
     the desk.";
/// How many tickets a list shows.
pub const PAGE: u16 = 50;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// A ticket is created.
    Create,
    /// A ticket moves along its workflow.
    Transition,
    /// A public comment is written.
    Comment,
    /// A ticket is read whole, by its key.
    Get,
    /// The first page of a project's waiting tickets is read.
    List,
}

impl Op {
    /// All, in an order in which creations fill the lists that are read later.
    pub const ALL: [Self; 5] = [Self::Create, Self::Get, Self::List, Self::Transition, Self::Comment];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Transition => "transition",
            Self::Comment => "comment",
            Self::Get => "get",
            Self::List => "list",
        }
    }
    /// Whether it changes anything.
    pub const fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Transition | Self::Comment)
    }
}

/// What is done. Tenants, projects and columns are indices, tickets are ordinals in stock.
#[derive(Debug, Clone, Copy)]
pub enum What {
    /// Create a ticket in a project of a tenant.
    Create(usize, usize),
    /// Move a ticket from a column to another.
    Move(u64, usize, usize),
    /// Comment on a ticket.
    Comment(u64),
    /// Read a ticket by key.
    Get(u64),
    /// List what waits in a project of a tenant.
    List(usize, usize),
}

/// One step.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The seed of all ids it makes.
    pub id: CommandId,
    /// What is done.
    pub what: What,
}

/// Where the tickets of one database stand: a transition leads to another column than the present one.
#[derive(Debug)]
pub struct Board(Vec<AtomicU8>);

impl Board {
    /// The board as it is stocked.
    pub fn stocked(tickets: u64) -> Self {
        Self((0..tickets).map(|i| AtomicU8::new(world::column(i))).collect())
    }
}

/// A small generator (SplitMix64): the same seed gives the same work.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// A generator.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }
    /// A number below `n`.
    pub const fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// The next step of caller `caller` among `callers`: each has tickets of its own, so that nobody moves another's.
pub fn next(op: Op, board: &Board, dice: &mut Dice, caller: usize, callers: usize) -> What {
    let tickets = board.0.len() as u64;
    let (caller, callers) = (caller as u64, callers as u64);
    let mine = |dice: &mut Dice| {
        let i = dice.below(tickets / callers * callers);
        i - i % callers + caller
    };
    match op {
        Op::Create => What::Create(dice.below(TENANTS) as usize, dice.below(PROJECTS) as usize),
        Op::Transition => {
            let i = mine(dice);
            let stands = &board.0[i as usize];
            let from = stands.load(Ordering::Relaxed);
            let to = (from + 1 + dice.below(COLUMNS.len() as u64 - 1) as u8) % COLUMNS.len() as u8;
            stands.store(to, Ordering::Relaxed);
            What::Move(i, from.into(), to.into())
        }
        Op::Comment => What::Comment(mine(dice)),
        Op::Get => What::Get(dice.below(tickets)),
        Op::List => What::List(dice.below(TENANTS) as usize, dice.below(PROJECTS) as usize),
    }
}
