//! What to do about a problem, by its code, where whoever made it said nothing nearer: Chinese / English.

use axum::http::StatusCode;

#[rustfmt::skip]
const BY_CODE: [(&str, &str); 48] = [
    ("bad_json", "请发送 UTF-8 的 JSON 对象 / send a JSON object in UTF-8"),
    ("bad_field", "字段及其取值见 /api/openapi.json / the fields and what they take stand in /api/openapi.json"),
    ("bad_parameter", "参数及其取值见 /api/openapi.json 和 /ogc/api / the parameters and what they take stand in /api/openapi.json and /ogc/api"),
    ("unknown_parameter", "请去掉或改名 / leave it out or take one of these names"),
    ("bad_filter", "可筛选的字段见图层的 queryables / what can be asked for stands in the collection's queryables"),
    ("bad_feature", "请改正后重新发送 / put it right and send it again"),
    ("bad_mapping", "请为必需的字段各选一列 / choose a column for each field that is needed"),
    ("person_field", "本系统不收人员信息，请删除该列 / persons are not stored here: take that out"),
    ("personal_fields", "请去掉人员字段，或请有权限的人导出 / leave the fields about persons out, or ask somebody who may"),
    ("forbidden", "请向管理员申请权限 / ask the administrator for the right to do so"),
    ("not_found", "请检查编号，或刷新列表 / look at the id, or read the list again"),
    ("method", "可用的方法见 /api/openapi.json 和 /ogc/api / the methods there are stand in /api/openapi.json and /ogc/api"),
    ("not_json", "请用 Content-Type: application/json 发送 / send it with Content-Type: application/json"),
    ("unknown_format", "可用的格式见 /api/openapi.json 和 /ogc/api / the formats there are stand in /api/openapi.json and /ogc/api"),
    ("broken_body", "请重新发送 / send it again"),
    ("slow_body", "请换稳定的网络后重新发送 / send it again over a steadier line"),
    ("too_large", "请拆成几份 / send it in parts"),
    ("too_many_rows", "请缩小范围，或用 CSV、GeoPackage / ask for less, or take CSV or GeoPackage"),
    ("too_many_operations", "请分几批发送 / send them in several batches"),
    ("too_many_incidents", "请分几批发送 / send them in several batches"),
    ("too_many_jobs", "请等其他任务结束，或取消一个 / wait for another job to end, or cancel one"),
    ("too_often", "请按 Retry-After 的秒数等待后再试 / wait as many seconds as Retry-After says"),
    ("throttled", "请按 Retry-After 的秒数等待；忘记密码请找管理员 / wait as many seconds as Retry-After says; an administrator sets a new password"),
    ("wrong_password", "请检查大小写和输入法；忘记密码请找管理员 / look at capitals and the keyboard; an administrator sets a new password"),
    ("weak_password", "请换一个更长的密码 / take a longer one"),
    ("link_spent", "请重新启动服务并使用新的链接 / restart the service and use the new link"),
    ("no_account", "请管理员用同样的名称添加用户 / the administrator adds a user with the same name"),
    ("sign_in_spent", "请回到首页重新登录 / go back to the first page and sign in again"),
    ("base_version_missing", "请先读取方案，把它的 version 作为 base_version / read the plan first and send its version as base_version"),
    ("if_match_missing", "请先读取，把它的 ETag 放入 If-Match / read it first and send its ETag as If-Match"),
    ("idempotency_key_missing", "请带上 Idempotency-Key，每次新操作换一个 / send an Idempotency-Key, a new one for each new deed"),
    ("idempotency_key_reused", "新的内容请用新的 Idempotency-Key / take a new Idempotency-Key for what is new"),
    ("idempotency_key_in_flight", "同一请求正在处理，请稍候再读结果 / the same is being done: ask again in a moment"),
    ("exists", "请换一个名称，或修改已有的 / take another name, or change what is there"),
    ("in_use", "请先移走用到它的内容 / take away first what uses it"),
    ("busy", "请等当前的操作结束 / wait for what is under way to end"),
    ("cancelled", "已取消，可重新开始 / it was cancelled: begin anew"),
    ("row_conflicts", "请重新预览，看清别人的修改后再写入 / preview it again and look at what others changed"),
    ("faulty_rows", "请改正文件里指出的行后重新上传 / put right the rows named and upload it again"),
    ("refused", "请改正指出的各条后重新发送 / put right those named and send it again"),
    ("constraint", "请改正该行后重新发送 / put that row right and send it again"),
    ("invariant", "请换一种改法，或先解除锁定 / edit it another way, or unlock it first"),
    ("not_legal", "请按问题列表逐项改正后再检查 / go through the list of problems and check again"),
    ("cannot_plan", "请放宽目标或容差，或减少锁定和屏障 / allow more, or lock and bar less"),
    ("no_key", "请管理员用 lianhu key 生成电话密钥 / the administrator makes the key with lianhu key"),
    ("store_full", "请管理员清理磁盘空间；未保存的内容未受影响 / the administrator makes room; nothing was half written"),
    ("unavailable", "请按 Retry-After 的秒数等待后再试 / wait as many seconds as Retry-After says"),
    ("internal", "请把 request_id 告诉管理员，日志里有原因 / tell the administrator the request_id: the log has the cause"),
];

/// What to do.
pub(super) fn of(code: &str, status: StatusCode) -> &'static str {
    let by_code = BY_CODE.iter().find(|(c, _)| *c == code).map(|(_, hint)| *hint);
    by_code.unwrap_or(match status.as_u16() {
        409 | 412 => "请重新读取后再改 / read it again and change that",
        400..500 => "请改正后重试 / put it right and try again",
        _ => {
            "请稍后重试，仍不行请把 request_id 告诉管理员 / try again later, then tell the administrator the request_id"
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_says_what_to_do_in_both_languages() {
        let said = |code: &str, status: u16| of(code, StatusCode::from_u16(status).expect("status"));
        let others = [400, 409, 422, 502].map(|status| ("another", said("another", status)));
        let mut codes: Vec<&str> = BY_CODE.iter().map(|(code, _)| *code).collect();
        for (code, hint) in BY_CODE.into_iter().chain(others) {
            let (chinese, english) = hint.split_once(" / ").unwrap_or_else(|| panic!("{code}"));
            assert!(!chinese.is_ascii() && english.is_ascii(), "{code}: {hint}");
        }
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), BY_CODE.len(), "each once");
        assert_eq!(said("throttled", 429), BY_CODE.iter().find(|(c, _)| *c == "throttled").expect("there").1);
    }
}
