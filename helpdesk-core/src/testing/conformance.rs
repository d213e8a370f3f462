//! What every store must do, as one list of checks. [`conformance!`](crate::conformance) turns the list into one test
//! per check, so that no store can leave one out.
//!
//! ```text
//! async fn mine() -> impl helpdesk_core::testing::conformance::Place { MyPlace::fresh().await }
//! helpdesk_core::conformance!(mine);
//! ```

mod approvals;
mod boards;
mod children;
mod commits;
mod concurrent;
mod drops;
mod feed;
mod links;
mod log;
mod people;
mod queue;
mod reads;
mod workflow;

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::World;
use crate::store::Database;

/// An empty, migrated database of the kind under test, gone when this is dropped.
pub trait Place: Send + Sync + 'static {
    /// A store over it: with each call a new one, where the database can be opened more than once; otherwise always the
    /// same.
    fn store(&self) -> BoxFuture<'_, Arc<dyn Database>>;
}

impl Place for Box<dyn Place> {
    fn store(&self) -> BoxFuture<'_, Arc<dyn Database>> {
        self.as_ref().store()
    }
}

/// What a check works with.
pub struct Bench {
    place: Box<dyn Place>,
}

impl Bench {
    /// Over a place.
    pub fn new(place: impl Place) -> Self {
        Self { place: Box::new(place) }
    }

    /// A store over the place, see [`Place::store`].
    pub async fn store(&self) -> Arc<dyn Database> {
        self.place.store().await
    }

    /// A furnished tenant.
    pub async fn world(&self) -> World {
        World::found(self.store().await, "acme").await
    }
}

/// One thing every store must do.
pub struct Check {
    /// Its name.
    pub name: &'static str,
    run: fn(Bench) -> BoxFuture<'static, ()>,
}

impl Check {
    /// Holds a store against it.
    ///
    /// # Panics
    /// When the store fails.
    pub async fn run(&self, bench: Bench) {
        (self.run)(bench).await;
    }
}

/// Runs one check by name.
///
/// # Panics
/// When the store fails, or there is no such check.
pub async fn run(name: &str, place: impl Place) {
    let check = checks().iter().find(|check| check.name == name).expect("a check of this name");
    check.run(Bench::new(place)).await;
}

macro_rules! suite {
    (($d:tt) $($module:ident: $($name:ident)*;)*) => {
        /// Every check.
        pub fn checks() -> &'static [Check] {
            &[$($(Check { name: stringify!($name), run: |bench| async move { $module::$name(&bench).await }.boxed() },)*)*]
        }

        /// One `#[tokio::test]` per check, over places that the asynchronous function `$factory` makes.
        #[macro_export]
        macro_rules! conformance {
            ($d factory:path) => {
                $($(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $name() {
                        $crate::testing::conformance::run(stringify!($name), $d factory().await).await;
                    }
                )*)*
            };
        }
    };
}

suite! {
    ($)
    commits:
        a_commit_is_atomic
        a_command_is_one_load_and_one_commit
        a_stale_version_changes_nothing
        a_stale_epoch_changes_nothing
        a_stale_read_changes_nothing
        a_taken_name_changes_nothing
        the_epoch_moves_once
        a_key_gives_the_same_answer
        a_key_refuses_other_input
        keys_of_different_people_never_meet
        keys_expire_by_sweep
        a_key_lives_without_events
        plugin_values_count_versions
        runs_are_kept_newest_first;
    concurrent:
        two_writers_on_one_version_conflict_by_field
        a_creation_goes_by_the_policy_of_its_commit
        a_set_gets_all_its_numbers
        sixty_four_creators_get_sixty_four_keys
        one_key_sent_by_many_happens_once
        comments_of_many_all_arrive
        one_name_is_taken_once
        of_sixty_four_claimers_one_wins
        of_many_who_hand_over_one_does
        draw_never_repeats;
    links:
        links_are_read_from_both_ends
        links_are_loaded_when_they_are_needed
        what_is_behind_a_ticket_is_followed_once
        a_link_made_by_many_is_one
        many_links_never_close_a_circle
        a_link_is_one_load_and_one_commit;
    log:
        the_log_is_in_commit_order
        a_cursor_never_skips
        history_is_per_subject
        the_log_moves_on_over_other_tenants;
    reads:
        pages_neither_skip_nor_repeat
        pages_hold_under_concurrent_writes
        counts_stop_at_the_cap
        tenants_never_meet
        entries_come_in_order
        revisions_keep_the_old_words
        participants_are_intervals
        what_is_read_is_what_conditions_see
        a_ticket_is_found_by_key_and_id
        unknown_ids_are_left_out
        full_text_finds_words_and_beginnings
        reads_bring_the_epoch;
    people:
        people_are_found_by_name_and_address
        people_are_loaded_by_external_id
        configuration_is_complete
        standing_has_own_and_group_grants
        load_brings_what_is_needed
        ancestors_come_nearest_first
        many_grants_cost_no_extra_call;
    approvals:
        approvals_are_loaded_with_all_that_belongs_to_them
        sixty_four_approvals_of_sixty_four_all_count
        a_quorum_ends_its_step_once
        one_slot_is_decided_once
        an_inbox_is_what_one_may_decide
        whoever_leaves_is_replaced_or_missed
        a_link_decides_once;
    workflow:
        a_pool_has_active_members_with_what_they_have
        everything_below_is_loaded
        turns_are_fair_between_two_desks
        a_parent_never_ends_over_an_open_child
        tickets_in_flight_are_migrated
        a_set_finds_what_its_transitions_ask_for;
    boards:
        boards_are_in_the_configuration
        cards_come_in_one_order
        movers_from_two_desks_keep_one_order
        a_crowded_place_is_spread
        a_card_is_one_load_and_one_commit;
    children:
        sub_tickets_of_many_have_numbers_of_their_own;
    queue:
        claims_are_in_order_of_priority_and_time
        one_of_a_subject_at_a_time
        a_lease_is_proved_in_the_commit
        a_lost_lease_cannot_commit
        a_lease_is_renewed_or_taken_over
        a_retry_waits
        a_returned_job_is_untried
        a_dead_letter_does_not_block
        a_dead_letter_is_revived
        enqueueing_again_moves_the_job
        two_claimers_never_share
        advance_is_compare_and_set
        jobs_are_told_when_due;
    feed:
        every_event_is_delivered_once
        a_crash_between_delivers_once
        a_new_subscriber_begins_at_the_end
        faults_of_the_host_are_no_tries;
    drops:
        a_dropped_command_is_whole_or_nothing
        a_dropped_creation_is_whole_or_nothing
        a_closed_store_is_unavailable;
}
