//! What Tonmeister knows: processors, targets, roles.

use crate::WorkflowError;
use dsp::{Class, Kind, Param};
use serde::Serialize;

/// A setting of a processor, for people and programs.
#[derive(Debug, Clone, Serialize)]
pub struct ParamInfo {
    /// Its name in the session file.
    pub id: String,
    /// Its name for people.
    pub label: &'static str,
    /// What it does.
    pub help: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Lowest value.
    pub min: f64,
    /// Highest value.
    pub max: f64,
    /// What an absent key means.
    pub neutral: String,
    /// Names of a choice.
    pub choices: Vec<&'static str>,
    /// Cannot be automated.
    pub fixed: bool,
}

/// A processor.
#[derive(Debug, Clone, Serialize)]
pub struct ProcessorInfo {
    /// Its name in the session file.
    pub id: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// Where it stands in the rack.
    pub family: &'static str,
    /// What it does and when to use it.
    pub help: &'static str,
    /// Takes a key.
    pub key_input: bool,
    /// Settings.
    pub params: Vec<ParamInfo>,
}

/// All processors, or those with one of these ids.
pub fn processors(ids: &[String]) -> Result<Vec<ProcessorInfo>, WorkflowError> {
    if let Some(unknown) = ids.iter().find(|id| dsp::kind(id).is_none()) {
        let known: Vec<&str> = dsp::KINDS.iter().map(|k| k.id).collect();
        let known = known.join(", ");
        return Err(WorkflowError::Usage(format!("there is no processor `{unknown}`; there are {known}")));
    }
    let chosen = dsp::KINDS.iter().filter(|k| ids.is_empty() || ids.iter().any(|id| id == k.id));
    Ok(chosen.map(|kind| processor(kind)).collect())
}

/// A single reading of a signal as people see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShownReading {
    /// Its name in JSON.
    pub id: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// The value; `None` where it is not defined.
    pub value: Option<f64>,
    /// Decimals worth showing.
    pub decimals: usize,
    /// The unit.
    pub unit: &'static str,
}

/// The single readings of a signal under the headings that people see; those that stand under none come last, without
/// a heading.
pub fn shown_readings(facts: &measure::Facts) -> Vec<(&'static str, Vec<ShownReading>)> {
    let values = serde_json::to_value(facts).expect("facts have only plain values");
    let shown = |r: &measure::Reading| ShownReading {
        id: r.id,
        label: r.label,
        value: values.get(r.id).and_then(serde_json::Value::as_f64),
        decimals: r.decimals,
        unit: r.unit,
    };
    let under = |ids: &[&str]| {
        let known = ids.iter().filter_map(|id| measure::READINGS.iter().find(|r| r.id == *id));
        known.map(shown).collect::<Vec<_>>()
    };
    let mut groups: Vec<(&str, Vec<ShownReading>)> =
        measure::GROUPS.iter().map(|(heading, ids)| (*heading, under(ids))).collect();
    let grouped = |id: &str| measure::GROUPS.iter().any(|(_, ids)| ids.contains(&id));
    groups.push(("", measure::READINGS.iter().filter(|r| !grouped(r.id)).map(shown).collect()));
    groups
}

fn processor(kind: &Kind) -> ProcessorInfo {
    let mut params: Vec<ParamInfo> = kind.params.iter().map(|p| param(p, p.id.to_string())).collect();
    for group in kind.groups {
        params.extend(group.params.iter().map(|p| param(p, format!("{}[].{}", group.id, p.id))));
    }
    ProcessorInfo {
        id: kind.id,
        label: kind.label,
        family: kind.family.label(),
        help: dsp::help_text(kind.help),
        key_input: kind.key_input,
        params,
    }
}

fn param(param: &Param, id: String) -> ParamInfo {
    let neutral = match param.class {
        Class::Number => format!("{}", param.default),
        Class::Switch => if param.default >= 0.5 { "on" } else { "off" }.to_string(),
        Class::Choice => param.choices[param.default as usize].id.to_string(),
    };
    ParamInfo {
        id,
        label: param.label,
        help: param.help(),
        unit: param.unit.symbol(),
        min: param.min,
        max: param.max,
        neutral,
        choices: param.choices.iter().map(|c| c.id).collect(),
        fixed: param.fixed,
    }
}

/// A role that tracks can have.
#[derive(Debug, Clone, Serialize)]
pub struct RoleInfo {
    /// Its name in the session file.
    pub id: &'static str,
    /// Its family.
    pub family: &'static str,
    /// Some names that say it.
    pub names: Vec<&'static str>,
}

/// All roles, in the order of the mixer.
pub fn roles() -> Vec<RoleInfo> {
    let roles = assistant::roles::roles().into_iter();
    roles.map(|(id, family, names)| RoleInfo { id, family, names }).collect()
}

/// What a name says: for `roles NAME ...`.
#[derive(Debug, Clone, Serialize)]
pub struct NamedInfo {
    /// The name.
    pub name: String,
    /// The role it says.
    pub role: &'static str,
    /// How sure, 0 to 1.
    pub confidence: f64,
}

/// What names say.
pub fn name_roles(names: &[String]) -> Vec<NamedInfo> {
    let one = |name: &String| {
        let told = assistant::roles::role_of_name(name);
        NamedInfo { name: name.clone(), role: told.role, confidence: told.confidence }
    };
    names.iter().map(one).collect()
}

/// What `demo --dry-run` prints: what the demo would write, and what is wrong in it.
#[derive(Debug, Clone, Serialize)]
pub struct DemoContents {
    /// Names the form of this object.
    pub schema: &'static str,
    /// The song's title.
    pub title: String,
    /// The recordings that would be written.
    pub tracks: Vec<String>,
    /// The planted faults.
    pub faults: Vec<PlantedInfo>,
    /// Nothing was written.
    pub dry_run: bool,
}

/// A planted fault.
#[derive(Debug, Clone, Serialize)]
pub struct PlantedInfo {
    /// The step whose work it is.
    pub step: u8,
    /// The file.
    pub track: String,
    /// The fault, as one word.
    pub fault: String,
    /// What is wrong, in plain words.
    pub planted: String,
}

/// What the demo with this seed consists of; nothing is written.
pub fn demo_contents(seed: u64) -> DemoContents {
    let mut tracks = Vec::new();
    let sheet = demo::each_track(seed, demo::Take::Faulty, |track| tracks.push(track.file_name.to_string()));
    let planted = sheet.planted.iter().map(|p| PlantedInfo {
        step: p.step,
        track: p.track.to_string(),
        fault: p.fault.to_string(),
        planted: p.what.clone(),
    });
    DemoContents {
        schema: "tonmeister.demo/1",
        title: sheet.title.to_string(),
        tracks,
        faults: planted.collect(),
        dry_run: true,
    }
}
