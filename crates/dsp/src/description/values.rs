//! The values of one processor's settings, by place; and the address of one of them.

use super::{Class, Kind, Param};
use audio::Buffer;
use std::fmt;
use std::sync::Arc;

/// Where a value stands among a kind's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// A parameter of the processor, by its place in `Kind::params`.
    Field(usize),
    /// A parameter of one item of a group.
    Item {
        /// Place in `Kind::groups`.
        group: usize,
        /// Which item.
        item: usize,
        /// Place in the group's `params`.
        field: usize,
    },
}

/// A recorded or measured impulse response that a kind with [`Kind::impulse_response`] is built from.
#[derive(Debug, Clone, PartialEq)]
pub struct ImpulseResponse {
    /// Channels x frames: one channel, two (left and right), or four (true stereo: left to left, left to
    /// right, right to left, right to right).
    pub audio: Buffer,
    /// Its sample rate in hertz; the processor converts it to its own.
    pub sample_rate_hz: f64,
}

/// All values of one processor; switches and choices are held as numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Values {
    /// One number per entry of `Kind::params`.
    pub fields: Vec<f64>,
    /// Per entry of `Kind::groups`: its items, each with one number per parameter.
    pub groups: Vec<Vec<Vec<f64>>>,
    /// What a kind with [`Kind::impulse_response`] is built from; without it that kind is neutral.
    pub impulse_response: Option<Arc<ImpulseResponse>>,
    /// Nothing is set once it is built: a kind need not make room for more than these values ask for.
    pub still: bool,
}

/// A name that a kind does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The kind's id.
    pub kind: &'static str,
    /// What was asked for.
    pub name: String,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "`{}` has no setting `{}`", self.kind, self.name)
    }
}

impl std::error::Error for Unknown {}

impl Values {
    /// Every setting at its neutral default, no items in any group.
    pub fn neutral(kind: &Kind) -> Values {
        Values {
            fields: kind.params.iter().map(|p| p.default).collect(),
            groups: vec![Vec::new(); kind.groups.len()],
            impulse_response: None,
            still: false,
        }
    }

    /// Settings from one line of text. Items of groups come into being when they are named, from 0; other
    /// settings are neutral, and values outside a range stand as written.
    ///
    /// ```
    /// let eq = dsp::kind("eq").unwrap();
    /// let values = dsp::Values::parse(eq, "output_db = -1; bands.0.type = low_shelf; bands.0.gain_db = 3")?;
    /// assert_eq!(values.get(eq.address("bands.0.gain_db")?), 3.0);
    /// let phaser = dsp::kind("phaser").unwrap();
    /// let stages = phaser.address("stages")?;
    /// assert_eq!(phaser.shown(stages, dsp::Values::parse(phaser, "stages = 8")?.get(stages)), "8");
    /// # Ok::<(), dsp::Unknown>(())
    /// ```
    pub fn parse(kind: &Kind, text: &str) -> Result<Values, Unknown> {
        let mut values = Values::neutral(kind);
        for setting in text.split(';').map(str::trim).filter(|setting| !setting.is_empty()) {
            let unknown = || Unknown { kind: kind.id, name: setting.into() };
            let (name, value) = setting.split_once(" = ").ok_or_else(unknown)?;
            let address = kind.address(name)?;
            if let Address::Item { group, item, .. } = address {
                let described = &kind.groups[group];
                if item >= described.max {
                    return Err(unknown());
                }
                while values.groups[group].len() <= item {
                    values.push(kind, described.id)?;
                }
            }
            match kind.param(address).class {
                // Some are called like numbers, such as the stages of a phaser.
                Class::Choice => values.set_choice(kind, name, value)?,
                Class::Switch => {
                    values.put(address, f64::from(u8::from(value.parse::<bool>().map_err(|_| unknown())?)))
                }
                Class::Number => values.put(address, value.parse().map_err(|_| unknown())?),
            }
        }
        Ok(values)
    }

    /// The value at an address.
    ///
    /// # Panics
    /// When the address is not of this kind.
    pub fn get(&self, address: Address) -> f64 {
        match address {
            Address::Field(field) => self.fields[field],
            Address::Item { group, item, field } => self.groups[group][item][field],
        }
    }

    /// Sets the value at an address.
    ///
    /// # Panics
    /// When the address is not of this kind.
    pub fn put(&mut self, address: Address, value: f64) {
        match address {
            Address::Field(field) => self.fields[field] = value,
            Address::Item { group, item, field } => self.groups[group][item][field] = value,
        }
    }

    /// Sets by names: `threshold_db`, or `bands.2.freq_hz`; the item must exist.
    pub fn set(&mut self, kind: &Kind, name: &str, value: f64) -> Result<(), Unknown> {
        let address = kind.address(name)?;
        if let Address::Item { group, item, .. } = address
            && item >= self.groups[group].len()
        {
            return Err(Unknown { kind: kind.id, name: name.into() });
        }
        self.put(address, value);
        Ok(())
    }

    /// Sets a choice by its names, such as `set_choice(kind, "detector", "rms")`.
    pub fn set_choice(&mut self, kind: &Kind, name: &str, choice: &str) -> Result<(), Unknown> {
        let param = kind.param(kind.address(name)?);
        let index = param
            .choices
            .iter()
            .position(|c| c.id == choice)
            .ok_or_else(|| Unknown { kind: kind.id, name: format!("{name} = {choice}") })?;
        self.set(kind, name, index as f64)
    }

    /// Adds an item with neutral values to a group and gives its place.
    pub fn push(&mut self, kind: &Kind, group: &str) -> Result<usize, Unknown> {
        let place = kind
            .groups
            .iter()
            .position(|g| g.id == group)
            .ok_or_else(|| Unknown { kind: kind.id, name: group.into() })?;
        self.groups[place].push(kind.groups[place].params.iter().map(|p| p.default).collect());
        Ok(self.groups[place].len() - 1)
    }

    /// Every address that has a value, in the order people see.
    pub fn addresses(&self) -> Vec<Address> {
        let fields = (0..self.fields.len()).map(Address::Field);
        let items = self.groups.iter().enumerate().flat_map(|(group, items)| {
            items.iter().enumerate().flat_map(move |(item, values)| {
                (0..values.len()).map(move |field| Address::Item { group, item, field })
            })
        });
        fields.chain(items).collect()
    }
}

impl Kind {
    /// The address of a name such as `threshold_db` or `bands.2.freq_hz`.
    pub fn address(&self, name: &str) -> Result<Address, Unknown> {
        let unknown = || Unknown { kind: self.id, name: name.into() };
        let place = |params: &[Param], id: &str| params.iter().position(|p| p.id == id);
        let mut parts = name.split('.');
        let (first, item, field) = (parts.next(), parts.next(), parts.next());
        match (first, item, field, parts.next()) {
            (Some(id), None, None, None) => place(self.params, id).map(Address::Field).ok_or_else(unknown),
            (Some(id), Some(item), Some(field), None) => {
                let group = self.groups.iter().position(|g| g.id == id).ok_or_else(unknown)?;
                let item = item.parse().map_err(|_| unknown())?;
                let field = place(self.groups[group].params, field).ok_or_else(unknown)?;
                Ok(Address::Item { group, item, field })
            }
            _ => Err(unknown()),
        }
    }

    /// The name of an address, as [`Kind::address`] reads it.
    pub fn name(&self, address: Address) -> String {
        match address {
            Address::Field(field) => self.params[field].id.to_string(),
            Address::Item { group, item, field } => {
                format!("{}.{item}.{}", self.groups[group].id, self.groups[group].params[field].id)
            }
        }
    }

    /// The parameter at an address.
    ///
    /// # Panics
    /// When the address is not of this kind.
    pub fn param(&self, address: Address) -> &'static Param {
        match address {
            Address::Field(field) => &self.params[field],
            Address::Item { group, field, .. } => &self.groups[group].params[field],
        }
    }

    /// A value as people read it: `-18 dB`, `rms`, `on`.
    pub fn shown(&self, address: Address, value: f64) -> String {
        let param = self.param(address);
        match param.class {
            Class::Choice => param.choices[param.clamp(value) as usize].id.to_string(),
            Class::Switch => if value >= 0.5 { "on" } else { "off" }.to_string(),
            Class::Number => {
                // Three decimals are finer than any setting can be heard; trailing zeros say nothing.
                let digits = format!("{value:.3}");
                let digits = digits.trim_end_matches('0').trim_end_matches('.');
                format!("{digits} {}", param.unit.symbol()).trim_end().to_string()
            }
        }
    }
}
