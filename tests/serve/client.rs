//! An HTTP/1.1 client of a few lines, which can also say what no client should.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for anything in these tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The body as text; what is none is replaced.
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// The only header of a name; panics if there are several.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(each, _)| each == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} twice: {self:?}");
        value
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// One connection.
pub(crate) struct Client<S = TcpStream> {
    stream: S,
    left_over: Vec<u8>,
}

impl Client {
    pub(crate) fn to(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self {
            stream,
            left_over: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends a request without a body and reads the answer.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
    ) -> io::Result<Answer> {
        self.send(request(method, target, headers))?;
        self.answer(method)
    }

    /// Reads one answer; an error if the connection ends before it is whole.
    pub(crate) fn answer(&mut self, method: &str) -> io::Result<Answer> {
        let end = loop {
            let end = self.left_over.windows(4).position(|w| w == b"\r\n\r\n");
            match end {
                Some(end) => break end,
                None => self.more()?,
            }
        };
        let head = String::from_utf8(self.left_over.drain(..end + 4).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Answer {
            status: status.parse().unwrap(),
            headers,
            body: String::new(),
            bytes: Vec::new(),
        };
        assert_eq!(answer.header("transfer-encoding"), None, "{answer:?}");
        let length = answer
            .header("content-length")
            .map_or(0, |n| n.parse().unwrap());
        if method != "HEAD" && answer.status != 304 {
            while self.left_over.len() < length {
                self.more()?;
            }
            answer.bytes = self.left_over.drain(..length).collect();
            answer.body = String::from_utf8_lossy(&answer.bytes).into_owned();
        }
        Ok(answer)
    }

    /// Whether the server closes the connection, and says nothing more before.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Ok(read) => read == 0,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    fn more(&mut self) -> io::Result<()> {
        let mut chunk = [0; 16 * 1024];
        match self.stream.read(&mut chunk)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.left_over.extend_from_slice(&chunk[..read]);
                Ok(())
            }
        }
    }
}

/// The bytes of a request without a body.
pub(crate) fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> String {
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: serve.example\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text + "\r\n"
}
