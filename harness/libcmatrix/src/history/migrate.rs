//! The form of the file, and how an older one is brought up to it. `user_version` counts the steps that
//! were made; `application_id` tells a history from any other SQLite file.

use rusqlite::{Connection, TransactionBehavior};

/// `libc` in ASCII.
const APPLICATION_ID: i64 = 0x6c69_6263;

/// Steps from one form to the next; never changed after a release, only added to.
pub(super) const STEPS: [&str; 1] = [include_str!("schema_1.sql")];

/// What a file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A history of this form, or of one that is brought up to it.
    Ours,
    /// A history that a newer libcmatrix wrote.
    Newer(i64),
    /// A database of something else.
    Foreign,
}

/// Looks what the file is, and brings it up to the newest of `steps` if it is an older history or empty.
pub(super) fn bring_up(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<Form> {
    let newest = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    if let Some(form) = settled_form(connection, newest)? {
        return Ok(form);
    }
    // Two writers may have come here: the second finds the work done.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some(form) = settled_form(&transaction, newest)? {
        return Ok(form);
    }
    let made = usize::try_from(version(&transaction)?).unwrap_or(0);
    for step in &steps[made..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", newest)?;
    transaction.commit()?;
    Ok(Form::Ours)
}

/// What the file is, unless there is something to do for it.
fn settled_form(connection: &Connection, newest: i64) -> rusqlite::Result<Option<Form>> {
    let count = "SELECT count(*) FROM sqlite_schema";
    let is_empty = connection.query_row(count, [], |row| row.get::<_, i64>(0))? == 0;
    let application: i64 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version = version(connection)?;
    Ok(match (application, version) {
        (0, 0) if is_empty => None,
        (APPLICATION_ID, version) if version == newest => Some(Form::Ours),
        (APPLICATION_ID, version) if version > newest => Some(Form::Newer(version)),
        (APPLICATION_ID, version) if version > 0 => None,
        _ => Some(Form::Foreign),
    })
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_file_keeps_what_it_has() {
        let mut connection = Connection::open_in_memory().expect("a database");
        let first = ["CREATE TABLE a (x INTEGER);"];
        let both = [first[0], "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 7;"];
        assert_eq!(bring_up(&mut connection, &first), Ok(Form::Ours));
        connection.execute("INSERT INTO a VALUES (1)", []).expect("a row");
        assert_eq!(bring_up(&mut connection, &both), Ok(Form::Ours));
        assert_eq!(bring_up(&mut connection, &both), Ok(Form::Ours), "nothing is done twice");
        let row = connection.query_row("SELECT x, y FROM a", [], |r| Ok((r.get(0)?, r.get(1)?)));
        assert_eq!(row, Ok((1, 7)));
        assert_eq!(bring_up(&mut connection, &first), Ok(Form::Newer(2)));
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let mut connection = Connection::open_in_memory().expect("a database");
        let first = ["CREATE TABLE a (x INTEGER);"];
        bring_up(&mut connection, &first).expect("a history");
        let broken = [first[0], "CREATE TABLE b (y INTEGER); CREATE TABLE a (x INTEGER);"];
        assert!(bring_up(&mut connection, &broken).is_err());
        assert_eq!(bring_up(&mut connection, &first), Ok(Form::Ours));
        let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'b'";
        assert_eq!(connection.query_row(tables, [], |row| row.get(0)), Ok(0));
    }

    #[test]
    fn a_file_of_something_else_is_left_alone() {
        let mut connection = Connection::open_in_memory().expect("a database");
        connection.execute_batch("CREATE TABLE runs (x INTEGER)").expect("a table");
        assert_eq!(bring_up(&mut connection, &STEPS), Ok(Form::Foreign));
        let mut numbered = Connection::open_in_memory().expect("a database");
        numbered.pragma_update(None, "user_version", 3).expect("a number");
        assert_eq!(bring_up(&mut numbered, &STEPS), Ok(Form::Foreign));
    }
}
