use std::{
    env,
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

/// The clients' process, as the server's sees it.
pub(crate) struct Process(Child);

impl Process {
    /// Where the server is, if this process is to be the clients'.
    pub(crate) fn server() -> Option<SocketAddr> {
        let server = env::var(SERVER).ok()?;
        Some(server.parse().unwrap())
    }

    /// `test` is the test that calls this, and that the new process is to run, too.
    pub(crate) fn start(test: &str, server: SocketAddr) -> Self {
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(SERVER, server.to_string())
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    pub(crate) fn end(mut self) {
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error: it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const SERVER: &str = "SERVER_OF_THE_CROWD";
