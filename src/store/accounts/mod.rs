//! Who may come in: users, sessions, tokens. Secrets come here as hashes and never leave.

mod makers;

use std::collections::BTreeMap;

use time::Duration;

use super::error::StoreError;
use super::scope::{Right, Role, Scope};
use super::sql::{Session, Sql};
use super::value::{Row, Value, row_sum};
use super::{SqlStore, audit, dates};

/// Columns of a user that its check sum covers.
pub(super) const USER_SUMMED: &[&str] =
    &["id", "name", "role", "area", "password", "created_at", "disabled_at", "row_version"];
/// Columns of a token that its check sum covers.
pub(super) const TOKEN_SUMMED: &[&str] =
    &["id", "name", "secret_sha256", "role", "area", "created_by", "created_at", "expires_at", "revoked_at"];
/// Who makes the first admin, in logs and in the list of tokens.
const FIRST: &str = "first-start";
/// Longest name of a user or token, characters.
const LONGEST_NAME: usize = 60;

/// A user, without password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Opaque id: what logs say.
    pub id: String,
    /// Name to sign in with.
    pub name: String,
    /// What the user may do, and where.
    pub scope: Scope,
    /// When it was made.
    pub created_at: String,
    /// Since when it may not come in.
    pub disabled_at: Option<String>,
    /// Version of the row.
    pub row_version: u64,
}

/// What changes in a user; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct AccountChange {
    /// Another role and area.
    pub scope: Option<Scope>,
    /// Another password's hash; ends all sessions.
    pub password: Option<String>,
    /// Whether the user is kept out; ends all sessions.
    pub disabled: Option<bool>,
}

/// A bearer token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Opaque id: what logs say.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it may do, and where.
    pub scope: Scope,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: String,
    /// Until when it is good.
    pub expires_at: String,
    /// Since when it is not.
    pub revoked_at: Option<String>,
}

/// Users, sessions and tokens, whatever the engine. What is managed lies within the scope of whoever manages it.
#[async_trait::async_trait]
pub trait Accounts: Send + Sync {
    /// Adds a user; `password` is its hash.
    async fn add_user(
        &self,
        scope: &Scope,
        actor: &str,
        name: &str,
        of: &Scope,
        password: &str,
    ) -> Result<Account, StoreError>;
    /// Users of the scope, by name.
    async fn list_users(&self, scope: &Scope) -> Result<Vec<Account>, StoreError>;
    /// Changes a user of the scope.
    async fn change_user(
        &self,
        scope: &Scope,
        actor: &str,
        id: &str,
        change: &AccountChange,
    ) -> Result<Account, StoreError>;
    /// The user of a name and the password's hash, for signing in.
    async fn user_named(&self, name: &str) -> Result<Option<(Account, String)>, StoreError>;
    /// Whether there is any user at all.
    async fn has_users(&self) -> Result<bool, StoreError>;
    /// Opens a session; ended ones are deleted on the way.
    async fn open_session(&self, user: &Account, secret_sha256: &str, lasts_s: i64) -> Result<(), StoreError>;
    /// Ends a session.
    async fn close_session(&self, secret_sha256: &str) -> Result<(), StoreError>;
    /// Whose session it is, if it lasts and the user is not kept out.
    async fn session_user(&self, secret_sha256: &str) -> Result<Option<Account>, StoreError>;
    /// Adds a token.
    async fn add_token(
        &self,
        scope: &Scope,
        actor: &str,
        name: &str,
        of: &Scope,
        secret: (&str, i64),
    ) -> Result<Token, StoreError>;
    /// Tokens of the scope, by id.
    async fn list_tokens(&self, scope: &Scope) -> Result<Vec<Token>, StoreError>;
    /// Ends a token of the scope.
    async fn revoke_token(&self, scope: &Scope, actor: &str, id: &str) -> Result<Token, StoreError>;
    /// Offers the place of the first admin to whoever has a key, instead of earlier offers; false when there are users.
    async fn offer_first_admin(&self, key_sha256: &str, lasts_s: i64) -> Result<bool, StoreError>;
    /// Whether the offer stands.
    async fn first_admin_is_offered(&self, key_sha256: &str) -> Result<bool, StoreError>;
    /// Makes the first admin, once; `None` when the offer does not stand any more.
    async fn take_first_admin(
        &self,
        key_sha256: &str,
        name: &str,
        password: &str,
    ) -> Result<Option<Account>, StoreError>;
    /// The token of a secret, if it lasts and whoever made it is not kept out; it reaches no farther than whoever made it does now.
    async fn token_of(&self, secret_sha256: &str) -> Result<Option<Token>, StoreError>;
}

/// What people call whoever did something: names of users and tokens, by the id that logs have. Whoever shows them sees to it that they
/// are shown to those alone who may see what these did.
///
/// # Errors
/// What the store says.
pub async fn actor_names(store: &(impl Accounts + ?Sized)) -> Result<BTreeMap<String, String>, StoreError> {
    let all = Scope::whole_store(Role::Admin);
    let users = store.list_users(&all).await?.into_iter().map(|u| (u.id, u.name));
    let tokens = store.list_tokens(&all).await?.into_iter().map(|t| (t.id, t.name));
    Ok(users.chain(tokens).collect())
}

fn scope_of(role: &str, area: &str, place: &str) -> Result<Scope, StoreError> {
    let role = Role::parse(role).ok_or_else(|| StoreError::decoding(place, "角色 / role"))?;
    Scope::of_area(role, area).map_err(|_| StoreError::decoding(place, "辖区 / area"))
}

const USER: &str = "SELECT id, name, role, area, created_at, disabled_at, row_version, password FROM users";

fn read_user(row: &mut Row) -> Result<(Account, String), StoreError> {
    let (id, name): (String, String) = (row.take()?, row.take()?);
    let (role, area): (String, String) = (row.take()?, row.take()?);
    let scope = scope_of(&role, &area, &format!("users {id}"))?;
    let account =
        Account { id, name, scope, created_at: row.take()?, disabled_at: row.take()?, row_version: row.take()? };
    Ok((account, row.take()?))
}

const TOKEN: &str =
    "SELECT id, name, role, area, created_by, created_at, expires_at, revoked_at, secret_sha256 FROM tokens";

fn read_token(row: &mut Row) -> Result<(Token, String), StoreError> {
    let (id, name): (String, String) = (row.take()?, row.take()?);
    let (role, area): (String, String) = (row.take()?, row.take()?);
    let scope = scope_of(&role, &area, &format!("tokens {id}"))?;
    let token = Token {
        id,
        name,
        scope,
        created_by: row.take()?,
        created_at: row.take()?,
        expires_at: row.take()?,
        revoked_at: row.take()?,
    };
    Ok((token, row.take()?))
}

fn user_values(user: &Account, password: &str) -> Vec<Value> {
    vec![
        user.id.as_str().into(),
        user.name.as_str().into(),
        user.scope.role().word().into(),
        user.scope.area().into(),
        password.into(),
        user.created_at.as_str().into(),
        user.disabled_at.clone().into(),
        user.row_version.into(),
    ]
}

fn token_values(token: &Token, secret_sha256: &str) -> Vec<Value> {
    vec![
        token.id.as_str().into(),
        token.name.as_str().into(),
        secret_sha256.into(),
        token.scope.role().word().into(),
        token.scope.area().into(),
        token.created_by.as_str().into(),
        token.created_at.as_str().into(),
        token.expires_at.as_str().into(),
        token.revoked_at.clone().into(),
    ]
}

async fn insert(
    session: &mut dyn Session,
    table: &'static str,
    columns: &[&'static str],
    values: Vec<Value>,
) -> Result<(), StoreError> {
    let mut sql = Sql::new(table, "INSERT INTO ");
    sql.push(table).push(" (").push_list(columns).push(", row_sum) VALUES (");
    let sum = row_sum(&values);
    for value in values {
        sql.bind(value).push(", ");
    }
    sql.bind(sum).push(")");
    session.execute(sql).await.map(drop)
}

fn check_name(name: &str) -> Result<&str, StoreError> {
    let trimmed = name.trim();
    let good = !trimmed.is_empty() && trimmed.chars().count() <= LONGEST_NAME && !trimmed.chars().any(char::is_control);
    if good {
        Ok(trimmed)
    } else {
        Err(StoreError::BadArgument { name: "name", what: format!("1–{LONGEST_NAME} 字 characters") })
    }
}

/// What is given out lies within the giver's own.
fn check_within(scope: &Scope, of: &Scope) -> Result<(), StoreError> {
    if scope.contains(of) {
        return Ok(());
    }
    Err(StoreError::Forbidden {
        role: scope.role().word(),
        operation: "授予辖区之外的权限 / give rights outside the own area",
    })
}

impl SqlStore {
    /// The offer of a key, while it stands and there is no user.
    async fn offer(&self, session: &mut dyn Session, key_sha256: &str) -> Result<Option<(Token, String)>, StoreError> {
        let mut sql = Sql::new("tokens", TOKEN);
        sql.push(" WHERE secret_sha256 = ").bind(key_sha256).push(" AND created_by = ").bind(FIRST);
        sql.push(" AND revoked_at IS NULL AND expires_at > ").bind(self.now());
        sql.push(" AND NOT EXISTS (SELECT 1 FROM users)");
        session.row(sql).await?.map(|mut r| read_token(&mut r)).transpose()
    }

    fn later(&self, seconds: i64) -> String {
        dates::stamp((self.options.clock)() + Duration::seconds(seconds))
    }

    async fn log(
        &self,
        session: &mut dyn Session,
        (scope, actor): (&Scope, &str),
        operation: &str,
        subject: &str,
        after: Option<String>,
    ) -> Result<(), StoreError> {
        let at = self.now();
        let entry = audit::Entry { at: &at, actor, scope, operation, subject, before: None, after };
        audit::append(session, entry).await.map(drop)
    }
}

#[async_trait::async_trait]
impl Accounts for SqlStore {
    async fn add_user(
        &self,
        scope: &Scope,
        actor: &str,
        name: &str,
        of: &Scope,
        password: &str,
    ) -> Result<Account, StoreError> {
        scope.need(Right::ManageAccounts)?;
        check_within(scope, of)?;
        let account = Account {
            id: format!("u-{}", self.random_id()),
            name: check_name(name)?.to_owned(),
            scope: of.clone(),
            created_at: self.now(),
            disabled_at: None,
            row_version: 1,
        };
        let mut session = self.engine.write().await?;
        let known = Sql::new("users", "SELECT count(*) FROM users WHERE name = $1").arg(account.name.as_str());
        if session.one::<i64>(known).await? > 0 {
            let what = "用户名已存在 / the name is taken".to_owned();
            return Err(StoreError::Constraint { layer: "users", id: account.name, what });
        }
        insert(session.as_mut(), "users", USER_SUMMED, user_values(&account, password)).await?;
        self.log(session.as_mut(), (scope, actor), "user.add", &account.id, Some(of.describe())).await?;
        session.commit().await?;
        Ok(account)
    }

    async fn list_users(&self, scope: &Scope) -> Result<Vec<Account>, StoreError> {
        scope.need(Right::ManageAccounts)?;
        let mut sql = Sql::new("users", USER);
        sql.push(" ORDER BY name");
        let mut rows = self.engine.read().await?.rows(sql).await?;
        let all: Vec<Account> = rows.iter_mut().map(|r| Ok(read_user(r)?.0)).collect::<Result<_, StoreError>>()?;
        Ok(all.into_iter().filter(|u| scope.contains(&u.scope)).collect())
    }

    async fn change_user(
        &self,
        scope: &Scope,
        actor: &str,
        id: &str,
        change: &AccountChange,
    ) -> Result<Account, StoreError> {
        scope.need(Right::ManageAccounts)?;
        let mut session = self.engine.write().await?;
        let mut sql = Sql::new("users", USER);
        sql.push(" WHERE id = ").bind(id).push(session.for_update());
        let found = session.row(sql).await?.map(|mut r| read_user(&mut r)).transpose()?;
        let missing = || StoreError::NotFound { what: "用户 / user", id: id.chars().take(40).collect() };
        let (mut user, mut password) = found.filter(|(u, _)| scope.contains(&u.scope)).ok_or_else(missing)?;
        let before = user.scope.describe();
        if let Some(of) = &change.scope {
            check_within(scope, of)?;
            user.scope = of.clone();
        }
        if let Some(new) = &change.password {
            password.clone_from(new);
        }
        match change.disabled {
            Some(true) if user.disabled_at.is_none() => user.disabled_at = Some(self.now()),
            Some(false) => user.disabled_at = None,
            _ => {}
        }
        user.row_version += 1;
        let values = user_values(&user, &password);
        let mut sql = Sql::new("users", "UPDATE users SET row_sum = ");
        sql.bind(row_sum(&values));
        for (column, value) in USER_SUMMED.iter().zip(values) {
            sql.push(", ").push(column).push(" = ").bind(value);
        }
        sql.push(" WHERE id = ").bind(id);
        session.execute(sql).await?;
        if change.password.is_some() || change.disabled == Some(true) {
            session.execute(Sql::new("sessions", "DELETE FROM sessions WHERE user_id = $1").arg(id)).await?;
        }
        let told = serde_json::json!({
            "before": before, "after": user.scope.describe(), "password": change.password.is_some(), "disabled": user.disabled_at,
        });
        self.log(session.as_mut(), (scope, actor), "user.change", id, Some(told.to_string())).await?;
        session.commit().await?;
        Ok(user)
    }

    async fn user_named(&self, name: &str) -> Result<Option<(Account, String)>, StoreError> {
        let mut sql = Sql::new("users", USER);
        sql.push(" WHERE name = ").bind(name.trim());
        self.engine.read().await?.row(sql).await?.map(|mut r| read_user(&mut r)).transpose()
    }

    async fn has_users(&self) -> Result<bool, StoreError> {
        let sql = Sql::new("users", "SELECT count(*) FROM users");
        Ok(self.engine.read().await?.one::<i64>(sql).await? > 0)
    }

    async fn open_session(&self, user: &Account, secret_sha256: &str, lasts_s: i64) -> Result<(), StoreError> {
        let mut session = self.engine.write().await?;
        let now = self.now();
        session.execute(Sql::new("sessions", "DELETE FROM sessions WHERE expires_at <= $1").arg(now.as_str())).await?;
        let columns = ["secret_sha256", "user_id", "created_at", "expires_at"];
        let values = [secret_sha256, &user.id, &now, &self.later(lasts_s)].map(Value::from);
        insert(session.as_mut(), "sessions", &columns, values.to_vec()).await?;
        self.log(session.as_mut(), (&user.scope, &user.id), "session.open", &user.id, None).await?;
        session.commit().await
    }

    async fn close_session(&self, secret_sha256: &str) -> Result<(), StoreError> {
        let mut session = self.engine.write().await?;
        let mut whose = Sql::new("sessions", USER);
        whose.push(" WHERE id = (SELECT user_id FROM sessions WHERE secret_sha256 = ").bind(secret_sha256).push(")");
        let whose = session.row(whose).await?.map(|mut r| read_user(&mut r)).transpose()?;
        let delete = Sql::new("sessions", "DELETE FROM sessions WHERE secret_sha256 = $1").arg(secret_sha256);
        let ended = session.execute(delete).await?;
        // by the log other processes hear of it
        if let Some((user, _)) = whose.filter(|_| ended > 0) {
            self.log(session.as_mut(), (&user.scope, &user.id), "session.close", &user.id, None).await?;
        }
        session.commit().await
    }

    async fn session_user(&self, secret_sha256: &str) -> Result<Option<Account>, StoreError> {
        let mut sql = Sql::new("sessions", USER);
        sql.push(" WHERE disabled_at IS NULL AND id = (SELECT user_id FROM sessions WHERE secret_sha256 = ");
        sql.bind(secret_sha256).push(" AND expires_at > ").bind(self.now()).push(")");
        let row = self.engine.read().await?.row(sql).await?;
        row.map(|mut r| Ok(read_user(&mut r)?.0)).transpose()
    }

    async fn add_token(
        &self,
        scope: &Scope,
        actor: &str,
        name: &str,
        of: &Scope,
        (secret_sha256, lasts_s): (&str, i64),
    ) -> Result<Token, StoreError> {
        scope.need(Right::ManageAccounts)?;
        check_within(scope, of)?;
        makers::check_hands(self.engine.read().await?.as_mut(), actor).await?;
        let token = Token {
            id: format!("t-{}", self.random_id()),
            name: check_name(name)?.to_owned(),
            scope: of.clone(),
            created_by: actor.to_owned(),
            created_at: self.now(),
            expires_at: self.later(lasts_s),
            revoked_at: None,
        };
        let mut session = self.engine.write().await?;
        insert(session.as_mut(), "tokens", TOKEN_SUMMED, token_values(&token, secret_sha256)).await?;
        self.log(session.as_mut(), (scope, actor), "token.add", &token.id, Some(of.describe())).await?;
        session.commit().await?;
        Ok(token)
    }

    async fn list_tokens(&self, scope: &Scope) -> Result<Vec<Token>, StoreError> {
        scope.need(Right::ManageAccounts)?;
        let mut sql = Sql::new("tokens", TOKEN);
        sql.push(" ORDER BY id");
        let mut rows = self.engine.read().await?.rows(sql).await?;
        let all: Vec<Token> = rows.iter_mut().map(|r| Ok(read_token(r)?.0)).collect::<Result<_, StoreError>>()?;
        Ok(all.into_iter().filter(|t| scope.contains(&t.scope)).collect())
    }

    async fn revoke_token(&self, scope: &Scope, actor: &str, id: &str) -> Result<Token, StoreError> {
        scope.need(Right::ManageAccounts)?;
        let mut session = self.engine.write().await?;
        let mut sql = Sql::new("tokens", TOKEN);
        sql.push(" WHERE id = ").bind(id).push(session.for_update());
        let found = session.row(sql).await?.map(|mut r| read_token(&mut r)).transpose()?;
        let missing = || StoreError::NotFound { what: "令牌 / token", id: id.chars().take(40).collect() };
        let (mut token, secret) = found.filter(|(t, _)| scope.contains(&t.scope)).ok_or_else(missing)?;
        if token.revoked_at.is_none() {
            token.revoked_at = Some(self.now());
            let sum = row_sum(&token_values(&token, &secret));
            let sql = Sql::new("tokens", "UPDATE tokens SET revoked_at = $1, row_sum = $2 WHERE id = $3");
            session.execute(sql.arg(token.revoked_at.clone()).arg(sum).arg(id)).await?;
            self.log(session.as_mut(), (scope, actor), "token.revoke", id, None).await?;
        }
        session.commit().await?;
        Ok(token)
    }

    async fn offer_first_admin(&self, key_sha256: &str, lasts_s: i64) -> Result<bool, StoreError> {
        let scope = Scope::whole_store(Role::Admin);
        let mut session = self.engine.write().await?;
        if session.one::<i64>(Sql::new("users", "SELECT count(*) FROM users")).await? > 0 {
            return Ok(false);
        }
        let earlier = Sql::new("tokens", "DELETE FROM tokens WHERE created_by = $1 AND revoked_at IS NULL");
        session.execute(earlier.arg(FIRST)).await?;
        let offer = Token {
            id: format!("f-{}", self.random_id()),
            name: "首位管理员 first admin".to_owned(),
            scope: scope.clone(),
            created_by: FIRST.to_owned(),
            created_at: self.now(),
            expires_at: self.later(lasts_s),
            revoked_at: None,
        };
        insert(session.as_mut(), "tokens", TOKEN_SUMMED, token_values(&offer, key_sha256)).await?;
        self.log(session.as_mut(), (&scope, FIRST), "user.offer", &offer.id, None).await?;
        session.commit().await?;
        Ok(true)
    }

    async fn first_admin_is_offered(&self, key_sha256: &str) -> Result<bool, StoreError> {
        let mut session = self.engine.read().await?;
        Ok(self.offer(session.as_mut(), key_sha256).await?.is_some())
    }

    async fn take_first_admin(
        &self,
        key_sha256: &str,
        name: &str,
        password: &str,
    ) -> Result<Option<Account>, StoreError> {
        let scope = Scope::whole_store(Role::Admin);
        let mut session = self.engine.write().await?;
        let Some((mut offer, secret)) = self.offer(session.as_mut(), key_sha256).await? else { return Ok(None) };
        offer.revoked_at = Some(self.now());
        let sum = row_sum(&token_values(&offer, &secret));
        let spend = "UPDATE tokens SET revoked_at = $1, row_sum = $2 WHERE id = $3 AND revoked_at IS NULL";
        let spend = Sql::new("tokens", spend).arg(offer.revoked_at.clone()).arg(sum).arg(offer.id.as_str());
        // of two at once, the second finds it spent
        if session.execute(spend).await? != 1 {
            return Ok(None);
        }
        let account = Account {
            id: format!("u-{}", self.random_id()),
            name: check_name(name)?.to_owned(),
            scope: scope.clone(),
            created_at: self.now(),
            disabled_at: None,
            row_version: 1,
        };
        insert(session.as_mut(), "users", USER_SUMMED, user_values(&account, password)).await?;
        self.log(session.as_mut(), (&scope, FIRST), "user.add", &account.id, Some(scope.describe())).await?;
        session.commit().await?;
        Ok(Some(account))
    }

    async fn token_of(&self, secret_sha256: &str) -> Result<Option<Token>, StoreError> {
        let mut sql = Sql::new("tokens", TOKEN);
        sql.push(" WHERE secret_sha256 = ").bind(secret_sha256).push(" AND revoked_at IS NULL AND expires_at > ");
        sql.bind(self.now()).push(" AND created_by <> ").bind(FIRST);
        let mut session = self.engine.read().await?;
        let Some(mut row) = session.row(sql).await? else { return Ok(None) };
        let token = read_token(&mut row)?.0;
        let reach = makers::reach(session.as_mut(), &token).await?;
        Ok(reach.map(|scope| Token { scope, ..token }))
    }
}
