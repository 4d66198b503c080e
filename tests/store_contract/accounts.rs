//! Users, sessions, tokens.

use lianhu::store::{AccountChange, OpenMode, Role, Scope, StoreError, copy_into, open};

use crate::ground::{NEIGHBOUR, Place, VILLAGE, admin, options, scope};

pub(crate) async fn users_sessions_and_tokens_come_and_go(place: Place) {
    let store = place.open().await;
    let of = scope(Role::Planner, VILLAGE);
    assert!(!store.has_users().await.expect("read"));
    let user = store.add_user(&admin(), "t", " 张三 ", &of, "hash").await.expect("a user");
    assert_eq!((user.name.as_str(), &user.scope), ("张三", &of));
    let again = store.add_user(&admin(), "t", "张三", &of, "hash").await;
    assert!(matches!(again, Err(StoreError::Constraint { layer: "users", .. })));
    assert_eq!(store.user_named("张三").await, Ok(Some((user.clone(), "hash".to_owned()))));
    assert_eq!(store.user_named("李四").await, Ok(None));
    store.open_session(&user, "s1", 3_600).await.expect("a session");
    store.open_session(&user, "s2", -1).await.expect("a session that has ended");
    assert_eq!(store.session_user("s1").await, Ok(Some(user.clone())));
    assert_eq!(store.session_user("s2").await, Ok(None));
    let token = store.add_token(&admin(), &user.id, "导出", &of, ("t1", 3_600)).await.expect("a token");
    store.add_token(&admin(), "cli", "过期", &of, ("t2", -1)).await.expect("a token that has ended");
    assert_eq!(store.token_of("t1").await, Ok(Some(token.clone())));
    assert_eq!(store.token_of("t2").await, Ok(None));
    // kept out: sessions end, tokens sleep; back again: sessions stay ended
    let disabled = |disabled| AccountChange { disabled: Some(disabled), ..AccountChange::default() };
    let out = store.change_user(&admin(), "t", &user.id, &disabled(true)).await.expect("changed");
    assert!(out.disabled_at.is_some() && out.row_version == 2);
    assert_eq!((store.session_user("s1").await, store.token_of("t1").await), (Ok(None), Ok(None)));
    store.change_user(&admin(), "t", &user.id, &disabled(false)).await.expect("changed");
    assert_eq!((store.session_user("s1").await, store.token_of("t1").await), (Ok(None), Ok(Some(token.clone()))));
    store.revoke_token(&admin(), "t", &token.id).await.expect("revoked");
    assert_eq!(store.token_of("t1").await, Ok(None));
    assert_eq!(store.check(&admin()).await, Ok(Vec::new()));
}

pub(crate) async fn token_reaches_no_farther_than_its_maker_does_now(place: Place) {
    let store = place.open().await;
    let county = scope(Role::Admin, "520423");
    let maker = store.add_user(&admin(), "t", "县里", &county, "hash").await.expect("a user");
    let wide = scope(Role::Exporter, "520423");
    store.add_token(&county, &maker.id, "导出", &wide, ("t1", 3_600)).await.expect("a token");
    let hand = store.add_token(&county, &maker.id, "代管", &county, ("t2", 3_600)).await.expect("a token");
    store.add_token(&county, &hand.id, "转手", &wide, ("t3", 3_600)).await.expect("made with a token");
    let to = |of: &Scope| AccountChange { scope: Some(of.clone()), ..AccountChange::default() };
    let reach = async |secret: &str| store.token_of(secret).await.expect("read").map(|t| t.scope);
    // narrowed to a village: so are the tokens, also the one that was made with another
    store.change_user(&admin(), "t", &maker.id, &to(&scope(Role::Admin, VILLAGE))).await.expect("changed");
    for (secret, role) in [("t1", Role::Exporter), ("t2", Role::Admin), ("t3", Role::Exporter)] {
        assert_eq!(reach(secret).await, Some(scope(role, VILLAGE)), "{secret}");
    }
    // no admin any more: of what was given, the own role alone is left
    store.change_user(&admin(), "t", &maker.id, &to(&scope(Role::Exporter, VILLAGE))).await.expect("changed");
    assert_eq!([reach("t1").await, reach("t3").await], [(); 2].map(|()| Some(scope(Role::Exporter, VILLAGE))));
    assert_eq!(reach("t2").await, None);
    // elsewhere, or out: nothing is left; back again: all of it
    store.change_user(&admin(), "t", &maker.id, &to(&scope(Role::Admin, "520424"))).await.expect("changed");
    assert_eq!([reach("t1").await, reach("t2").await, reach("t3").await], [None, None, None]);
    store.change_user(&admin(), "t", &maker.id, &to(&county)).await.expect("changed");
    assert_eq!(reach("t3").await, Some(wide.clone()));
    let out = AccountChange { disabled: Some(true), ..AccountChange::default() };
    store.change_user(&admin(), "t", &maker.id, &out).await.expect("changed");
    assert_eq!(reach("t3").await, None);
    // a chain of tokens has an end
    let first = hand.id.clone();
    let mut by = hand;
    let refused = loop {
        match store.add_token(&county, &by.id, "再转", &county, (&format!("c{}", by.id), 3_600)).await {
            Ok(next) => by = next,
            Err(e) => break e,
        }
    };
    assert!(matches!(refused, StoreError::BadArgument { name: "token", .. }), "{refused}");
    // with a token goes what was made with it
    let back = AccountChange { disabled: Some(false), ..AccountChange::default() };
    store.change_user(&admin(), "t", &maker.id, &back).await.expect("changed");
    assert_eq!(reach("t3").await, Some(wide));
    store.revoke_token(&admin(), "t", &first).await.expect("revoked");
    assert_eq!(reach("t3").await, None);
}

pub(crate) async fn accounts_are_managed_within_the_own_area(place: Place) {
    let store = place.open().await;
    let own = scope(Role::Admin, VILLAGE);
    let elsewhere = scope(Role::Viewer, NEIGHBOUR);
    let other = store.add_user(&admin(), "t", "邻村", &elsewhere, "hash").await.expect("a user");
    for wider in [elsewhere.clone(), scope(Role::Viewer, "520423"), Scope::whole_store(Role::Viewer)] {
        let refused = store.add_user(&own, "t", "越权", &wider, "hash").await;
        assert!(matches!(refused, Err(StoreError::Forbidden { .. })));
        let refused = store.add_token(&own, "t", "越权", &wider, ("x", 1)).await;
        assert!(matches!(refused, Err(StoreError::Forbidden { .. })));
    }
    assert_eq!(store.list_users(&own).await, Ok(Vec::new()));
    let change = AccountChange { disabled: Some(true), ..AccountChange::default() };
    let missing = store.change_user(&own, "t", &other.id, &change).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
    let planner = scope(Role::Planner, VILLAGE);
    assert!(matches!(store.list_users(&planner).await, Err(StoreError::Forbidden { .. })));
    // a role that somebody gave themselves past the program is found
    place.past_the_guards("UPDATE users SET role = 'admin'").await;
    let found = store.check(&admin()).await.expect("check");
    assert!(found.iter().any(|f| f.kind == "row" && f.place.starts_with("users")), "{found:?}");
}

pub(crate) async fn copy_of_a_store_has_its_accounts(place: Place) {
    let store = place.open().await;
    let user = store.add_user(&admin(), "t", "张三", &scope(Role::Viewer, VILLAGE), "hash").await.expect("a user");
    store.add_token(&admin(), "t", "导出", &user.scope, ("t1", 3_600_000)).await.expect("a token");
    let target = format!("sqlite:{}", place.folder.path().join("copy.gpkg").display());
    let create = options(OpenMode::Create);
    copy_into(&place.url, &target, &create).await.expect("copied");
    let copy = open(&target, options(OpenMode::ReadOnly)).await.expect("the copy");
    assert_eq!(copy.user_named("张三").await, Ok(Some((user, "hash".to_owned()))));
    assert!(copy.token_of("t1").await.expect("read").is_some());
    assert_eq!(copy.check(&admin()).await, Ok(Vec::new()));
}
