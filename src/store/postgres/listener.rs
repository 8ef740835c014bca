//! Hearing of changes on PostgreSQL.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::{AsyncMessage, Client, Connection, Error, NoTls};

use super::connection::Server;
use crate::store::notice::{Listening, Pause};

/// How long one look for a message waits, at most: so soon is the end noticed.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Listener(pub(super) Arc<Server>);

impl Listening for Listener {
    fn listen(&mut self, end: &Pause, heard: &mut (dyn FnMut() + Send)) {
        let (config, tls) = self.0.settings();
        let mut config = config.clone();
        // A server that vanished without a word is noticed by the system.
        config
            .tcp_user_timeout(self.0.timeout())
            .keepalives_idle(self.0.timeout());
        let work = async {
            match tls {
                Some(tls) => {
                    let (client, connection) = config.connect(tls).await?;
                    self.follow(&client, connection, end, heard).await
                }
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    self.follow(&client, connection, end, heard).await
                }
            }
        };
        // Whatever broke: the caller connects again.
        let ended: Option<Result<(), Error>> = self.0.driver().wait(work);
        drop(ended);
    }
}

impl Listener {
    async fn follow<S, T>(
        &self,
        client: &Client,
        mut connection: Connection<S, T>,
        end: &Pause,
        heard: &mut (dyn FnMut() + Send),
    ) -> Result<(), Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
        T: AsyncRead + AsyncWrite + Unpin + Send,
    {
        let question = format!("LISTEN {}", self.0.channel);
        let mut asked = std::pin::pin!(client.batch_execute(&question));
        let mut waiting = true;
        while !end.has_ended() {
            let look = poll_fn(|context| {
                // The connection moves what the client asks and is answered.
                let message = connection.poll_message(context);
                if waiting && let std::task::Poll::Ready(answer) = asked.as_mut().poll(context) {
                    waiting = false;
                    return std::task::Poll::Ready(Some(answer.map(|()| None)));
                }
                message.map(|message| message.map(|message| message.map(Some)))
            });
            match tokio::time::timeout(LOOK, look).await {
                Ok(Some(Ok(Some(AsyncMessage::Notification(_)) | None))) => {
                    heard();
                }
                Ok(Some(Ok(Some(_)))) => {}
                Ok(Some(Err(error))) => return Err(error),
                Ok(None) => return Ok(()),
                Err(_) => {}
            }
        }
        Ok(())
    }
}
