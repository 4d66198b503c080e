//! `--replay`: seed and parameters of a report, whose flags may be said again but not otherwise.

use std::fmt::Debug;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::plan::report::{Report, Stage};

use super::args::{EffortArgs, InputArgs};
use super::commands::Failure;
use super::outputs;

/// A report whose result is to be made again.
#[derive(Debug)]
pub(super) struct Replay {
    pub(super) report: Report,
    file: String,
}

impl Replay {
    /// The report that `--replay` names, of this command and version.
    pub(super) fn read(path: Option<&Path>, command: &str) -> Result<Option<Self>, Failure> {
        let Some(path) = path else { return Ok(None) };
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| outputs::unreadable(path, &e))?;
        let report: Report = serde_json::from_str(&text).map_err(|e| {
            Failure::input(format!(
                "{file}：不是本程序写出的报告（{e}）\n{file}: this is no report that this program wrote ({e})"
            ))
        })?;
        let replay = Self { report, file };
        replay.same("命令", "command", &replay.report.command, command)?;
        replay.same("程序版本", "version", &replay.report.version, env!("CARGO_PKG_VERSION"))?;
        Ok(Some(replay))
    }

    /// What the run has must be what the report says.
    fn same(&self, chinese: &str, english: &str, said: &str, now: &str) -> Result<(), Failure> {
        if said == now {
            return Ok(());
        }
        Err(Failure::input(format!(
            "{0}：报告的{chinese}是 {said}，本次是 {now}，无法重现\n{0}: the report's {english} is {said}, this one's is {now}; it cannot be replayed",
            self.file
        )))
    }

    /// The files read must hold the bytes the report was made from.
    pub(super) fn same_files(&self, now: &Report) -> Result<(), Failure> {
        self.same("输入", "input", &self.report.input_sha256, &now.input_sha256)?;
        for (key, chinese) in [
            ("barriers_sha256", "障碍文件"),
            ("boundary_sha256", "边界文件"),
            ("regions_sha256", "区划文件"),
            ("profile_sha256", "县区规则"),
            ("in_force_sha256", "现行方案"),
        ] {
            let of = |r: &Report| r.parameters.get(key).and_then(Value::as_str).unwrap_or("–").to_owned();
            self.same(chinese, key, &of(&self.report), &of(now))?;
        }
        Ok(())
    }

    /// How far the first run was asked to go, and why it ended, is told of its replay too, where that did the same rounds.
    pub(super) fn carry_over(&self, report: &mut Report) {
        for name in ["rounds", "budget"] {
            report.parameters.insert(name.to_owned(), self.parameter(name).clone());
        }
        let (first, now) = (&self.report.stages, &report.stages);
        let alike = |(a, b): (&Stage, &Stage)| (&a.village, &a.stage, a.rounds) == (&b.village, &b.stage, b.rounds);
        if first.len() == now.len() && first.iter().zip(now).all(alike) {
            report.stages.clone_from(first);
            report.stopped = self.report.stopped;
        }
    }

    /// A file that stands beside the report.
    pub(super) fn beside(&self, name: &str) -> Option<String> {
        let path = Path::new(&self.file).with_file_name(name);
        path.is_file().then(|| path.display().to_string())
    }

    /// A parameter of the report.
    pub(super) fn parameter(&self, name: &str) -> &Value {
        self.report.parameters.get(name).unwrap_or(&Value::Null)
    }

    /// Takes a parameter from the report; a flag that says otherwise is an error.
    pub(super) fn settle<T: DeserializeOwned + PartialEq + Debug>(
        &self,
        name: &str,
        given: &mut Option<T>,
    ) -> Result<(), Failure> {
        self.settle_as(name, self.parameter(name), given)
    }

    fn settle_as<T: DeserializeOwned + PartialEq + Debug>(
        &self,
        name: &str,
        said: &Value,
        given: &mut Option<T>,
    ) -> Result<(), Failure> {
        let own: Option<T> = serde_json::from_value(said.clone())
            .map_err(|e| Failure::input(format!("{0}：参数 {name}：{e}\n{0}: parameter {name}: {e}", self.file)))?;
        if given.is_some() && *given != own {
            let now = given.as_ref().map_or(String::new(), |g| format!("{g:?}"));
            return Err(self.contradiction(name, &now, &said.to_string()));
        }
        *given = own;
        Ok(())
    }

    /// A switch: what is not said is taken from the report.
    pub(super) fn settle_switch(&self, name: &str, given: &mut bool) -> Result<(), Failure> {
        let mut own = given.then_some(true);
        self.settle_as(name, &Value::Bool(self.parameter(name).as_bool().unwrap_or(false)), &mut own)?;
        *given = own.unwrap_or(false);
        Ok(())
    }

    /// A file that a parameter names, wherever it lies now: its bytes are compared.
    pub(super) fn settle_file<T: DeserializeOwned + PartialEq + Debug>(
        &self,
        name: &str,
        given: &mut Option<T>,
    ) -> Result<(), Failure> {
        if given.is_some() { Ok(()) } else { self.settle(name, given) }
    }

    /// What all commands share: seed, reference system, layer.
    pub(super) fn settle_common(&self, input: &mut InputArgs, effort: &mut EffortArgs) -> Result<(), Failure> {
        self.settle_as("seed", &Value::from(self.report.seed), &mut effort.seed)?;
        self.settle("crs", &mut input.crs)?;
        self.settle("layer", &mut input.layer)
    }

    /// A flag that says something else than the report.
    pub(super) fn contradiction(&self, name: &str, now: &str, said: &str) -> Failure {
        Failure::usage(format!(
            "--{name} {now} 与报告 {0} 中的 {said} 不符：去掉这个选项，或不用 --replay\n--{name} {now} contradicts {said} in the report {0}: leave the option out, or --replay",
            self.file
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn replay() -> Replay {
        let mut report = Report::new("units", 5);
        report.parameters.insert("min".to_owned(), json!(3));
        report.parameters.insert("crs".to_owned(), json!("gcj02"));
        report.parameters.insert("certify".to_owned(), json!(true));
        Replay { report, file: "r.json".to_owned() }
    }

    #[test]
    fn what_is_not_said_comes_from_the_report() {
        let old = replay();
        let (mut min, mut max, mut certify): (Option<u32>, Option<u32>, bool) = (None, None, false);
        old.settle("min", &mut min).unwrap_or_else(|e| panic!("{}", e.message));
        old.settle("max", &mut max).unwrap_or_else(|e| panic!("{}", e.message));
        old.settle_switch("certify", &mut certify).unwrap_or_else(|e| panic!("{}", e.message));
        assert_eq!((min, max, certify), (Some(3), None, true));
        let mut same = Some(3_u32);
        assert!(old.settle("min", &mut same).is_ok());
    }

    #[test]
    fn what_contradicts_the_report_names_both_values() {
        let old = replay();
        let e = old.settle("min", &mut Some(10_u32)).err().map(|e| (e.code, e.message));
        assert!(e.as_ref().is_some_and(|(code, m)| *code == 2 && m.contains("--min 10") && m.contains('3')), "{e:?}");
        assert!(old.settle("max", &mut Some(15_u32)).is_err());
        assert!(old.settle_switch("expand", &mut true).is_err());
        let mut now = Report::new("units", 5);
        assert!(old.same_files(&now).is_ok());
        now.parameters.insert("barriers_sha256".to_owned(), json!("00"));
        let e = old.same_files(&now).err().map(|e| (e.code, e.message));
        assert!(e.as_ref().is_some_and(|(code, m)| *code == 3 && m.contains("障碍文件")), "{e:?}");
    }
}
