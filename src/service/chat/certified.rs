//! Names from certificates: a member has the name in its certificate, and can have no other.

use super::session::Session;
use super::state::ChatState;
use crate::service::chat::rooms::Name;

impl Session {
    /// Takes the name in the client's certificate, if it can be had: a client that comes a second
    /// time is a guest.
    pub(super) fn take_certified_name(&self, chat: &ChatState) {
        let name = self.certified_name().filter(|_| chat.names_are_certified);
        if let Some(name) = name.filter(|name| !chat.operators.is_name_banned(name)) {
            let _ = chat.directory.rename(&self.person, name);
        }
    }

    /// Whether the client may ask for this name.
    pub(super) fn may_ask_for(&self, chat: &ChatState, name: &Name) -> bool {
        let is_its_own = |own: Name| own.key() == name.key();
        !chat.names_are_certified || self.certified_name().is_some_and(is_its_own)
    }

    /// The name in its certificate; of an e-mail address what is before the @.
    fn certified_name(&self) -> Option<Name> {
        let name = self.person.outlet.certified_name()?;
        let name = name.split_once('@').map_or(&*name, |(own, _)| own);
        Name::new(name).ok()
    }
}
