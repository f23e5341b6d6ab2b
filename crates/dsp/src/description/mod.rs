//! The description of a processor: parameters, values, kinds, and the macro that writes them.

mod kind;
mod param;
mod settings;
mod values;

pub use kind::{Family, Kind, Response};
pub use param::{Choice, Class, Group, Param, Setting, Taper, Unit, help_text, plain_name};
pub use values::{Address, ImpulseResponse, Unknown, Values};
