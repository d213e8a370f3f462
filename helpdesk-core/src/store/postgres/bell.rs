//! Wake-ups between processes: one NOTIFY for many commits, sent outside any writing transaction (inside one its global
//! lock is held over the flush), and one connection that listens. Polling is the truth; this shortens the wait.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Pool;
use futures_util::StreamExt;
use tokio::sync::Notify;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Config, NoTls};

use super::core::Core;

/// How long a notifier gathers commits before it tells others.
const DEBOUNCE: Duration = Duration::from_millis(15);
/// How long a listener waits before it connects anew.
const RECONNECT: Duration = Duration::from_secs(1);

/// A notification takes a transaction number, so that its commit would wait for a flush of its own. Nobody relies on it
/// after a crash.
const NOTIFY: &str = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, '')";

/// One channel per schema; a collision only wakes somebody for nothing.
fn channel(core: &Core) -> String {
    format!("hd_bell_{}", core.magic())
}

/// Tells other processes of commits, until aborted.
pub(super) async fn tell(core: Arc<Core>, pool: Pool) {
    let channel = channel(&core);
    loop {
        core.outward.notified().await;
        tokio::time::sleep(DEBOUNCE).await;
        let Ok(client) = pool.get().await else { continue };
        let params: [(&(dyn ToSql + Sync), Type); 1] = [(&channel, Type::TEXT)];
        if let Err(error) = client.query_typed(NOTIFY, &params).await {
            tracing::debug!(%error, "other nodes were not woken");
        }
    }
}

/// Rings this process's bell when another commits, until aborted.
pub(super) async fn listen(core: Arc<Core>, config: Config) {
    let channel = channel(&core);
    loop {
        if let Err(error) = hear(&channel, &core.bell, &config).await {
            tracing::debug!(%error, "not listening; polling goes on");
        }
        tokio::time::sleep(RECONNECT).await;
    }
}

/// One connection's life.
async fn hear(channel: &str, bell: &Notify, config: &Config) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = config.connect(NoTls).await?;
    let mut messages = futures_util::stream::poll_fn(move |cx| connection.poll_message(cx));
    let text = format!("LISTEN {channel}");
    let mut listening = std::pin::pin!(client.batch_execute(&text));
    let mut pending = true;
    loop {
        tokio::select! {
            done = &mut listening, if pending => {
                done?;
                pending = false;
                bell.notify_waiters(); // for what was missed while nobody listened
            }
            message = messages.next() => match message {
                Some(Ok(AsyncMessage::Notification(_))) => bell.notify_waiters(),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
        }
    }
}
