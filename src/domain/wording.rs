//! What was done to a plan, in the words of an office.

use serde_json::Value;

/// The Chinese and English words of an operation's name.
fn words_of(name: &str) -> (&'static str, &'static str) {
    match name {
        "ledger" => ("台账修改", "an edited ledger"),
        "absorb" => ("名册变动", "following the register"),
        "transfer_buildings" => ("楼栋划转", "buildings handed over"),
        "split_grid" => ("网格拆分", "a grid split"),
        "merge_grids" => ("网格合并", "grids merged"),
        "create_dedicated" => ("设立专属网格", "a dedicated grid made"),
        "retire_dedicated" => ("撤销专属网格", "a dedicated grid ended"),
        "move_household" => ("住户调整", "a household moved"),
        "set_officers" => ("联户长调整", "leaders set"),
        "lock" | "unlock" => ("锁定调整", "locks changed"),
        "rename" => ("网格更名", "a grid named"),
        "rebalance" => ("网格均衡", "grids balanced"),
        "reform_units" => ("单元重组", "units formed anew"),
        _ => ("方案调整", "the plan changed"),
    }
}

/// Calls `see` with the operations' names, whether one stands alone or several in a list, at any place of the request.
fn each_operation<'a>(value: &'a Value, see: &mut impl FnMut(&'a str)) {
    match value {
        Value::Array(list) => list.iter().for_each(|v| each_operation(v, see)),
        Value::Object(fields) => {
            for (key, v) in fields {
                match v {
                    Value::String(name) if key == "operation" => see(name),
                    Value::Array(_) => each_operation(v, see),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// What a request asked of a plan: each kind of operation once, in order, Chinese and English.
fn asked(operation: &Value) -> (Vec<&'static str>, Vec<&'static str>) {
    let (mut chinese, mut english) = (Vec::new(), Vec::new());
    each_operation(operation, &mut |name| {
        let (zh, en) = words_of(name);
        if !chinese.contains(&zh) {
            chinese.push(zh);
            english.push(en);
        }
    });
    if chinese.is_empty() { (vec!["方案调整"], vec!["the plan changed"]) } else { (chinese, english) }
}

/// What a request asked of a plan, in Chinese: `楼栋划转、网格更名`.
#[must_use]
pub fn operation_in_words(operation: &Value) -> String {
    asked(operation).0.join("、")
}

/// Why a household came to another unit: what was done (`edit`, `undo`, `redo`) to which plan, by whom, and under which number the whole
/// operation stands in that plan's history. Names no other household.
#[must_use]
pub fn move_in_words(kind: &str, operation: &Value, (plan, seq): (&str, u64), actor: &str) -> String {
    let (zh, en) = asked(operation);
    let (zh, en) = (zh.join("、"), en.join(", "));
    let (before_zh, before_en) = match kind {
        "undo" => ("撤销：", "taken back: "),
        "redo" => ("重做：", "done again: "),
        _ => ("", ""),
    };
    format!(
        "{before_zh}{zh}（由 {actor}，详见方案 {plan} 历史第 {seq} 条） / {before_en}{en} (by {actor}; the whole of it: history of plan {plan}, {seq})"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_operation_is_said_once_and_nothing_else_is() {
        let batch = json!({"village": "520423102001", "policy": "strict", "operations": [
            {"operation": "rename", "grid": "520423102001001", "name": "东片"},
            {"operation": "move_household", "household": "h-secret", "unit": "520423102001001002"},
            {"operation": "rename", "grid": "520423102001002", "name": ""},
        ]});
        assert_eq!(operation_in_words(&batch), "网格更名、住户调整");
        let said = move_in_words("edit", &batch, ("p1", 7), "u-1");
        assert_eq!(
            said,
            "网格更名、住户调整（由 u-1，详见方案 p1 历史第 7 条） / a grid named, a household moved (by u-1; the whole of it: history of plan p1, 7)"
        );
        assert!(!said.contains("h-secret") && !said.contains('{'));
        assert!(move_in_words("undo", &batch, ("p1", 8), "u-1").starts_with("撤销：网格更名"));
        for odd in [json!(null), json!({"test": 1}), json!([]), json!({"operation": 3})] {
            assert_eq!(operation_in_words(&odd), "方案调整", "{odd}");
        }
        assert_eq!(operation_in_words(&json!({"operation": "absorb", "village": "x"})), "名册变动");
    }
}
