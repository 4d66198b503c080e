//! How far a token reaches: never farther than whoever made it does now, also where it was made with another token.

use crate::store::error::StoreError;
use crate::store::scope::{Role, Scope};
use crate::store::sql::{Session, Sql};

use super::{TOKEN, Token, USER, read_token, read_user};

/// Tokens made with tokens made with tokens: so many hands, and no more.
const MOST_HANDS: usize = 8;

/// Who made a token.
enum Maker {
    /// A user, by what it may do now; `None` where it is kept out.
    User(Option<Scope>),
    /// Another token's maker.
    Behind(String),
    /// Whoever holds the store itself: the command line.
    Holder,
    /// Nobody there is, or a token that was revoked: what it gave out goes with it.
    Nobody,
}

async fn find(session: &mut dyn Session, id: &str) -> Result<Maker, StoreError> {
    if id.starts_with("t-") {
        let mut sql = Sql::new("tokens", TOKEN);
        sql.push(" WHERE id = ").bind(id);
        let token = session.row(sql).await?.map(|mut r| read_token(&mut r)).transpose()?;
        let token = token.map(|(t, _)| t).filter(|t| t.revoked_at.is_none());
        return Ok(token.map_or(Maker::Nobody, |t| Maker::Behind(t.created_by)));
    }
    if !id.starts_with("u-") {
        return Ok(Maker::Holder);
    }
    let mut sql = Sql::new("users", USER);
    sql.push(" WHERE id = ").bind(id);
    let user = session.row(sql).await?.map(|mut r| read_user(&mut r)).transpose()?;
    Ok(user.map_or(Maker::Nobody, |(u, _)| Maker::User(u.disabled_at.is_none().then_some(u.scope))))
}

/// What a token may do now; `None` for nothing.
pub(super) async fn reach(session: &mut dyn Session, token: &Token) -> Result<Option<Scope>, StoreError> {
    let mut maker = token.created_by.clone();
    for _ in 0..MOST_HANDS {
        match find(session, &maker).await? {
            Maker::Holder => return Ok(Some(token.scope.clone())),
            Maker::Nobody => return Ok(None),
            Maker::Behind(next) => maker = next,
            Maker::User(now) => return Ok(now.and_then(|now| narrowed(&token.scope, &now))),
        }
    }
    Ok(None)
}

/// An admin gives any role; whoever is none any more has given none but the own.
fn narrowed(scope: &Scope, maker: &Scope) -> Option<Scope> {
    let may = maker.role() == Role::Admin || maker.role() == scope.role();
    if may { scope.narrowed_to(maker) } else { None }
}

/// Refuses a token that would be too many hands away from anybody.
///
/// # Errors
/// `BadArgument`.
pub(super) async fn check_hands(session: &mut dyn Session, actor: &str) -> Result<(), StoreError> {
    let mut maker = actor.to_owned();
    for _ in 0..MOST_HANDS {
        match find(session, &maker).await? {
            Maker::Behind(next) => maker = next,
            Maker::User(_) | Maker::Holder | Maker::Nobody => return Ok(()),
        }
    }
    let what = format!(
        "令牌不能再由此令牌签发（最多 {MOST_HANDS} 级）/ no token is made with this one: {MOST_HANDS} hands at most"
    );
    Err(StoreError::BadArgument { name: "token", what })
}
