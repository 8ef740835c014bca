//! The list of revocations on PostgreSQL.

use std::sync::Arc;

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::connection::{Access, Server};
use crate::limits::MAX_CLOCK_JUMP;
use crate::store::error::StoreError;
use crate::store::shared::{Added, Addition, ListServer, Mark, Page, Rewrite, StoredHead, foreign};

/// Most entries of one answer.
const PAGE_ENTRIES: i64 = 2000;

/// The columns of a head, in the order in which they are read.
const HEAD: &str = "list, fingerprint_key, epoch, seq, base, entries, observed";

/// The list of a schema.
pub(super) struct List(pub(super) Arc<Server>);

impl List {
    /// A statement on the list's row, with its head and whoever listens told.
    fn telling(&self, change: &str) -> String {
        let channel = self.0.channel.trim_matches('"');
        format!("{change} SELECT {HEAD}, pg_notify('{channel}', 'list')::text FROM head")
    }

    fn row(
        &self,
        access: Access,
        query: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, StoreError> {
        self.0.call(access, async |client| {
            let row = client.query_opt(query, values).await;
            (client, row)
        })
    }

    fn head_of(&self, row: &Row) -> Result<StoredHead, StoreError> {
        let bytes = |at: usize| {
            let bytes = row.try_get::<_, &[u8]>(at).ok()?;
            <[u8; 16]>::try_from(bytes).ok()
        };
        let number = |at: usize| row.try_get::<_, i64>(at).ok();
        let count = |at: usize| number(at).and_then(|number| u64::try_from(number).ok());
        (|| {
            Some(StoredHead {
                list: bytes(0)?,
                fingerprint_key: bytes(1)?,
                epoch: count(2)?,
                seq: count(3)?,
                base: count(4)?,
                entries: count(5)?,
                observed: number(6)?,
            })
        })()
        .ok_or_else(|| foreign(self.0.place(), "a revocation list", "one with other fields"))
    }
}

/// What a clock shows, unless it has jumped: an expression over `observed`.
fn observing(value: &str) -> String {
    let jump = MAX_CLOCK_JUMP.as_secs();
    format!(
        "observed = CASE WHEN {value} > observed AND {value} <= observed + {jump} \
         THEN {value} ELSE observed END"
    )
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl ListServer for List {
    fn place(&self) -> &str {
        self.0.place()
    }

    fn create(&self, head: &StoredHead) -> Result<bool, StoreError> {
        let schema = &self.0.schema;
        let query = self.telling(&format!(
            "WITH head AS (INSERT INTO {schema}.list ({HEAD}) \
             VALUES ($1, $2, 1, 0, 0, 0, $3) ON CONFLICT DO NOTHING RETURNING *), \
             stale AS (DELETE FROM {schema}.entries WHERE EXISTS (SELECT 1 FROM head))"
        ));
        let (list, key) = (&head.list[..], &head.fingerprint_key[..]);
        let row = self.row(Access::Changes, &query, &[&list, &key, &head.observed])?;
        Ok(row.is_some())
    }

    fn head(&self) -> Result<Option<StoredHead>, StoreError> {
        let query = format!("SELECT {HEAD} FROM {}.list", self.0.schema);
        let row = self.row(Access::Reads, &query, &[])?;
        row.map(|row| self.head_of(&row)).transpose()
    }

    fn append(&self, addition: &Addition<'_>) -> Result<Added, StoreError> {
        let schema = &self.0.schema;
        let query = self.telling(&format!(
            "WITH head AS (UPDATE {schema}.list SET seq = seq + $2, entries = entries + $2, {} \
             WHERE entries + $3 <= $4 RETURNING *), \
             added AS (INSERT INTO {schema}.entries (seq, entry) \
             SELECT head.seq - $2 + number, entry \
             FROM head, unnest($1::bytea[]) WITH ORDINALITY AS new (entry, number))",
            observing("$5::bigint")
        ));
        let count = i64::try_from(addition.entries.len()).unwrap_or(i64::MAX);
        let (room, most) = (signed(addition.room_for), signed(addition.most));
        let values: [&(dyn ToSql + Sync); 5] =
            [&addition.entries, &count, &room, &most, &addition.now];
        match self.row(Access::Changes, &query, &values)? {
            Some(row) => self.head_of(&row).map(Added::Done),
            None => Ok(self.head()?.map_or(Added::NoList, |_| Added::Full)),
        }
    }

    fn page(&self, after: u64) -> Result<Option<Page>, StoreError> {
        let schema = &self.0.schema;
        let query = format!(
            "SELECT {}, entry.seq, entry.entry FROM {schema}.list AS head LEFT JOIN LATERAL \
             (SELECT seq, entry FROM {schema}.entries WHERE seq > $1 ORDER BY seq LIMIT $2) \
             AS entry ON true ORDER BY entry.seq",
            HEAD.split(", ")
                .map(|column| format!("head.{column}"))
                .collect::<Vec<_>>()
                .join(", ")
        );
        let (after, most) = (signed(after), PAGE_ENTRIES.saturating_add(1));
        let rows = self.0.call(Access::Reads, async |client| {
            let rows = client.query(&query, &[&after, &most]).await;
            (client, rows)
        })?;
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        let head = self.head_of(first)?;
        let entry = |row: &Row| {
            let seq = row.try_get::<_, Option<i64>>(7).ok()??;
            Some((u64::try_from(seq).ok()?, row.try_get(8).ok()?))
        };
        let most = usize::try_from(PAGE_ENTRIES).unwrap_or(usize::MAX);
        Ok(Some(Page {
            head,
            last: rows.len() <= most,
            entries: rows.iter().take(most).filter_map(entry).collect(),
        }))
    }

    fn rewrite(&self, step: &Rewrite<'_>) -> Result<Option<StoredHead>, StoreError> {
        let schema = &self.0.schema;
        let query = self.telling(&format!(
            "WITH head AS (UPDATE {schema}.list SET seq = seq + 1, base = seq + 1, \
             entries = entries - cardinality($4::bigint[]) WHERE base = $1 RETURNING *), \
             replaced AS (UPDATE {schema}.entries AS old SET entry = new.entry \
             FROM head, unnest($2::bigint[], $3::bytea[]) AS new (seq, entry) \
             WHERE old.seq = new.seq), \
             removed AS (DELETE FROM {schema}.entries AS old USING head \
             WHERE old.seq = ANY ($4::bigint[]))"
        ));
        let numbers: Vec<i64> = step.replaced.iter().map(|(seq, _)| signed(*seq)).collect();
        let entries: Vec<&[u8]> = step.replaced.iter().map(|(_, entry)| &entry[..]).collect();
        let removed: Vec<i64> = step.removed.iter().copied().map(signed).collect();
        let base = signed(step.base);
        let values: [&(dyn ToSql + Sync); 4] = [&base, &numbers, &entries, &removed];
        let row = self.row(Access::Changes, &query, &values)?;
        row.map(|row| self.head_of(&row)).transpose()
    }

    fn mark(&self, mark: Mark) -> Result<Option<StoredHead>, StoreError> {
        let (now, change) = match mark {
            Mark::Observe(now) => (now, observing("$1::bigint")),
            Mark::Accept(now) => (now, "observed = $1::bigint".to_owned()),
            Mark::Epoch(now) => {
                let observing = observing("$1::bigint");
                (now, format!("epoch = epoch + 1, {observing}"))
            }
        };
        let query = self.telling(&format!(
            "WITH head AS (UPDATE {}.list SET {change} RETURNING *)",
            self.0.schema
        ));
        let row = self.row(Access::Changes, &query, &[&now])?;
        row.map(|row| self.head_of(&row)).transpose()
    }
}
