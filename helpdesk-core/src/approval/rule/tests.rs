//! The rules against a small model of their own: every rule, every rejection, every order of votes, up to five people.

use uuid::Uuid;

use super::*;

fn group(n: u128) -> GroupId {
    Uuid::from_u128(n).into()
}

/// What the words of the contract say, by trying: no arithmetic shared with the code.
struct Words {
    rule: Rule,
    rejection: Rejection,
    /// Groups of each person.
    people: Vec<Vec<GroupId>>,
}

impl Words {
    /// Whether these approvals are enough, read off the definition.
    fn enough(&self, yes: &[bool]) -> bool {
        let (all, some) = (self.people.len(), yes.iter().filter(|yes| **yes).count());
        match self.rule {
            Rule::All => yes.iter().all(|yes| *yes),
            Rule::Any => yes.contains(&true),
            Rule::Count(n) => some >= n as usize && some > 0,
            // A share of the people, in hundredths, without rounding: approvals / people >= percent / 100.
            Rule::Percent(percent) => some * 100 >= percent as usize * all && some > 0,
            Rule::Majority => some * 2 > all,
            Rule::PerGroup(n) => {
                let groups: std::collections::BTreeSet<_> = self.people.iter().flatten().collect();
                groups.iter().all(|group| {
                    let of = self.people.iter().zip(yes).filter(|(groups, yes)| **yes && groups.contains(group));
                    of.count() >= n.max(1) as usize
                })
            }
        }
    }

    /// Whether these rejections end it by themselves.
    fn refused(&self, no: &[bool]) -> bool {
        let (all, some) = (self.people.len(), no.iter().filter(|no| **no).count());
        match self.rejection {
            Rejection::Any => some >= 1,
            Rejection::Count(n) => some >= n as usize && some >= 1,
            Rejection::Percent(percent) => some * 100 >= percent as usize * all && some >= 1,
            Rejection::Veto(group) => self.people.iter().zip(no).any(|(groups, no)| *no && groups.contains(&group)),
        }
    }

    /// Tries every way in which the others could still vote.
    fn tally(&self, votes: &[Option<bool>]) -> Tally {
        let said = |what| votes.iter().map(|vote| *vote == Some(what)).collect::<Vec<bool>>();
        if self.enough(&said(true)) {
            return Tally::Approved;
        }
        if self.refused(&said(false)) {
            return Tally::Rejected;
        }
        let open: Vec<usize> = (0..votes.len()).filter(|i| votes[*i].is_none()).collect();
        let possible = (0..1_u32 << open.len()).any(|choice| {
            let mut yes = said(true);
            for (bit, i) in open.iter().enumerate() {
                yes[*i] = choice & (1 << bit) != 0;
            }
            self.enough(&yes)
        });
        if possible { Tally::Open } else { Tally::Rejected }
    }
}

fn rules(people: usize) -> Vec<Rule> {
    let mut rules = vec![Rule::All, Rule::Any, Rule::Majority];
    rules.extend((1..=people as u32).map(Rule::Count));
    rules.extend([1, 20, 33, 34, 40, 50, 51, 60, 66, 67, 75, 80, 99, 100].map(Rule::Percent));
    rules.extend([Rule::PerGroup(1), Rule::PerGroup(2)]);
    rules
}

fn rejections(people: usize) -> Vec<Rejection> {
    let mut all = vec![Rejection::Any, Rejection::Veto(group(1)), Rejection::Veto(group(9))];
    all.extend((1..=people as u32).map(Rejection::Count));
    all.extend([1, 34, 50, 51, 67, 100].map(Rejection::Percent));
    all
}

/// Votes one after the other in every order, as long as the step is open; compares at every moment.
fn play(words: &Words, needed: &Needed, seats: &mut Vec<Seat>, played: &mut u64) {
    let votes: Vec<Option<bool>> = seats.iter().map(|seat| seat.vote.map(|vote| vote == Vote::Approved)).collect();
    let tally = needed.tally(&words.rejection, seats);
    assert_eq!(tally, words.tally(&votes), "{:?} {:?} {votes:?}", words.rule, words.rejection);
    *played += 1;
    if tally != Tally::Open {
        return;
    }
    assert!(votes.contains(&None), "everybody has spoken and nothing is decided: {:?}", words.rule);
    for i in 0..seats.len() {
        if seats[i].vote.is_some() {
            continue;
        }
        for vote in [Vote::Approved, Vote::Rejected] {
            seats[i].vote = Some(vote);
            play(words, needed, seats, played);
        }
        seats[i].vote = None;
    }
}

#[test]
fn every_rule_counts_as_its_words_say() {
    let mut played = 0;
    for people in 1..=5_usize {
        // Nobody in a group; two groups that overlap in one person.
        let overlapping =
            (0..people).map(|i| if i == 0 { vec![group(1), group(2)] } else { vec![group(1 + i as u128 % 2)] });
        for groups in [vec![vec![]; people], overlapping.collect()] {
            for rule in rules(people) {
                let mut seats: Vec<Seat> =
                    groups.iter().map(|groups| Seat { groups: groups.clone(), vote: None }).collect();
                let Ok(needed) = rule.needed(&seats) else {
                    assert!(matches!(rule, Rule::PerGroup(_)), "{rule:?} of {people}");
                    continue;
                };
                for rejection in rejections(people) {
                    let words = Words { rule, rejection, people: groups.clone() };
                    play(&words, &needed, &mut seats, &mut played);
                }
            }
        }
    }
    assert!(played > 100_000, "{played}");
}

#[test]
fn what_can_never_be_is_told_when_it_opens() {
    let seats = |n| vec![Seat::open().of(group(1)); n];
    assert_eq!(Rule::Any.needed(&[]), Err(Unreachable::Nobody));
    assert_eq!(Rule::Count(3).needed(&seats(2)), Err(Unreachable::TooFew { needed: 3, asked: 2 }));
    let small = Unreachable::GroupTooSmall { group: group(1), needed: 2, asked: 1 };
    assert_eq!(Rule::PerGroup(2).needed(&seats(1)), Err(small));
    assert_eq!(Rule::PerGroup(1).needed(&[Seat::open()]), Err(Unreachable::Nobody));
}

#[test]
fn shares_are_rounded_up_and_never_nobody() {
    let needed = |percent, people| Rule::Percent(percent).needed(&vec![Seat::open(); people]).unwrap();
    // 67 % of 3 is 2.01: three. 66 % is 1.98: two. 0 asks for one all the same.
    for (percent, people, expected) in
        [(67, 3, 3), (66, 3, 2), (50, 4, 2), (51, 4, 3), (1, 300, 3), (0, 5, 1), (100, 7, 7)]
    {
        assert_eq!(needed(percent, people), Needed::Total(expected), "{percent} % of {people}");
    }
}
