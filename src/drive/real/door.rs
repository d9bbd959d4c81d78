//! Whether a provider lets connections in: told by the station, minded by the listeners.
//!
//! A provider that refuses connections does not listen: who connects is refused by the operating system, and connections
//! on which nothing is under way are reset. What is under way goes on to its end, and its connection is closed then.

use std::future::pending;

use tokio::sync::watch;

/// Of one provider.
#[derive(Clone, Debug)]
pub struct Door(watch::Receiver<bool>);

/// So many open doors, and what shuts them.
pub(super) fn doors(count: usize) -> (Vec<watch::Sender<bool>>, Vec<Door>) {
    (0..count).map(|_| watch::channel(false)).map(|(shut, door)| (shut, Door(door))).unzip()
}

impl Door {
    /// Waits until it is shut; for ever when the station is gone.
    pub async fn shut(&mut self) {
        self.becomes(true).await;
    }

    /// Waits until it is open again.
    pub async fn open(&mut self) {
        self.becomes(false).await;
    }

    async fn becomes(&mut self, shut: bool) {
        if self.0.wait_for(|is| *is == shut).await.is_err() {
            pending().await
        }
    }
}
