//! Two macros that turn a commented struct into settings and their description.
//!
//! ```
//! dsp::choices! {
//!     /// How the level is found.
//!     pub enum Detector {
//!         /// The largest sample.
//!         Peak = "peak",
//!         /// The mean power.
//!         Rms = "rms",
//!     }
//! }
//! dsp::settings! {
//!     /// Settings of one band.
//!     pub struct Band {
//!         /// Gain at the centre.
//!         gain_db: f64 { label: "Gain", unit: dsp::Unit::Decibel, min: -24.0, max: 24.0 },
//!     }
//! }
//! dsp::settings! {
//!     /// Settings of an example.
//!     pub struct Settings {
//!         /// How the level is found.
//!         detector: Detector { label: "Detector" },
//!         /// Whether it works at all.
//!         active: bool { label: "Active", default: 1.0 },
//!     }
//!     groups {
//!         /// The bands, in the order they are applied.
//!         bands: Band { label: "Band", max: 24 },
//!     }
//! }
//! assert_eq!(Settings::PARAMS[0].choices[1].id, "rms");
//! assert_eq!(Settings::GROUPS[0].params[0].id, "gain_db");
//! ```

/// Declares an enum whose values have names in the session file. The first one is the neutral one.
#[macro_export]
macro_rules! choices {
    (
        $(#[doc = $doc:literal])*
        pub enum $name:ident {
            $( $(#[doc = $help:literal])* $variant:ident = $id:literal ),+ $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $( $(#[doc = $help])* $variant ),+ }

        impl $crate::Setting for $name {
            const BASE: $crate::Param = {
                const CHOICES: &[$crate::Choice] =
                    &[ $( $crate::Choice { id: $id, help: concat!($($help),*) } ),+ ];
                $crate::Param {
                    class: $crate::Class::Choice,
                    choices: CHOICES,
                    max: (CHOICES.len() - 1) as f64,
                    ..$crate::Param::NUMBER
                }
            };
            fn from_number(value: f64) -> Self {
                const ALL: &[$name] = &[ $( $name::$variant ),+ ];
                ALL[(value.max(0.0) as usize).min(ALL.len() - 1)]
            }
            fn number(self) -> f64 {
                self as usize as f64
            }
        }
    };
}

/// Declares a struct of settings together with `PARAMS` and `GROUPS`. See the module's example.
#[macro_export]
macro_rules! settings {
    (
        $(#[doc = $doc:literal])*
        pub struct $name:ident {
            $(
                $(#[doc = $help:literal])*
                $field:ident : $type:ty { $($key:ident : $value:expr),* $(,)? }
            ),* $(,)?
        }
        $(
            groups {
                $(
                    $(#[doc = $group_help:literal])*
                    $group:ident : $item:ty { $($group_key:ident : $group_value:expr),* $(,)? }
                ),* $(,)?
            }
        )?
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $( $(#[doc = $help])* pub $field: $type, )*
            $( $( $(#[doc = $group_help])* pub $group: Vec<$item>, )* )?
        }

        #[allow(dead_code, unused_variables, unused_mut, unused_assignments, clippy::needless_update)]
        impl $name {
            /// What can be set.
            pub const PARAMS: &'static [$crate::Param] = &[ $(
                $crate::Param {
                    id: $crate::plain_name(stringify!($field)),
                    help: concat!($($help),*),
                    $($key: $value,)*
                    ..<$type as $crate::Setting>::BASE
                }
            ),* ];

            /// What can be set repeatedly.
            pub const GROUPS: &'static [$crate::Group] = &[ $( $(
                $crate::Group {
                    id: $crate::plain_name(stringify!($group)),
                    help: concat!($($group_help),*),
                    params: <$item>::PARAMS,
                    $($group_key: $group_value,)*
                    ..$crate::Group::EMPTY
                }
            ),* )? ];

            /// From one number per parameter, in the order of `PARAMS`; groups stay empty.
            pub fn from_fields(fields: &[f64]) -> Self {
                let mut fields = fields.iter().copied();
                let mut next = || fields.next().expect("one value per parameter");
                Self {
                    $( $field: <$type as $crate::Setting>::from_number(next()), )*
                    $( $( $group: Vec::new(), )* )?
                }
            }

            /// From the values of a kind that has these settings.
            pub fn from_values(values: &$crate::Values) -> Self {
                let mut settings = Self::from_fields(&values.fields);
                let mut groups = values.groups.iter();
                $( $(
                    settings.$group = groups
                        .next()
                        .expect("one list per group")
                        .iter()
                        .map(|item| <$item>::from_fields(item))
                        .collect();
                )* )?
                settings
            }

            /// Sets one parameter by its place in `PARAMS`.
            pub fn set_field(&mut self, field: usize, value: f64) {
                let value = Self::PARAMS[field].clamp(value);
                let mut place = 0;
                $(
                    if place == field {
                        self.$field = <$type as $crate::Setting>::from_number(value);
                    }
                    place += 1;
                )*
            }

            /// Sets one value; an item that does not exist is left alone.
            pub fn set(&mut self, address: $crate::Address, value: f64) {
                match address {
                    $crate::Address::Field(field) => self.set_field(field, value),
                    $crate::Address::Item { group, item, field } => {
                        let mut place = 0;
                        $( $(
                            if place == group && let Some(item) = self.$group.get_mut(item) {
                                item.set_field(field, value);
                            }
                            place += 1;
                        )* )?
                    }
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                let fields: Vec<f64> = Self::PARAMS.iter().map(|p| p.default).collect();
                Self::from_fields(&fields)
            }
        }
    };
}
