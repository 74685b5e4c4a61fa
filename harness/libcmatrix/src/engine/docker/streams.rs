//! The standard streams of a container, taken apart.
//!
//! Takes the one connection that carries them; gives standard input, standard output and the tail
//! of standard error. What is not read is not taken from the daemon either, beyond a few chunks, so
//! a flood waits in the container and not in memory here.

use std::io;

use bollard::container::{AttachContainerResults, LogOutput};
use futures_util::{StreamExt, stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_util::io::StreamReader;

use super::fault;
use crate::engine::tail::Tail;

/// How many chunks of standard output wait here for their reader. A daemon sends at most 32 KiB in one.
const WAITING_CHUNKS: usize = 16;

/// How much input waits here for the container.
const WAITING_INPUT: usize = 64 * 1024;

/// The standard streams of a container.
pub(super) struct Streams {
    /// Ends the container's input when dropped.
    pub stdin: Box<dyn AsyncWrite + Send + Unpin>,
    /// Ends with an error where the connection broke, so that this is never taken for its end.
    pub stdout: Box<dyn AsyncRead + Send + Unpin>,
    /// What came on standard error.
    pub stderr: Tail,
    /// Ends when the last byte of both outputs has been handed over.
    pub handing_over: JoinHandle<()>,
}

/// Takes the connection apart.
pub(super) fn take_apart(attached: AttachContainerResults) -> Streams {
    let AttachContainerResults { output, input } = attached;
    let (stdin, to_send) = tokio::io::duplex(WAITING_INPUT);
    tokio::spawn(send_input(to_send, input));

    let (chunks, mut received) = mpsc::channel(WAITING_CHUNKS);
    let stdout = StreamReader::new(stream::poll_fn(move |context| received.poll_recv(context)));
    let stderr = Tail::default();
    let handing_over = tokio::spawn(hand_over(output, chunks, stderr.clone()));
    Streams { stdin: Box::new(stdin), stdout: Box::new(stdout), stderr, handing_over }
}

/// Sends input until it ends, then closes that half of the connection: the daemon closes the
/// container's input with it, while its outputs go on.
async fn send_input(mut from: DuplexStream, mut to: impl AsyncWrite + Unpin) {
    // A container that has ended takes no more; the writer sees a broken pipe.
    let _ = tokio::io::copy(&mut from, &mut to).await;
    let _ = to.shutdown().await;
}

async fn hand_over<E>(
    mut output: impl stream::Stream<Item = Result<LogOutput, E>> + Unpin,
    chunks: mpsc::Sender<io::Result<bytes::Bytes>>,
    stderr: Tail,
) where
    E: Into<bollard::errors::Error>,
{
    // A reader that has gone must not keep the container waiting, nor its standard error.
    let mut is_read = true;
    while let Some(message) = output.next().await {
        let broken = match message {
            Ok(LogOutput::StdOut { message }) => {
                is_read = is_read && chunks.send(Ok(message)).await.is_ok();
                continue;
            }
            Ok(LogOutput::StdErr { message }) => {
                stderr.push(&message);
                continue;
            }
            Ok(LogOutput::StdIn { .. }) => continue,
            // bollard's word for bytes that are not a whole frame.
            Ok(LogOutput::Console { .. }) => io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the connection to the container engine broke",
            ),
            Err(error) => io::Error::other(fault::cause(&error.into())),
        };
        let _ = chunks.send(Err(broken)).await;
        return;
    }
}

#[cfg(test)]
mod tests {
    use bollard::errors::Error;
    use tokio::io::AsyncReadExt;

    use super::*;

    fn out(text: &'static str) -> Result<LogOutput, Error> {
        Ok(LogOutput::StdOut { message: text.into() })
    }

    fn err(text: &'static str) -> Result<LogOutput, Error> {
        Ok(LogOutput::StdErr { message: text.into() })
    }

    fn attached(messages: Vec<Result<LogOutput, Error>>) -> AttachContainerResults {
        AttachContainerResults {
            output: Box::pin(stream::iter(messages)),
            input: Box::pin(tokio::io::sink()),
        }
    }

    #[tokio::test]
    async fn outputs_are_told_apart() {
        let mut streams = take_apart(attached(vec![out("a"), err("x"), out("b"), err("y")]));
        let mut text = String::new();
        streams.stdout.read_to_string(&mut text).await.expect("a whole stream");
        assert_eq!(text, "ab");
        streams.handing_over.await.expect("it ends");
        assert_eq!(streams.stderr.text(), "xy");
    }

    #[tokio::test]
    async fn a_broken_connection_is_no_end() {
        let broken = Ok(LogOutput::Console { message: "half".into() });
        for end in [broken, Err(Error::RequestTimeoutError)] {
            let mut streams = take_apart(attached(vec![out("a"), end]));
            let mut bytes = Vec::new();
            assert!(streams.stdout.read_to_end(&mut bytes).await.is_err());
            assert_eq!(bytes, b"a");
        }
    }

    #[tokio::test]
    async fn a_reader_that_has_gone_stops_nothing() {
        let mut messages: Vec<_> = (0..WAITING_CHUNKS * 3).map(|_| out("a")).collect();
        messages.push(err("late"));
        let Streams { stdout, stderr, handing_over, .. } = take_apart(attached(messages));
        drop(stdout);
        handing_over.await.expect("it ends");
        assert_eq!(stderr.text(), "late");
    }

    #[tokio::test]
    async fn a_flood_waits_for_its_reader() {
        let messages = (0..WAITING_CHUNKS * 3).map(|_| out("a")).collect();
        let mut streams = take_apart(attached(messages));
        tokio::task::yield_now().await;
        assert!(!streams.handing_over.is_finished());
        let mut text = String::new();
        streams.stdout.read_to_string(&mut text).await.expect("a whole stream");
        assert_eq!(text.len(), WAITING_CHUNKS * 3);
    }
}
