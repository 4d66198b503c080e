//! The flow: reported → accepted | rejected → dispatched → handling → handled → verified → closed, with ways back and up.
//!
//! | action | from | to | needs |
//! |---|---|---|---|
//! | accept 受理 | reported | accepted | |
//! | reject 不予受理 | reported | rejected | reason |
//! | dispatch 派遣 | accepted | dispatched | |
//! | start 开始处置 | dispatched | handling | |
//! | suspend 挂起 | handling | suspended | reason |
//! | resume 恢复 | suspended | handling; the time it stood still is added to the due time | |
//! | handle 处置完成 | handling | handled | |
//! | verify 核查 | handled | verified | |
//! | close 办结 | verified | closed | |
//! | return 退回 | dispatched, handling → accepted; handled, verified → handling; with a lower level: any open state → reported there | | reason |
//! | reopen 重新办理 | rejected → reported; closed → accepted | | reason |
//! | escalate 上报 | reported, accepted, dispatched, handling, suspended | reported, one level up; more levels at once with a reason | |
//! | set_due 调整期限 | every open state | the same | due time |

use std::fmt;

/// Makes an enum of words: the word in files and requests, and its Chinese name.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal, $zh:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word in files and requests.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The Chinese name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $zh),+ }
            }

            /// What a word or a Chinese name means.
            #[must_use]
            pub fn find(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.word() == word || v.name() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// Where an incident stands.
    State {
        /// Somebody said so.
        Reported = "reported", "已上报";
        /// The level takes it on.
        Accepted = "accepted", "已受理";
        /// The level does not.
        Rejected = "rejected", "不予受理";
        /// Somebody was sent.
        Dispatched = "dispatched", "已派遣";
        /// Somebody is at it.
        Handling = "handling", "处置中";
        /// It waits for something outside.
        Suspended = "suspended", "已挂起";
        /// Done, says whoever did it.
        Handled = "handled", "已处置";
        /// Done, says whoever looked.
        Verified = "verified", "已核查";
        /// Filed.
        Closed = "closed", "已办结";
    }
}

words! {
    /// Who has it.
    Level {
        /// 网格.
        Grid = "grid", "网格";
        /// 村(社区).
        Village = "village", "村";
        /// 乡镇(街道).
        Township = "township", "乡镇";
        /// 县(区).
        County = "county", "县";
    }
}

words! {
    /// What can be done with an incident.
    Action {
        /// Take it on.
        Accept = "accept", "受理";
        /// Do not.
        Reject = "reject", "不予受理";
        /// Send somebody.
        Dispatch = "dispatch", "派遣";
        /// Begin.
        Start = "start", "开始处置";
        /// Wait.
        Suspend = "suspend", "挂起";
        /// Go on.
        Resume = "resume", "恢复";
        /// Done.
        Handle = "handle", "处置完成";
        /// Back a step, or down a level.
        Return = "return", "退回";
        /// Looked at and found done.
        Verify = "verify", "核查";
        /// File.
        Close = "close", "办结";
        /// Once more.
        Reopen = "reopen", "重新办理";
        /// Up a level.
        Escalate = "escalate", "上报";
        /// Another due time.
        SetDue = "set_due", "调整期限";
    }
}

impl State {
    /// Whether something is still to be done.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Rejected | Self::Closed)
    }

    /// Whether the due time runs: not while it is suspended, and not once it was handled.
    #[must_use]
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Reported | Self::Accepted | Self::Dispatched | Self::Handling)
    }

    /// Whether it is overdue (超期) at a moment: derived each time, never stored.
    #[must_use]
    pub fn is_overdue(self, due_ms: Option<i64>, now_ms: i64) -> bool {
        self.is_running() && due_ms.is_some_and(|due| due < now_ms)
    }
}

impl Action {
    /// Whether it is only done with a reason.
    #[must_use]
    pub const fn needs_reason(self) -> bool {
        matches!(self, Self::Reject | Self::Suspend | Self::Return | Self::Reopen)
    }
}

/// An incident as far as the flow is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Where it stands.
    pub state: State,
    /// Who has it.
    pub level: Level,
    /// By when it must be done.
    pub due_ms: Option<i64>,
    /// Since when it stands there.
    pub since_ms: i64,
}

/// What somebody wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub action: Action,
    /// To which level, where the action moves it.
    pub level: Option<Level>,
    /// Why.
    pub reason: Option<String>,
    /// Another due time.
    pub due_ms: Option<i64>,
}

impl Step {
    /// An action and nothing else.
    #[must_use]
    pub const fn bare(action: Action) -> Self {
        Self { action, level: None, reason: None, due_ms: None }
    }

    fn has_reason(&self) -> bool {
        self.reason.as_ref().is_some_and(|r| !r.trim().is_empty())
    }
}

/// What comes of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Where it stands then.
    pub state: State,
    /// Who has it then.
    pub level: Level,
    /// By when it must be done then.
    pub due_ms: Option<i64>,
}

/// Why a step is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// Not in this state.
    #[error(
        "事件处于“{}”，不能“{}” / an incident that is {state} cannot be: {action}",
        .state.name(), .action.name()
    )]
    Action {
        /// The state.
        state: State,
        /// The action.
        action: Action,
    },
    /// Only with a reason.
    #[error("“{}”须说明理由 / {action} needs a reason", .action.name())]
    Reason {
        /// The action.
        action: Action,
    },
    /// Not to this level.
    #[error("不能由{}级到{}级 / not from level {from} to {to}", .from.name(), .to.name())]
    Level {
        /// The level it has.
        from: Level,
        /// The level asked for.
        to: Level,
    },
    /// There is no level above, or the action moves none.
    #[error("“{}”不能指定层级 / {action} moves no level", .action.name())]
    NoLevel {
        /// The action.
        action: Action,
    },
    /// No due time was given.
    #[error("须给出新的办理期限 / a new due time is wanted")]
    NoDue,
}

/// What can be done in a state, in the order of the flow.
#[must_use]
pub fn allowed(state: State, level: Level) -> Vec<Action> {
    let can = |action: &Action| target(state, level, *action).is_some();
    Action::ALL.iter().copied().filter(can).collect()
}

/// Where an action leads from a state; `None` where it cannot be done. Levels are looked at by [`advance`].
fn target(state: State, level: Level, action: Action) -> Option<State> {
    use Action::{
        Accept, Close, Dispatch, Escalate, Handle, Reject, Reopen, Resume, Return, SetDue, Start, Suspend, Verify,
    };
    use State::{Accepted, Closed, Dispatched, Handled, Handling, Rejected, Reported, Suspended, Verified};
    Some(match (action, state) {
        (Accept, Reported) => Accepted,
        (Reject, Reported) => Rejected,
        (Dispatch, Accepted) => Dispatched,
        (Start, Dispatched) => Handling,
        (Suspend, Handling) => Suspended,
        (Resume, Suspended) => Handling,
        (Handle, Handling) => Handled,
        (Verify, Handled) => Verified,
        (Close, Verified) => Closed,
        (Return, Dispatched | Handling) => Accepted,
        (Return, Handled | Verified) => Handling,
        // nothing to take back but the level
        (Return, Reported | Accepted | Suspended) if level > Level::Grid => Reported,
        (Reopen, Rejected) => Reported,
        (Reopen, Closed) => Accepted,
        (Escalate, Reported | Accepted | Dispatched | Handling | Suspended) if level < Level::County => Reported,
        (SetDue, s) if s.is_open() => s,
        _ => return None,
    })
}

/// Takes a step at a moment. `allowance_ms` is how long an incident of its category may take at each level: the due time begins anew when
/// it comes to another level or is taken up again.
///
/// # Errors
/// [`NotAllowed`], with the reason; nothing is half done.
pub fn advance(case: &Case, step: &Step, allowance_ms: [i64; 4], now_ms: i64) -> Result<Moved, NotAllowed> {
    let Case { state, level, due_ms, since_ms } = *case;
    let action = step.action;
    let mut to = target(state, level, action).ok_or(NotAllowed::Action { state, action })?;
    if action.needs_reason() && !step.has_reason() {
        return Err(NotAllowed::Reason { action });
    }
    let mut to_level = level;
    match (action, step.level) {
        (Action::Escalate, wanted) => {
            let next = above(level).ok_or(NotAllowed::NoLevel { action })?;
            to_level = wanted.unwrap_or(next);
            if to_level <= level {
                return Err(NotAllowed::Level { from: level, to: to_level });
            }
            if to_level > next && !step.has_reason() {
                return Err(NotAllowed::Reason { action });
            }
        }
        (Action::Return, Some(wanted)) => {
            if wanted > level {
                return Err(NotAllowed::Level { from: level, to: wanted });
            }
            if wanted < level {
                to_level = wanted;
                to = State::Reported;
            }
        }
        (_, Some(wanted)) if wanted != level => return Err(NotAllowed::NoLevel { action }),
        _ => {}
    }
    if action == Action::Return && to_level == level && to == State::Reported {
        // only the level could be taken back here, and none was said
        return Err(NotAllowed::Level { from: level, to: level });
    }
    let anew = || Some(now_ms.saturating_add(allowance_ms.get(to_level as usize).copied().unwrap_or_default()));
    let due_ms = match (step.due_ms, action) {
        (Some(due), _) => Some(due),
        (None, Action::SetDue) => return Err(NotAllowed::NoDue),
        (None, Action::Reopen) => anew(),
        (None, _) if to_level != level => anew(),
        (None, Action::Resume) => due_ms.map(|due| due.saturating_add((now_ms - since_ms).max(0))),
        (None, _) => due_ms,
    };
    Ok(Moved { state: to, level: to_level, due_ms })
}

/// The next level up.
const fn above(level: Level) -> Option<Level> {
    Some(match level {
        Level::Grid => Level::Village,
        Level::Village => Level::Township,
        Level::Township => Level::County,
        Level::County => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const ALLOWANCE: [i64; 4] = [24 * HOUR, 48 * HOUR, 72 * HOUR, 96 * HOUR];
    const NOW: i64 = 1_000 * HOUR;

    fn case(state: State, level: Level) -> Case {
        Case { state, level, due_ms: Some(NOW + HOUR), since_ms: NOW - 5 * HOUR }
    }

    fn step(action: Action) -> Step {
        Step {
            reason: Some("有理由".to_owned()),
            due_ms: (action == Action::SetDue).then_some(NOW),
            ..Step::bare(action)
        }
    }

    fn take(state: State, level: Level, step: &Step) -> Result<Moved, NotAllowed> {
        advance(&case(state, level), step, ALLOWANCE, NOW)
    }

    /// The whole table written out once more, by hand: rows are states, columns actions in the order of [`Action::ALL`]; `.` is refused.
    /// At village level, with a reason, and to the next level where one is wanted.
    #[test]
    fn every_state_by_every_action_is_as_the_table_says() {
        let table = [
            // accept reject dispatch start suspend resume handle return verify close reopen escalate set_due
            (State::Reported, "accepted rejected . . . . . reported@grid . . . reported@township reported"),
            (State::Accepted, ". . dispatched . . . . reported@grid . . . reported@township accepted"),
            (State::Rejected, ". . . . . . . . . . reported . ."),
            (State::Dispatched, ". . . handling . . . accepted . . . reported@township dispatched"),
            (State::Handling, ". . . . suspended . handled accepted . . . reported@township handling"),
            (State::Suspended, ". . . . . handling . reported@grid . . . reported@township suspended"),
            (State::Handled, ". . . . . . . handling verified . . . handled"),
            (State::Verified, ". . . . . . . handling . closed . . verified"),
            (State::Closed, ". . . . . . . . . . accepted . ."),
        ];
        assert_eq!(table.len(), State::ALL.len());
        for (state, row) in table {
            let cells: Vec<&str> = row.split(' ').collect();
            assert_eq!(cells.len(), Action::ALL.len(), "{state}");
            for (action, cell) in Action::ALL.iter().zip(cells) {
                let mut step = step(*action);
                if cell == "reported@grid" {
                    step.level = Some(Level::Grid);
                }
                let found = match take(state, Level::Village, &step) {
                    Ok(m) if m.level == Level::Village => m.state.to_string(),
                    Ok(m) => format!("{}@{}", m.state, m.level),
                    Err(e) => {
                        assert_eq!(e, NotAllowed::Action { state, action: *action });
                        ".".to_owned()
                    }
                };
                assert_eq!(found, cell, "{state} {action}");
                assert_eq!(allowed(state, Level::Village).contains(action), cell != ".", "{state} {action}");
            }
        }
    }

    #[test]
    fn what_needs_a_reason_is_not_done_without() {
        for (state, action) in [
            (State::Reported, Action::Reject),
            (State::Handling, Action::Suspend),
            (State::Handled, Action::Return),
            (State::Closed, Action::Reopen),
            (State::Rejected, Action::Reopen),
        ] {
            for reason in [None, Some(" \t".to_owned())] {
                let bare = Step { reason, ..Step::bare(action) };
                assert_eq!(take(state, Level::Grid, &bare), Err(NotAllowed::Reason { action }), "{action}");
            }
            assert!(take(state, Level::Grid, &step(action)).is_ok());
        }
        for action in Action::ALL.iter().filter(|a| !a.needs_reason()) {
            for state in State::ALL.iter().filter(|s| allowed(**s, Level::Grid).contains(action)) {
                let due_ms = (*action == Action::SetDue).then_some(NOW);
                assert!(take(*state, Level::Grid, &Step { due_ms, ..Step::bare(*action) }).is_ok(), "{state} {action}");
            }
        }
    }

    #[test]
    fn escalation_goes_up_one_level_or_more_with_a_reason_and_never_down() {
        for (i, from) in Level::ALL.iter().enumerate() {
            for (j, to) in Level::ALL.iter().enumerate() {
                for reason in [None, Some("超出权限".to_owned())] {
                    let has_reason = reason.is_some();
                    let wish = Step { level: Some(*to), reason, ..Step::bare(Action::Escalate) };
                    let fine = take(State::Handling, *from, &wish);
                    let should = j == i + 1 || (j > i + 1 && has_reason);
                    assert_eq!(fine.is_ok(), should, "{from} {to} {has_reason}: {fine:?}");
                    if let Ok(m) = fine {
                        assert_eq!((m.state, m.level, m.due_ms), (State::Reported, *to, Some(NOW + ALLOWANCE[j])));
                    }
                }
            }
        }
        assert!(!allowed(State::Reported, Level::County).contains(&Action::Escalate));
    }

    #[test]
    fn return_goes_down_any_number_of_levels_and_never_up() {
        for state in [State::Reported, State::Dispatched, State::Handling, State::Suspended, State::Handled] {
            for (i, to) in Level::ALL.iter().enumerate() {
                let back = Step { level: Some(*to), ..step(Action::Return) };
                let found = take(state, Level::Township, &back);
                match i {
                    0 | 1 => assert_eq!(
                        found,
                        Ok(Moved { state: State::Reported, level: *to, due_ms: Some(NOW + ALLOWANCE[i]) })
                    ),
                    3 => assert_eq!(found, Err(NotAllowed::Level { from: Level::Township, to: *to })),
                    _ => assert_eq!(found.is_ok(), !matches!(state, State::Reported | State::Suspended), "{state}"),
                }
            }
        }
        assert_eq!(
            take(State::Accepted, Level::Grid, &step(Action::Return)).err().map(|e| e.to_string().is_empty()),
            Some(false)
        );
    }

    #[test]
    fn due_time_stands_still_while_suspended_and_begins_anew_when_taken_up_again() {
        let resumed = take(State::Suspended, Level::Grid, &step(Action::Resume)).expect("resumed");
        assert_eq!(resumed.due_ms, Some(NOW + 6 * HOUR));
        let reopened = take(State::Closed, Level::County, &step(Action::Reopen)).expect("reopened");
        assert_eq!(reopened.due_ms, Some(NOW + ALLOWANCE[3]));
        let given = Step { due_ms: Some(7), ..step(Action::Reopen) };
        assert_eq!(take(State::Closed, Level::County, &given).expect("reopened").due_ms, Some(7));
        assert_eq!(
            take(State::Reported, Level::Grid, &step(Action::Accept)).expect("accepted").due_ms,
            Some(NOW + HOUR)
        );
        assert_eq!(take(State::Handled, Level::Grid, &Step::bare(Action::SetDue)), Err(NotAllowed::NoDue));
    }

    #[test]
    fn overdue_is_what_runs_and_is_late() {
        for state in State::ALL {
            let late = state.is_overdue(Some(NOW - 1), NOW);
            assert_eq!(late, state.is_running() && state.is_open(), "{state}");
            assert!(!state.is_overdue(Some(NOW), NOW) && !state.is_overdue(None, NOW), "{state}");
        }
    }

    /// Whatever is done, nothing is ever stuck: from each state some actions lead to closed.
    #[test]
    fn every_state_has_a_way_to_the_end() {
        for start in State::ALL {
            let (mut reached, mut queue) = (vec![(*start, Level::Village)], vec![(*start, Level::Village)]);
            while let Some((state, level)) = queue.pop() {
                for action in allowed(state, level) {
                    if let Ok(m) = take(state, level, &step(action))
                        && !reached.contains(&(m.state, m.level))
                    {
                        reached.push((m.state, m.level));
                        queue.push((m.state, m.level));
                    }
                }
            }
            assert!(reached.iter().any(|r| r.0 == State::Closed), "{start}");
        }
    }

    #[test]
    fn words_are_found_in_both_languages() {
        assert_eq!(
            (State::find("已办结"), State::find("closed"), State::find("x")),
            (Some(State::Closed), Some(State::Closed), None)
        );
        assert_eq!((Level::find("乡镇"), Action::find("escalate")), (Some(Level::Township), Some(Action::Escalate)));
    }
}
