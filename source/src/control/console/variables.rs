//! Variables: the parameters of the effects of all channels, as they are told and turned.
//!
//! A parameter is called `volume.gain_db` by its effect and itself, and `main.volume.gain_db` by
//! its channel as well; the first is enough where one channel alone has it. Each channel's end
//! holds what its effects are set to, and the programme is told every change of that.

use super::{ChannelEnd, Parts, Refused, left};
use crate::config::names::folded;
use crate::control::answer;
use crate::programme::Command;
use crate::sound::dial::{OffScale, Unit};
use crate::sound::{NotSet, Parameter};

/// Why a parameter stays as it is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotTurned {
    /// There is none of this name.
    #[error("there is no such parameter")]
    NoSuch,
    /// It cannot have this value.
    #[error(transparent)]
    OffScale(OffScale),
    /// The programme cannot be told.
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl ChannelEnd {
    /// The parameters of its effects, as they are set now.
    pub fn parameters(&self) -> Vec<Parameter> {
        let chain = self.sound.borrow().clone();
        chain.parameters()
    }

    /// Sets the parameter called `name`, without its channel, to what `text` says; the programme
    /// goes over to it at once.
    ///
    /// Fails, and nothing changes, if there is none, if it cannot have this value, or if the
    /// programme has too many wishes waiting.
    pub fn turn(&self, name: &str, text: &str) -> Result<(), NotTurned> {
        let mut outcome = Ok(());
        self.sound.send_if_modified(|chain| {
            let mut turned = chain.clone();
            outcome = turned.set(name, text).map_err(NotTurned::from).and_then(|()| {
                // Told here, so that of two who turn at once both are heard in the order in
                // which they are remembered.
                let command = Command::Sound(Box::new(turned.clone()));
                left(self.commands.try_send(command)).map_err(NotTurned::from)
            });
            let is_turned = outcome.is_ok();
            if is_turned {
                *chain = turned;
            }
            is_turned
        });
        outcome
    }
}

impl Parts {
    /// All variables with their types, a line each.
    pub(super) fn variables_told(&self) -> String {
        let all = self.variables();
        let mut lines: Vec<String> = all
            .iter()
            .map(|(channel, parameter)| {
                let short = &parameter.name;
                let is_one = all.iter().filter(|(_, it)| it.name == *short).count() == 1;
                let name = if is_one { short.clone() } else { long(channel, parameter) };
                format!("{name} : {}", type_of(parameter.unit))
            })
            .collect();
        lines.sort();
        lines.join("\n")
    }

    /// The value of the variable called `name`.
    pub(super) fn variable_told(&self, name: &str) -> String {
        match self.variable(name) {
            Some((_, parameter)) => answer::value(parameter.value, parameter.unit == Unit::Switch),
            None => answer::NO_VARIABLE.to_owned(),
        }
    }

    /// What becomes of the wish that the variable called `name` be what `text` says.
    pub(super) fn variable_set(&self, name: &str, text: &str) -> String {
        let Some((channel, parameter)) = self.variable(name) else {
            return answer::NO_SUCH_SETTING.to_owned();
        };
        match channel.turn(&parameter.name, text) {
            Ok(()) => format!("Variable {name} set."),
            Err(error) => format!("ERROR: {name}: {error}."),
        }
    }

    /// The one variable that goes by `name`, and its channel.
    fn variable(&self, name: &str) -> Option<(&ChannelEnd, Parameter)> {
        let name = folded(name);
        let all = self.variables();
        let mut short = all.iter().filter(|(_, it)| folded(&it.name) == name);
        let found = match (short.next(), short.next()) {
            (Some(one), None) => Some(one),
            _ => all.iter().find(|(channel, it)| folded(&long(channel, it)) == name),
        };
        found.cloned()
    }

    fn variables(&self) -> Vec<(&ChannelEnd, Parameter)> {
        let of = |channel| ChannelEnd::parameters(channel).into_iter().map(move |it| (channel, it));
        self.channels.iter().flat_map(of).collect()
    }
}

impl From<NotSet> for NotTurned {
    fn from(error: NotSet) -> Self {
        match error {
            NotSet::NoSuch => Self::NoSuch,
            NotSet::OffScale(error) => Self::OffScale(error),
        }
    }
}

/// The name of a parameter with its channel.
fn long(channel: &ChannelEnd, parameter: &Parameter) -> String {
    format!("{}.{}", channel.name, parameter.name)
}

/// The type of a variable, as Liquidsoap calls it.
fn type_of(unit: Unit) -> &'static str {
    match unit {
        Unit::Decibels | Unit::Hertz | Unit::Number | Unit::Seconds => "float",
        Unit::Switch => "bool",
    }
}
